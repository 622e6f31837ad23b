import json
from dataclasses import asdict

import numpy as np
import pytest

from schemas.formats import ALPHABETS, MAX_TEMPLATES, TextFormat, format_of


def places(values: list[str]) -> list[tuple[str, ...]]:
    return [t.places for t in format_of(values, [1] * len(values)).templates]


def test_places_of_a_licence_plate() -> None:
    assert places([f"B-{n} É" for n in range(20, 90)]) == [("B", "-", "digit", "digit", " ", "É")]
    assert places([f"{n}" for n in range(20, 90)]) == [("nonzero", "digit")]
    assert places([f"{n:03d}" for n in range(0, 900, 3)]) == [("digit", "digit", "digit")]


def test_hexadecimal_identifiers_share_one_template() -> None:
    rng = np.random.Generator(np.random.PCG64(0))
    (found,) = places([rng.bytes(16).hex() for _ in range(400)])
    assert set(found) == {"hex"}
    assert len(found) == 32


def test_shares_follow_rows_and_sum_to_one() -> None:
    found = format_of(["a1", "b2", "c", "d"], [30, 30, 20, 20])
    assert [(t.share, t.places) for t in found.templates] == [(0.6, ("lower", "digit")), (0.4, ("lower",))]
    many = format_of(["x" * n for n in range(1, 71)], [5] * 70)
    assert len(many.templates) <= MAX_TEMPLATES
    assert sum(t.share for t in many.templates) == pytest.approx(1)


def test_a_fixed_character_needs_five_values() -> None:
    four = format_of(["Q1", "Q2", "Q3", "Q4"], [100] * 4)
    assert four.templates[0].places == ("upper", "digit")
    assert places(["Q1", "Q2", "Q3", "Q4", "Q5"])[0][0] == "Q"


def test_a_long_sorted_list_is_looked_at_all_along() -> None:
    assert places([f"{n:05d}" for n in range(60_000)]) == [("digit",) * 5]


def test_a_character_of_almost_all_values_is_fixed() -> None:
    plates = [f"N{n}" for n in range(100, 400)]
    assert places([*plates, "D101"])[0][0] == "N"
    assert places([*plates, *(f"D{n}" for n in range(100, 110))])[0][0] == "upper"


@pytest.mark.parametrize(
    ("values", "counts"), [([], []), (["secret"], [4]), (["Ann Lee", "Bo"], [1, 1]), (["a b"], [4])]
)
def test_fewer_than_five_rows_say_nothing(values: list[str], counts: list[int]) -> None:
    assert format_of(values, counts) == TextFormat(words=(1,), letters=(6,))


def test_free_text_keeps_sizes_only() -> None:
    rng = np.random.Generator(np.random.PCG64(0))
    texts = [" ".join("w" * int(k) for k in rng.integers(2, 9, rng.integers(3, 12))) for _ in range(500)]
    found = format_of(texts, [1] * 500)
    assert found.templates == ()
    assert 3 <= found.words[0] <= found.words[-1] <= 11
    assert 2 <= found.letters[0] <= found.letters[-1] <= 8


@pytest.mark.parametrize("values", [["a1"] * 1, [f"N{n}" for n in range(99)], ["", " ", "\n", "\0", "🦀"] * 1])
def test_json_reads_back(values: list[str]) -> None:
    found = format_of(values, [9] * len(values))
    assert TextFormat.from_json(json.loads(json.dumps(asdict(found)))) == found
    for template in found.templates:
        assert all(len(place) == 1 or place in ALPHABETS for place in template.places)
