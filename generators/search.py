"""Which values of a generator's settings are worth trying; each generator declares its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from schemas.errors import InputError


@dataclass(frozen=True)
class Span:
    """Numbers from one end to the other, both among them; whole ones where both ends are.

    Args:
        low: the least.
        high: the most.
        log: ratios count, not differences.

    Raises:
        InputError: no such span.

    >>> Span(16, 256, log=True).has(64), Span(16, 256).has(8)
    (True, False)
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise InputError(f"{self.said}: the first must be below the second, as in 16..256")
        if self.log and not self.low > 0:
            raise InputError(f"{self.said}: must be > 0, since ratios count")

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are tried."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def said(self) -> str:
        """For people."""
        return f"{self.low}..{self.high}"

    def has(self, value: Any) -> bool:
        """Whether a value is one of these."""
        return bool(self.low <= value <= self.high)


@dataclass(frozen=True)
class Choice:
    """Some values.

    Args:
        values: which, at least two.

    Raises:
        InputError: fewer than two.

    >>> Choice((True, False)).said
    'True,False'
    """

    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        if len(self.values) < 2:
            raise InputError(f"{self.said}: is no choice; name at least two values, or fix it with --set")

    @property
    def said(self) -> str:
        """For people."""
        return ",".join(map(str, self.values))

    def has(self, value: Any) -> bool:
        """Whether a value is one of these."""
        return value in self.values


Range = Span | Choice
