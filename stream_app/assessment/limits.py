"""What a synthetic table must reach to pass."""

from __future__ import annotations

from dataclasses import dataclass, fields

from schemas.errors import InputError


@dataclass(frozen=True)
class Limits:
    """The bars of a verdict, all as shares.

    Args:
        similarity: least similarity of distributions and of where values are missing.
        correlation: least similarity of correlations and of what columns say of each other.
        accuracy_loss: most that learners may lose by learning from synthetic rows.
        compliance: least share of rows that meet a rule.
        coverage: least share of real rows whose values, or ranges, still come.
        c2st: highest area under the curve of a classifier that tells synthetic rows from real ones.
        copies: most that exact copies may exceed what the holdout has by chance.
        near: most synthetic rows nearer to a real one than all but 5 % of the holdout are.

    Raises:
        InputError: every share that is none.

    >>> Limits(similarity=1.2)
    Traceback (most recent call last):
    ...
    schemas.errors.InputError: similarity=1.2: must be a share between 0 and 1, as in 0.95
    """

    similarity: float = 0.95
    correlation: float = 0.90
    accuracy_loss: float = 0.05
    compliance: float = 1.0
    coverage: float = 0.99
    c2st: float = 0.75
    copies: float = 0.001
    near: float = 0.10

    def __post_init__(self) -> None:
        faults = [
            f"{each.name.replace('_', '-')}={getattr(self, each.name):g}: must be a share between 0 and 1, as in 0.95"
            for each in fields(self)
            if not 0 <= getattr(self, each.name) <= 1
        ]
        if faults:
            raise InputError(*faults)

    def of(self, name: str) -> float:
        """The limit of that name."""
        value: float = getattr(self, name)
        return value
