from __future__ import annotations

from pathlib import Path

import pytest

from generators.base import Generator
from tests.generators.tables import assert_marginals_are_the_profiles
from tests.generators.tabular.laws import (
    assert_drawing_needs_no_torch,
    assert_training_goes_on,
    drawn,
    trained,
)

NAME = "tabular.tablegan"


@pytest.fixture(scope="module")
def model() -> Generator:
    return trained(NAME, 30, 4_000, {"width": 16, "latent": 16})


def test_marginals_are_the_profiles(model: Generator) -> None:
    assert_marginals_are_the_profiles(model, 20_000)


def test_numbers_rise_together_as_they_do_in_the_table(model: Generator) -> None:
    assert drawn(model)[["size", "exact"]].corr("spearman").to_numpy()[0, 1] > 0.3


def test_drawing_needs_no_torch(tmp_path: Path) -> None:
    assert_drawing_needs_no_torch(NAME, tmp_path)


def test_training_that_was_interrupted_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert_training_goes_on(NAME, tmp_path, monkeypatch)
