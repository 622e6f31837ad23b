"""Changes as a stream's file has them: records as the creations, updates and deletes of entities."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.parts import Part, one_line


class Changes(Part):
    """A stream's records as changes to the rows of entities, which are its keys.

    Args:
        form: "upserts" for the row itself, and no value for a delete; "debezium" for an envelope of before and after.
        columns: what an update changes; None for every column but the key.
        deletes: the share of events that delete their entity.
        tombstones: whether an envelope that deletes is followed by a record of its key without a value; None for the
            default, which is true. Upserts have no such choice: their deletes are tombstones.
    """

    form: Literal["upserts", "debezium"]
    columns: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    deletes: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    tombstones: bool | None = None

    @model_validator(mode="after")
    def _fits(self) -> Changes:
        if self.form == "upserts" and self.tombstones is not None:
            raise ValueError("tombstones: is for form: debezium; with upserts every delete is a tombstone, so drop it")
        if self.columns is not None and len(set(self.columns)) < len(self.columns):
            raise ValueError(f"columns={list(self.columns)}: names a column twice; name each once")
        return self

    @property
    def followed(self) -> bool:
        """Whether a record without a value follows a delete."""
        return self.form == "debezium" and self.tombstones is not False


def spelled(changes: Changes | None) -> str:
    """One line of YAML that holds everything records depend on; `none` where a stream has no changes.

    >>> spelled(Changes(form="upserts", deletes=0.1)), spelled(None)
    ('{form: upserts, deletes: 0.1}', 'none')
    """
    if changes is None:
        return "none"
    form = changes.model_dump(exclude_none=True) | ({"tombstones": True} if changes.followed else {})
    form |= {} if changes.columns is None else {"columns": sorted(changes.columns)}
    return one_line(form)
