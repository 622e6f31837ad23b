from generators.invented.pools import invented, restored, stored
from schemas.formats import Template, TextFormat
from schemas.table import Column, Kind


def test_strings_survive_being_stored() -> None:
    texts = ["a", "", "a\0b", "東京"]
    assert restored(stored(texts)) == texts


def test_what_is_invented_is_distinct_and_not_real() -> None:
    real = {f"A{n}" for n in range(8)}
    found = invented(TextFormat((Template(1.0, ("A", "digit")),)), Column("c", Kind.TEXT), real, 2, 0)
    assert len(set(found)) == 2
    assert not set(found) & real
