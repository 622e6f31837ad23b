import re

import numpy as np
import pytest

from generators.invented.strings import alphabet, strings, variety
from generators.randomness import words
from schemas.formats import ALPHABETS, Template, TextFormat

PLATE = Template(0.75, ("B", "-", "nonzero", "digit", "upper"))
HEX = Template(0.25, ("hex",) * 8)


def seeds(rows: int) -> np.ndarray:
    return words((1, 2), 0, 2 * rows).reshape(-1, 2)


def test_strings_follow_their_templates_in_their_shares() -> None:
    drawn = strings(TextFormat((PLATE, HEX)), seeds(4_000)).tolist()
    plates = [d for d in drawn if re.fullmatch("B-[1-9][0-9][A-Z]", d)]
    assert len(plates) + sum(bool(re.fullmatch("[0-9a-f]{8}", d)) for d in drawn) == 4_000
    assert len(plates) / 4_000 == pytest.approx(0.75, abs=0.03)
    assert {d[4] for d in plates} == set(ALPHABETS["upper"])


def test_free_text_has_the_given_sizes() -> None:
    drawn = strings(TextFormat(words=(2, 3), letters=(4, 5)), seeds(200)).tolist()
    assert {len(d.split(" ")) for d in drawn} == {2, 3}
    assert {len(w) for d in drawn for w in d.split(" ")} == {4, 5}


def test_a_string_is_a_function_of_its_seeds() -> None:
    text = TextFormat((HEX,))
    assert strings(text, seeds(50))[7] == strings(text, seeds(50)[7:8])[0]
    assert len(set(strings(text, seeds(4_000)).tolist())) > 3_990
    assert strings(text, seeds(0)).tolist() == []


def test_variety_counts_spellings() -> None:
    assert variety(TextFormat((HEX, PLATE))) == 9 * 10 * 26
    assert variety(TextFormat(words=(1,), letters=(6,))) == 0
    assert alphabet("é") == "é"
