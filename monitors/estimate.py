"""A number with its error: the only thing a monitor reports."""

from __future__ import annotations

from dataclasses import dataclass
from math import isnan


@dataclass(frozen=True)
class Estimate:
    """A value measured on n records, with a 95 % interval.

    Args:
        value: the point estimate, in the metric's unit.
        low: the interval's lower end.
        high: the interval's upper end.
        n: how many records it rests on.

    Raises:
        ValueError: the interval does not hold the value, or n is negative.
    """

    value: float
    low: float
    high: float
    n: int

    def __post_init__(self) -> None:
        if self.n < 0:
            raise ValueError(f"n={self.n}: must be >= 0")
        if not isnan(self.value) and not self.low <= self.value <= self.high:
            raise ValueError(f"interval [{self.low}, {self.high}]: must hold the value {self.value}")
