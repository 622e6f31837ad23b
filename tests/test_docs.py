"""What users read is true: commands and examples run, every command is described, every link leads somewhere.

A ```console block holds what a user types after "$ " (a line that ends in a backslash goes on in the next one); other
lines are what they see. The blocks of one page run in order, in one shell, in a folder that looks like the checkout.
Blocks that begin with ```console kafka start a real broker, so they run where Java and Maven are. A ```python block
runs by itself in that folder; what a ```yaml block of docs/stream.md holds is a stream, keys of one, or rules.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
import yaml

from connectors.local_broker import down
from schemas.changes import Changes
from schemas.disorder import Disorder
from schemas.drifts import Drift
from schemas.monitoring import Monitoring
from schemas.parts import Part
from schemas.rates import Profile
from schemas.responses import Response
from schemas.rule_forms import RULES, parse
from schemas.steering import Boost, Steering
from schemas.stream import Publishing, StreamSpec, TopicSettings, from_mapping
from stream_app.cli import main
from stream_app.commands.broker import FOLDER
from tests.commands_page import EXAMPLES, described
from tests.commands_page import page as commands_page

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(path.relative_to(ROOT) for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")))
AT_MOST_S = 600
NO_BROKER = [program for program in ("java", "mvn") if shutil.which(program) is None]

# Commands that are not run, by how they begin, each with the reason.
NOT_RUN = {
    "make test": "would run this test again, for ever",
    "bash .ci/run": "runs make test",
    "make demo": "the long way to `synthstream demo`, which tests of its own run",
    "DEMO_SECONDS=60 make demo": "the long way to `synthstream demo`, which tests of its own run",
    "make lint": "a step of make test",
    "make format": "would rewrite the checkout",
    ".venv/bin/python -m pytest": "a part of make test",
    "make clean": "would remove what this test run measures",
    "git clone": "needs the address of a copy",
    "docker compose": "needs a Docker engine",
    "bash deploy/programs.sh": "would install programs",
    ".venv/bin/python -m benchmarks.": "takes minutes; its figures are read by people",
}


@dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Args:
        line: where it begins.
        language: the word behind the fence.
        text: what is between the fences.
        kafka: whether its commands need a real broker.
    """

    line: int
    language: str
    text: str
    kafka: bool = False

    def commands(self) -> Iterator[str]:
        """What a user types, a command each."""
        going_on = ""
        for line in self.text.splitlines():
            if not (line.startswith("$ ") or going_on):
                continue
            typed = going_on + (line if going_on else line[2:])
            going_on = f"{typed}\n" if typed.endswith("\\") else ""
            if not going_on:
                yield typed


def blocks(text: str, language: str) -> list[Block]:
    """The fenced blocks of one language, in order; fences may be indented, as in lists."""
    found, opened = [], None
    lines = text.splitlines()
    for number, line in enumerate(lines):
        fence = re.fullmatch(r"\s*```(\S*)(.*)", line)
        if fence is None:
            continue
        if opened is None:
            opened = (number, fence[1], fence[2].strip() == "kafka")
            continue
        start, word, kafka = opened
        opened = None
        if word == language:
            inner = textwrap.dedent("\n".join(lines[start + 1 : number]))
            found.append(Block(start + 1, word, inner + "\n", kafka))
    assert opened is None, f"the fence of line {opened[0] + 1} is never closed"
    return found


def not_run(command: str) -> str | None:
    """Why a command is not run, or None."""
    return next((why for start, why in NOT_RUN.items() if command.startswith(start)), None)


def script(page: str, *, kafka: bool = True) -> str:
    """One shell script that does what the page says, and stops at the first command that fails."""
    lines = ["set -e -o pipefail", "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT"]
    for block in blocks(page, "console"):
        for command in block.commands() if kafka or not block.kafka else ():
            if not_run(command) is None:
                lines += [f"echo {shlex.quote(f'[line {block.line}] $ {command}')} >&2", command]
    return "\n".join(lines) + "\n"


