"""Disorder and quarantine as a stream's file has them: what befalls records on their way, and what is kept out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.parts import Name, Part, Positive

MOST_SLOTS = 4_095
"""Records are displaced and repeated within their block, which has one slot more."""

Share = Annotated[float, Field(ge=0, le=1)]
Slots = Annotated[int, Field(ge=1, le=MOST_SLOTS)]


class Late(Part):
    """Records whose event time lies before they are published.

    Args:
        share: of the records.
        mean_s: how late they are on average, in seconds of the stream's clock, before the cap.
        max_s: none is later.
        distribution: of the lateness: "exponential", "lognormal" (of shape 1), or "fixed" at the mean.
    """

    share: Share
    mean_s: Positive = 30.0
    max_s: Positive = 600.0
    distribution: Literal["exponential", "lognormal", "fixed"] = "exponential"

    @model_validator(mode="after")
    def _fits(self) -> Late:
        if self.max_s < self.mean_s:
            raise ValueError(f"max_s={self.max_s:g}: must be at least mean_s, which is {self.mean_s:g}")
        return self


class OutOfOrder(Part):
    """Records that are published some slots after their own.

    Args:
        share: of the records.
        max_slots: how many slots at the most; all numbers up to it are equally likely.
    """

    share: Share
    max_slots: Slots = 50


class Duplicates(Part):
    """Records that are published once more.

    Args:
        share: of the records.
        max_slots: how many slots after the first at the most; all numbers up to it are equally likely.
    """

    share: Share
    max_slots: Slots = 200


class Missing(Part):
    """Records that are never published.

    Args:
        share: of the records.
    """

    share: Share


class Disorder(Part):
    """What befalls records on their way; every part may be absent, but not all.

    Args:
        late: records whose event time lies before they are published.
        out_of_order: records that come after later ones.
        duplicates: records that come twice.
        missing: records that never come.
        labels_topic: where every mishap is written down; the stream's topic with `.labels` by default.
    """

    late: Late | None = None
    out_of_order: OutOfOrder | None = None
    duplicates: Duplicates | None = None
    missing: Missing | None = None
    labels_topic: Name | None = None

    @model_validator(mode="after")
    def _fits(self) -> Disorder:
        if not any((self.late, self.out_of_order, self.duplicates, self.missing)):
            raise ValueError("has no part; expected late, out_of_order, duplicates or missing")
        return self


class Quarantine(Part):
    """Where records go that break a hard rule or are too large for the topic.

    Args:
        topic: the stream's topic with `.quarantine` by default.
    """

    topic: Name | None = None
