import subprocess
import sys
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

import generators
from generators.base import Generator
from generators.tabular.copula import Copula
from schemas.errors import InputError


class Tuned(Copula):
    SETTINGS: ClassVar[Mapping[str, Any]] = {"epochs": 10, "rate": 0.5, "fast": False}


def test_names_are_paths_and_all_load() -> None:
    assert {"tabular.copula", "tabular.marginals", "tabular.mixture"} <= {*generators.names()}
    for name in generators.names():
        found = generators.load(name)
        assert issubclass(found, Generator)
        assert found.HELP
        assert "\n" not in found.HELP


def test_listing_imports_no_model() -> None:
    code = (
        "import sys, generators; generators.names(); print([m for m in sys.modules if 'tabular' in m or m == 'numba'])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_an_unknown_model_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r"model=tabular.copla: unknown \(did you mean tabular.copula\?\)"):
        generators.load("tabular.copla")
    with pytest.raises(InputError, match=r"model=\.\./evil: unknown; choose one of tabular.copula"):
        generators.load("../evil")


def test_settings_fill_up_and_read_text() -> None:
    assert generators.settings_for(Tuned, {"epochs": "3", "fast": "true"}) == {"epochs": 3, "rate": 0.5, "fast": True}
    assert generators.settings_for(Tuned, {"rate": 1}) == {"epochs": 10, "rate": 1.0, "fast": False}


def test_a_whole_number_may_be_written_with_a_point_but_not_with_a_fraction() -> None:
    assert generators.settings_for(Tuned, {"epochs": 3.0})["epochs"] == 3
    with pytest.raises(InputError, match=r"epochs=2\.5: must be int, such as 10"):
        generators.settings_for(Tuned, {"epochs": 2.5})


def test_every_fault_of_settings_is_listed() -> None:
    with pytest.raises(InputError) as caught:
        generators.settings_for(Tuned, {"epoch": 1, "rate": "much", "fast": "maybe", "epochs": True})
    assert caught.value.faults == (
        "epoch=1: unknown setting (did you mean epochs?); the model knows epochs, rate, fast",
        "rate=much: must be float, such as 0.5",
        "fast=maybe: must be bool, such as False",
        "epochs=True: must be int, such as 10",
    )
