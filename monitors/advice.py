"""When to train anew: once an episode in which a synthetic feed no longer represents the real one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitors.bands import Band, ColumnVerdict, Verdict
from schemas.errors import InputError


@dataclass(frozen=True)
class Advice:
    """The advice to train anew.

    Args:
        columns: what is not represented, the worst first; bands and kinds of change, no number.
    """

    columns: Mapping[str, ColumnVerdict]


class Advising:
    """Gives advice once the table no longer represents for some windows in a row, and again only after it did.

    Args:
        after: how many windows in a row that is.

    Raises:
        InputError: `after` below 1.
    """

    def __init__(self, after: int = 3) -> None:
        if after < 1:
            raise InputError(f"after={after}: must be at least 1")
        self._after = after
        self._lost = 0
        self.open = False
        self.given = 0

    def update(self, verdict: Verdict) -> Advice | None:
        """Take in the verdict of the next window.

        Returns:
            The advice, where this window gives it; None else.
        """
        self._lost = self._lost + 1 if verdict.band is Band.LOST else 0
        if verdict.band is Band.REPRESENTS:
            self.open = False
        if self.open or self._lost < self._after:
            return None
        self.open = True
        self.given += 1
        return Advice(verdict.worst())