def carry_out(command: list[str], folder: Path, at_most_s: float = AT_MOST_S) -> tuple[int, str]:
    """Run a command and end whatever it left behind: its exit code, and what it said."""
    bare = {key: value for key, value in os.environ.items() if not key.startswith(("SYNTHSTREAM_", "DEMO_"))}
    environment = {**bare, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with (folder / "said").open("w+") as said:
        child = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        try:
            child.wait(at_most_s)
        except subprocess.TimeoutExpired:
            child.returncode = 124
        finally:
            _end(child)
        said.seek(0)
        return child.returncode, said.read()


def _end(child: subprocess.Popen[str]) -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        child.wait()


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """A folder that looks like the checkout, in which new files stay apart from it; a broker started there is ended."""
    for path in ROOT.iterdir():
        if path.name not in {".git", ".venv", ".synthstream", "demo-summary.json"} and not path.name.startswith(".cov"):
            (tmp_path / path.name).symlink_to(path)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    yield tmp_path
    down(tmp_path / FOLDER)


@pytest.mark.timeout(AT_MOST_S + 30)
@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_commands_of_a_page_work(page: Path, checkout: Path) -> None:
    text = (ROOT / page).read_text()
    code, said = carry_out(["bash", "-c", script(text, kafka=not NO_BROKER)], checkout)
    assert code == 0, f"{page}: exit code {code}\n{said}"
    if NO_BROKER and any(block.kafka for block in blocks(text, "console")):
        pytest.skip(f"all but the blocks that need a broker worked; missing: {' and '.join(NO_BROKER)}")


@pytest.mark.timeout(AT_MOST_S + 30)
@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_examples_of_a_page_work(page: Path, checkout: Path) -> None:
    for block in blocks((ROOT / page).read_text(), "python"):
        code, said = carry_out([sys.executable, "-c", block.text], checkout)
        assert code == 0, f"{page}:{block.line}: exit code {code}\n{said}"


def test_nothing_is_excused_that_no_page_says() -> None:
    typed = [c for page in PAGES for b in blocks((ROOT / page).read_text(), "console") for c in b.commands()]
    unused = [start for start in NOT_RUN if not any(command.startswith(start) for command in typed)]
    assert not unused, unused


def test_every_command_and_option_has_help_and_every_command_is_in_the_docs() -> None:
    pages = "\n".join((ROOT / page).read_text() for page in PAGES)
    faults = []
    for name, command in described(main, "synthstream", click.Context(main)):
        if not (command.help or "").strip():
            faults.append(f"{name}: no help")
        options = (p for p in command.params if isinstance(p, click.Option))
        faults += [f"{name} {option.opts[0]}: no help" for option in options if not option.help]
        if not re.search(rf"\b{name}\b", pages):
            faults.append(f"{name}: neither in README.md nor in docs/")
    assert not faults, "\n" + "\n".join(faults)


def test_the_page_of_commands_says_what_the_commands_say() -> None:
    assert (ROOT / "docs" / "commands.md").read_text() == commands_page(), "run `python -m tests.commands_page`"


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_of_a_command_is_one_it_takes(name: str) -> None:
    typed, words = shlex.split(EXAMPLES[name]), name.split()
    assert typed[: len(words)] == words
    command = dict(described(main, "synthstream", click.Context(main)))[name]
    command.make_context(name, typed[len(words) :])


def test_the_page_of_the_stream_file_names_every_key_and_rule_and_its_examples_are_taken(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "stream.md").read_text()
    parts: dict[str, type[Part]] = {"topic_settings": TopicSettings, "monitor": Monitoring}
    parts |= {"publish": Publishing, "changes": Changes, "disorder": Disorder, "steer": Steering, "steer.boost": Boost}
    keys = [f"{part}.{key}" for part, model in parts.items() for key in model.model_fields]
    keys += [f"monitor.on_alarm.{key}" for key in Response.model_fields]
    keys += [f"drifts.{key}" for key in Drift.model_fields if not key.endswith(("_s", "_records"))]
    named = (*StreamSpec.model_fields, *keys, *RULES, *Profile.model_fields)
    assert [key for key in named if f"| `{key}` |" not in text] == []
    forms = [yaml.safe_load(block.text) for block in blocks(text, "yaml")]
    whole = {"stream": "s", "topic": "t"}
    specs = [from_mapping({**whole, **form}, tmp_path) for form in forms if isinstance(form, dict)]
    rules = next(form for form in forms if isinstance(form, list))
    assert {parse(rule).KIND for rule in rules} == set(RULES)
    shown = set().union(*(spec.model_fields_set for spec in specs))
    assert {"rules", "changes", "steer", "drifts", "disorder", "quarantine", "publish", "monitor"} <= shown
    assert any(isinstance(spec.rate_per_s, Profile) for spec in specs)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", (ROOT / page).read_text()):
        path, _, section = target.partition("#")
        if re.match(r"\w+:", target):
            continue
        file = (ROOT / page).parent / path if path else ROOT / page
        if not file.exists() or (section and file.suffix == ".md" and section not in anchors(file.read_text())):
            broken.append(target)
    assert not broken, f"{page}: {broken}"


def anchors(text: str) -> set[str]:
    """What links to a page's headings say, as GitHub spells them."""
    headings = re.findall(r"^#+ +(.+?)\s*$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


EXAMPLE = """
```console
$ echo one
one
$ echo two \\
    and a half
two and a half
```
- in a list
  ```console
  $ make test
  $ echo three
  ```
```python
1 / 0
```
"""


def test_blocks_and_commands_are_found() -> None:
    first, second = blocks(EXAMPLE, "console")
    assert list(first.commands()) == ["echo one", "echo two \\\n    and a half"]
    assert list(second.commands()) == ["make test", "echo three"]
    assert [block.text for block in blocks(EXAMPLE, "python")] == ["1 / 0\n"]


def test_a_page_runs_in_order_without_what_is_excused(tmp_path: Path) -> None:
    code, said = carry_out(["bash", "-c", script(EXAMPLE)], tmp_path)
    assert code == 0
    seen = [line for line in said.splitlines() if not line.startswith("[line")]
    assert [line for line in seen if line[0] != " "] == ["one", "two and a half", "three"]


def test_blocks_that_need_a_broker_can_be_left_out() -> None:
    text = "```console\n$ echo one\n```\n```console kafka\n$ echo two\n```\n"
    assert [block.kafka for block in blocks(text, "console")] == [False, True]
    assert "echo two" in script(text)
    assert "echo two" not in script(text, kafka=False)
    assert "echo one" in script(text, kafka=False)


def test_the_first_failing_command_fails_the_page_and_the_shell_is_one(tmp_path: Path) -> None:
    page = "```console\n$ export HERE=there\n$ sleep 60 &\n$ test $HERE = there\n$ ls nothing-here\n$ echo late\n```\n"
    code, said = carry_out(["bash", "-c", script(page)], tmp_path)
    assert code != 0
    assert "$ ls nothing-here" in said
    assert "late" not in said


def test_a_failing_example_fails_the_page(tmp_path: Path) -> None:
    code, said = carry_out([sys.executable, "-c", blocks(EXAMPLE, "python")[0].text], tmp_path)
    assert code == 1
    assert "ZeroDivisionError" in said


def test_a_command_that_goes_on_is_ended(tmp_path: Path) -> None:
    code, _ = carry_out(["sleep", "60"], tmp_path, at_most_s=0.2)
    assert code == 124


def test_anchors_are_spelled_as_links_spell_them() -> None:
    assert anchors("# The main `job`, end to end\n## SynthstreamDrift\n") == {
        "the-main-job-end-to-end",
        "synthstreamdrift",
    }
