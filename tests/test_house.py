"""The house keeps its rules, and each rule finds a fault planted for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.house import RULES

LONG = "X = 1\n" * 401
SPRAWLING = "def sprawl() -> None:\n" + "    X = 1\n" * 61
HOST = ".".join(("registry", "example", "org"))

PLANTED = [
    ("directions", "generators/a.py", "import connectors.kafka\n"),
    ("directions", "monitors/a.py", "def late() -> None:\n    from generators import base\n"),
    ("directions", "connectors/a.py", "from monitors.drift import ks\n"),
    ("directions", "schemas/a.py", "from stream_app.cli import main\n"),
    ("directions", "stream_app/a.py", "from tests import house\n"),
    ("clients", "stream_app/a.py", "from confluent_kafka import Producer\n"),
    ("clients", "connectors/kafka.py", "from confluent_kafka.schema_registry import SchemaRegistryClient\n"),
    ("clients", "connectors/registry.py", "from confluent_kafka import Consumer\n"),
    ("clients", "stream_app/workers.py", "import faust\n"),
    ("clients", "schemas/a.py", "import pyarrow.parquet as pq\n"),
    ("clients", "schemas/a.py", "from pyarrow import csv\n"),
    ("clients", "generators/a.py", "import click\n"),
    ("clients", "stream_app/a.py", "import pandas as pd\n"),
    ("heavy", "stream_app/a.py", "try:\n    import torch\nexcept ImportError:\n    pass\n"),
    ("heavy", "generators/__init__.py", "from opacus import PrivacyEngine\n"),
    ("sizes", "schemas/a.py", LONG),
    ("sizes", "stream_app/ui/a.js", LONG),
    ("sizes", "tests/test_a.py", SPRAWLING),
    ("sizes", "schemas/a.py", "def f(a, b, c, d, /, e, *f, g=1, **h): ...\n"),
    ("sizes", "schemas/a.py", "class A:\n    @staticmethod\n    def f(a, b, c, d, e, f, g, h): ...\n"),
    ("names", "schemas/utils.py", "X = 1\n"),
    ("names", "connectors/kafka_helpers/a.py", "X = 1\n"),
    ("names", "schemas/a.py", "class TopicManager: ...\n"),
    ("habits", "schemas/a.py", "print('hello')\n"),
    ("habits", "schemas/a.py", "try:\n    X = 1\nexcept:\n    X = 2\n"),
    ("habits", "schemas/a.py", "def f(a=[]): ...\n"),
    ("habits", "schemas/a.py", "def f(*, a=dict()): ...\n"),
    ("habits", "schemas/a.py", "import numpy as np\nRNG = np.random.default_rng(0)\n"),
    ("habits", "tests/test_a.py", "import random\nclass A:\n    source = random.Random(1)\n"),
    ("tested", "generators/tabular/a.py", "X = 1\n"),
    ("tested", "monitors/drift/a.py", "X = 1\n"),
    ("tested", "schemas/a.py", "X = 1\n"),
    ("kernels", "schemas/a.py", "from schemas.kernel import kernel\n@kernel\ndef f(x): ...\n"),
    ("addresses", "docs/a.md", "see " + "/home" + "/ann/notes\n"),
    ("addresses", "deploy/a.yml", f"image: {HOST}/kafka:1\n"),
    ("addresses", ".ci/run", f"pip install --index-url https://{HOST}/simple x\n"),
]

HARMLESS = {
    "schemas/__init__.py": '"""Records."""\n',
    "schemas/a.py": (
        "from collections.abc import Sequence\n"
        "def f(a, b, c, d, e, f, g=()):\n"
        f'    """{"Long." + chr(10) * 80}"""\n'
        "    return np.random.default_rng(a)\n"
        "class A:\n    def f(self, a, b, c, d, e, f, g): ...\n"
    ),
    "generators/tabular/b.py": "import torch\nfrom schemas.a import f\n",
    "stream_app/commands/c.py": "import click\nfrom generators.tabular import b\n",
    "connectors/registry.py": "from confluent_kafka.schema_registry import SchemaRegistryClient\n",
    "stream_app/ui/vendor/chart.js": LONG,
    "tests/schemas/test_a.py": "from schemas.a import f\nimport pandas\ndef test_f(a, b, c, d, e, f, g, h): ...\n",
    "tests/generators/tabular/test_b.py": "X = 1\n",
    "tests/test_c.py": "import connectors.registry\nNAMED = 'stream_app.commands.c'\n",
    ".venv/lib/utils.py": "print(1)\n",
}


def plant(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


@pytest.mark.parametrize("rule", RULES)
def test_the_house_keeps_its_rules(rule: str, root: Path) -> None:
    faults = RULES[rule](root)
    assert not faults, "\n" + "\n".join(faults)


@pytest.mark.parametrize(("rule", "path", "text"), PLANTED)
def test_a_planted_fault_is_found(rule: str, path: str, text: str, tmp_path: Path) -> None:
    plant(tmp_path, path, text)
    faults = RULES[rule](tmp_path)
    assert [fault.split(":")[0] for fault in faults] == [path]


def test_every_rule_has_a_planted_fault() -> None:
    assert {rule for rule, _, _ in PLANTED} == set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_what_is_right_is_left_alone(rule: str, tmp_path: Path) -> None:
    for path, text in HARMLESS.items():
        plant(tmp_path, path, text)
    assert RULES[rule](tmp_path) == []


def test_a_test_file_clears_a_component_and_a_marked_test_clears_a_kernel(tmp_path: Path) -> None:
    plant(tmp_path, "generators/tabular/a.py", "@kernel\ndef f(x): ...\n")
    assert RULES["tested"](tmp_path)
    assert RULES["kernels"](tmp_path)
    test = "import pytest\nfrom generators.tabular.a import f\npytestmark = pytest.mark.kernel\n"
    plant(tmp_path, "tests/generators/tabular/test_a.py", test)
    assert RULES["tested"](tmp_path) == []
    assert RULES["kernels"](tmp_path) == []
