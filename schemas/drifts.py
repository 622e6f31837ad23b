"""Drifts as a stream's file scripts them: from when on, how they come, and which records are part of them."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import ConfigDict, Field, model_validator

from schemas.parts import NAME, Count, Part, Positive
from schemas.profile import ColumnProfile
from schemas.table import Column, TableSchema

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

Since = Annotated[float, Field(ge=0)]
SinceRecord = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(gt=0, le=1)]
Inner = Annotated[float, Field(gt=0, lt=1)]


@dataclass(frozen=True)
class Known:
    """What is known of a column that is to drift.

    Args:
        column: the column.
        profile: its profile.
        bounds: the least and the greatest number it may hold by now, in the units of Arrow; zeros where it holds none.
    """

    column: Column
    profile: ColumnProfile
    bounds: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Hits:
    """Which records of a block are drifted.

    Args:
        rows: whether each is, shape (n,).
        size: how large the drift is in each, from 0 to 1, shape (n,).
        draws: draws a uniform in [0, 1) for each, for whatever a kind likes, shape (n,).
    """

    rows: Mask
    size: Floats
    draws: Callable[[], Floats]


class Drift(Part):
    """A drift: what every kind has in common. Times are in seconds of the stream's clock, or in its records.

    Args:
        name: what its records are labelled with.
        kind: what it does.
        column: to which column.
        course: sudden; gradual, the share of drifted records growing from 0; incremental, the drift itself growing
            from 0; recurring, on and off again.
        share: of the records, at full drift.
        start_s: when it begins, counted from the beginning of the stream or from the command; or
        start_records: the same in records.
        duration_s: how long it lasts; for ever without. Or
        duration_records: the same in records.
        ramp_s: how long a gradual or incremental drift grows; its whole duration without. Or
        ramp_records: the same in records.
        period_s: how often a recurring drift comes back. Or
        period_records: the same in records.
        active: the share of each period in which a recurring drift is on, from its beginning.

    Source of the courses: Gama et al. 2014, "A survey on concept drift adaptation", figure 2.
    """

    model_config = ConfigDict(strict=True)

    SIZED: ClassVar[bool] = False
    """Whether it may be larger or smaller, so that it can come incrementally."""

    name: Annotated[str, Field(pattern=NAME, max_length=60)]
    kind: str
    column: str | None = None
    course: Literal["sudden", "gradual", "incremental", "recurring"] = "sudden"
    share: Share = 1.0
    start_s: Since | None = None
    start_records: SinceRecord | None = None
    duration_s: Positive | None = None
    duration_records: Count | None = None
    ramp_s: Positive | None = None
    ramp_records: Count | None = None
    period_s: Positive | None = None
    period_records: Count | None = None
    active: Inner = 0.5

    @model_validator(mode="after")
    def _fits(self) -> Drift:
        if self.counts_records and any(getattr(self, f"{what}_s") is not None for what in TIMES):
            raise ValueError("counts in seconds and in records; choose one for start, duration, ramp and period")
        growing = self.course in ("gradual", "incremental")
        if growing and self.ramp == math.inf:
            raise ValueError(f"course={self.course}: needs a duration_s or a ramp_s (or _records), how long it grows")
        if not growing and self._given("ramp") is not None:
            raise ValueError(f"course={self.course}: does not grow, so drop the ramp, or say gradual or incremental")
        if (self.course == "recurring") != (self._given("period") is not None):
            raise ValueError(f"course={self.course}: a period is for recurring, which needs one")
        if "active" in self.model_fields_set and self.course != "recurring":
            raise ValueError(f"course={self.course}: active is for recurring; drop it")
        if self.course == "incremental" and not self.SIZED:
            raise ValueError("course=incremental: is for shift and scale, which have a size; say gradual")
        return self

    def _given(self, what: str) -> float | None:
        value: float | None = getattr(self, f"{what}_{'records' if self.counts_records else 's'}")
        return value

    @property
    def counts_records(self) -> bool:
        """Whether its times are records of the stream; else they are seconds."""
        return any(getattr(self, f"{what}_records") is not None for what in TIMES)

    @property
    def start(self) -> float:
        """When it begins."""
        given = self._given("start")
        return 0.0 if given is None else given

    @property
    def duration(self) -> float:
        """How long it lasts."""
        given = self._given("duration")
        return math.inf if given is None else given

    @property
    def ramp(self) -> float:
        """How long it grows."""
        given = self._given("ramp")
        return self.duration if given is None else given

    def within(self, elapsed: Floats) -> Mask:
        """Whether it goes on, by the time since it began, shape (n,)."""
        return (elapsed >= 0) & (elapsed < self.duration)

    def chance(self, elapsed: Floats) -> Floats:
        """How likely a record is drifted while it goes on, by the time since it began, shape (n,)."""
        full = np.full(len(elapsed), self.share)
        if self.course == "gradual":
            return full * np.clip(elapsed / self.ramp, 0.0, 1.0)
        period = self._given("period")
        return full if period is None else np.where(np.mod(elapsed, period) < self.active * period, full, 0.0)

    def size(self, elapsed: Floats) -> Floats:
        """How large it is, from 0 to 1, by the time since it began, shape (n,)."""
        return np.clip(elapsed / self.ramp, 0.0, 1.0) if self.course == "incremental" else np.ones(len(elapsed))

    def target(self, schema: TableSchema) -> str:
        """The column that it changes; empty where the table has none for it."""
        return self.column or ""

    @abstractmethod
    def faults(self, known: Known) -> Iterator[str]:
        """Why a column can not drift so."""

    def brought(self, known: Known) -> list[Any]:
        """The values it may bring that an Avro schema of people's own might not take."""
        return []

    def reach(self, known: Known) -> tuple[float, float]:
        """Between what numbers the column's values may lie once it drifts."""
        return known.bounds

    @abstractmethod
    def changed(self, known: Known, values: pa.Array[Any], hits: Hits) -> pa.Array[Any]:
        """The column of a whole block, drifted.

        Args:
            known: the column.
            values: its values, shape (n,).
            hits: which records are drifted, and how far.
        """


TIMES = ("start", "duration", "ramp", "period")
"""What of a drift is in seconds or in records."""
