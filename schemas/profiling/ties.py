"""What columns of any kind say of each other, chance taken off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import chi2, rankdata

from schemas.pairs import informational, likelihood_ratio
from schemas.profiling.study import Codes, Floats, Study, together

DOUBT = 0.01
"""No pair of a table without any ties is taken for one, but with this probability (Bonferroni)."""

MOST_TIES = 1_000
"""So many are kept, the strongest."""


@dataclass(frozen=True)
class Tie:
    """Two columns that surely go together.

    Args:
        columns: which.
        nats: their mutual information in coarse cells, chance taken off.
        strength: the same as Linfoot's informational correlation, from 0 to 1.
        rank: Spearman's rank correlation where both are numbers or times; None elsewhere.
    """

    columns: tuple[str, str]
    nats: float
    strength: float
    rank: float | None = None


def ties_of(study: Study) -> tuple[Tie, ...]:
    """The pairs of columns that surely go together, the strongest first."""
    pairs = list(combinations(study.coarse, 2))
    ranks = {name: _ranks(values) for name, values in study.numbers.items()}
    found = []
    for a, b in pairs:
        statistic, df = likelihood_ratio(together(study.coarse[a], study.coarse[b]))
        if df and chi2.sf(statistic, df) * len(pairs) < DOUBT:
            nats = max(statistic - df, 0.0) / (2 * study.count)
            found.append(Tie((a, b), nats, informational(nats), _rank(ranks, a, b)))
    return tuple(sorted(found, key=lambda tie: (-tie.strength, tie.columns))[:MOST_TIES])


def _ranks(values: Floats) -> Floats:
    ranks = np.full(len(values), np.nan)
    present = ~np.isnan(values)
    ranks[present] = rankdata(values[present])
    return ranks


def _rank(ranks: Mapping[str, Floats], a: str, b: str) -> float | None:
    if a not in ranks or b not in ranks:
        return None
    both = ~(np.isnan(ranks[a]) | np.isnan(ranks[b]))
    first, second = ranks[a][both], ranks[b][both]
    if len(first) < 2 or first.std() == 0 or second.std() == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])


def entropy(codes: Codes) -> float:
    """How much there is to know of a column in coarse cells, in nats."""
    share = np.bincount(codes) / max(len(codes), 1)
    held = share[share > 0]
    return float(-(held * np.log(held)).sum())
