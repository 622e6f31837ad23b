"""What pydantic found wrong, said as every fault is said here: key, value, what was expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

WORDS = {
    "tuple_type": "expected a list",
    "dict_type": "expected keys and values",
    "mapping_type": "expected keys and values",
    "model_type": "expected keys and values",
    "model_attributes_type": "expected keys and values",
    "string_type": "expected text; quote it",
    "string_pattern_mismatch": "expected letters, digits, '.', '_' or '-'",
}
"""What a fault is called here, by pydantic's name for it."""

NUMBER, WORD, FORM = "a number", "a word", "a form"
"""The branches of a union, as pydantic names them in a fault's place."""

ABSENT = frozenset({"missing", "union_tag_not_found"})

QUOTE = "'"

TRIED = frozenset({NUMBER, WORD, FORM})
"""The types that pydantic tried in vain, which it names as if they were keys."""

UNSHOWN = frozenset({"kafka", "registry_settings", "registry", "monitor.alertmanager"})
"""Keys whose values may be secret: a fault does not repeat them."""


def fault_line(error: Mapping[str, Any], model: type[BaseModel]) -> str:
    """One fault in one line.

    Args:
        error: as `ValidationError.errors` has it.
        model: what was validated.
    """
    place = [str(part) for part in error["loc"] if part not in TRIED]
    unshown = not UNSHOWN.isdisjoint((*place[:1], ".".join(place[:2])))
    if unshown and len(place) > 2:
        return f"{'.'.join(place[:2])}: expected text, a number, true or false"
    key = ".".join(place)
    if error["type"] == "extra_forbidden":
        known = _known(place[:-1], model)
        near = difflib.get_close_matches(place[-1], known, n=1)
        return f"{key}: no such key; {f'did you mean {near[0]}?' if near else 'known are ' + ', '.join(known)}"
    if error["type"] == "union_tag_invalid":
        which = error["ctx"]
        return f"{key}.{which['discriminator'].strip(QUOTE)}={which['tag']!r}: expected one of {which['expected_tags']}"
    words: str = WORDS.get(error["type"], error["msg"].removeprefix("Value error, "))
    if error["type"] == "union_tag_not_found":
        key = f"{key}.{error['ctx']['discriminator'].strip(QUOTE)}"
    if error["type"] in ABSENT:
        words = "is missing; expected a value"
    if not key:
        return words
    whole = error["type"] == "value_error" and isinstance(error["input"], dict | BaseModel)
    if unshown or whole or error["type"] in ABSENT:
        return f"{key}: {words}"
    return f"{key}={error['input']!r}: {words[:1].lower()}{words[1:]}"


def _known(place: list[str], model: type[BaseModel]) -> list[str]:
    """The keys of the model found at a place."""
    among: list[type[BaseModel]] = []
    for part in place:
        field = model.model_fields.get(part)
        if field is not None:
            among = list(_models(field.annotation))
            if not among:
                return []
            model = among[0]
        else:  # which of several forms it is, by its kind
            kinds = ((each, each.model_fields.get("kind")) for each in among)
            model = next((each for each, kind in kinds if kind and part in get_args(kind.annotation)), model)
    return [field.alias or name for name, field in model.model_fields.items()]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models a key's value may be."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
