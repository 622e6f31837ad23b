"""What is wrong with a table, by name: which column, and why its numbers are below their bars."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np

from schemas.row_counts import Pair
from stream_app.assessment.assessed import Assessed
from stream_app.assessment.cells import wide_cells
from stream_app.assessment.covered import Covered
from stream_app.assessment.evenness import even_bins
from stream_app.assessment.score import Subject
from stream_app.assessment.scores.association import informational
from stream_app.assessment.scores.coverage import cells_of
from stream_app.assessment.verdict import Judged, Mark, Verdict, said

STRONG = 0.15
"""Columns go together when their informational correlation is surely above this."""

LOST = 0.25
"""A pair is lost when less than this part of its correlation is left."""

MOSTLY = 0.8
"""Most of something is so much of it."""


class Kind(StrEnum):
    """What can be wrong."""

    COPIES = "copied rows"
    NEAR = "near copies"
    RULE = "broken rule"
    INDEPENDENT = "independent columns"
    TARGET = "target shuffled"
    ALONE = "column on its own"
    DROPPED = "mode dropped"
    EVEN = "even inside wide bins"
    NUMBERS = "other numbers"
    SHARES = "other shares"
    MISSING = "missing values"
    PAIRS = "weaker or stronger pairs"
    LEARNING = "target harder to learn"
    APART = "told apart"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Args:
        kind: what.
        subject: of which column, pair or rule; () of the table.
        text: in words, with numbers.
    """

    kind: Kind
    subject: Subject
    text: str


@dataclass(frozen=True, eq=False)
class Causes:
    """Looks for what is wrong behind numbers that are below their bars.

    Args:
        assessed: the numbers.
        verdict: what is thought of them.
    """

    assessed: Assessed
    verdict: Verdict

    def find(self) -> tuple[Finding, ...]:
        """All that is wrong, what matters most first; nothing where no number is below its bar."""
        looks: tuple[Callable[[], Iterator[Finding]], ...] = (
            self._copies,
            self._rules,
            self._ties,
            self._columns,
            self._missing,
            self._learning,
        )
        found = [finding for look in looks for finding in look()]
        if not found:
            found += self._unexplained()
        return tuple(found)

    def _unexplained(self) -> Iterator[Finding]:
        """Numbers of the table that are below though no column or pair surely is: a little of many, say."""
        for each in self.verdict.marked(Mark.BELOW):
            if each.measured.subject:
                continue
            parts = sorted(self.assessed.parts(each.score.NAME), key=lambda part: part.of.value)[:3]
            worst = ", ".join(" and ".join(part.subject) for part in parts)
            among = f"; furthest off are {worst}" if worst else ""
            text = (
                f"{each.score.TITLE}: {said(each.score, each.measured.of)}, and no column or pair alone says why{among}"
            )
            yield Finding(Kind.APART, (), text)

    def _below(self, score: str) -> list[Judged]:
        return list(self.verdict.marked(Mark.BELOW, score))

    def _copies(self) -> Iterator[Finding]:
        for each in self._below("copies"):
            own = each.measured.holdout
            beside = "" if own is None else f"; by chance {100 * own.value:.2f} %"
            text = (
                f"{each.measured.facts['copies']:,} rows ({said(each.score, each.measured.of)}) are real rows{beside}"
            )
            yield Finding(Kind.COPIES, (), text)
        for each in self._below("dcr"):
            share = said(each.score, each.measured.of)
            text = f"{share} of the rows are nearer to a real one than 95 % of the holdout are"
            yield Finding(Kind.NEAR, (), text)

    def _rules(self) -> Iterator[Finding]:
        for each in self._below("rules"):
            if each.measured.subject:
                text = f"{each.measured.facts['text']}: true of {said(each.score, each.measured.of)} of the rows"
                yield Finding(Kind.RULE, each.measured.subject, text)

    @cached_property
    def _strong(self) -> dict[Pair, bool]:
        """The pairs that surely go together in the real table, and whether that is lost."""
        tables, found = self.assessed.tables, {}
        for pair, counts in tables.real.pairs.items():
            real = informational(counts)
            if real.low > STRONG:
                found[pair] = informational(tables.synthetic.pairs[pair]).value < LOST * real.value
        return found

    def _ties(self) -> Iterator[Finding]:
        """Pairs that are below, put down to as few columns as say all."""
        below = [each for name in ("association", "correlation") for each in self._below(name)]
        pairs = {(each.measured.subject[0], each.measured.subject[1]): each for each in below if each.measured.subject}
        lost = [pair for pair, gone in self._strong.items() if gone and (pair in pairs or pair[::-1] in pairs)]
        if len(lost) >= 3 and len(lost) >= MOSTLY * len(self._strong):
            text = (
                f"of {len(self._strong)} pairs of columns that go together in the real table, {len(lost)} no longer do"
            )
            yield Finding(Kind.INDEPENDENT, (), text)
            return
        explained = set[str]()
        while lost:
            column = self._most(lost)
            own = [pair for pair in lost if column in pair]
            if not self._alone(column, own):
                break
            explained.add(column)
            lost = [pair for pair in lost if column not in pair]
            target = column == self.assessed.tables.ground.target
            others = ", ".join(_other(pair, column) for pair in own[:4]) + (", ..." if len(own) > 4 else "")
            text = f"says nothing of the other columns any more (it did of {others})"
            yield Finding(Kind.TARGET if target else Kind.ALONE, (column,), text)
        yield from _pairs_left({pair: each for pair, each in pairs.items() if not explained & set(pair)})

    def _most(self, lost: list[Pair]) -> str:
        """The column that most lost pairs have; the target, where it has as many as any."""
        target = self.assessed.tables.ground.target
        names = dict.fromkeys(name for pair in lost for name in pair)
        return max(names, key=lambda name: (sum(name in pair for pair in lost), name == target))

    def _alone(self, column: str, lost: list[Pair]) -> bool:
        return len(lost) >= MOSTLY * sum(column in pair for pair in self._strong)

    def _columns(self) -> Iterator[Finding]:
        """Columns whose own distribution is below, each with one cause."""
        tables = self.assessed.tables
        below = {
            each.measured.subject[0]: each
            for name in ("overlap", "tv", "ks", "coverage")
            for each in self._below(name)
            if each.measured.subject
        }
        for name, each in below.items():
            if name in tables.ground.numbers:
                bins = even_bins(tables.real.rising[name], tables.synthetic.rising[name])
                if bins is not None:
                    where = f"about {bins} wide bins" if bins > 1 else "one wide bin"
                    yield Finding(Kind.EVEN, (name,), f"lies evenly inside {where}, as the real values do not")
                    continue
            if any(j.measured.subject == (name,) for j in self._below("coverage")):
                yield Finding(Kind.DROPPED, (name,), self._dropped(name))
            elif name in tables.ground.numbers:
                yield Finding(Kind.NUMBERS, (name,), f"{self._gap(name)}; {_beside(each)}")
            else:
                yield Finding(Kind.SHARES, (name,), f"{self._share(name)}; {_beside(each)}")

    def _dropped(self, name: str) -> str:
        tables = self.assessed.tables
        cells = cells_of(tables, tables.synthetic, name)
        labels, gone = tables.ground.layout.bins[name].labels, cells.told & ~cells.seen
        share = 100 * float(cells.mass[gone].sum())
        if name in tables.ground.numbers:
            groups = wide_cells(tables.ground, name)
            runs = ((np.flatnonzero(groups == a)[0], np.flatnonzero(groups == b)[-1]) for a, b in _runs(cells))
            where = "; ".join(_span(labels[first], labels[last]) for first, last in runs)
        else:
            where = ", ".join(labels[cell] for cell in np.flatnonzero(gone)[:5])
        return f"hardly ever holds {where}, which {share:.1f} % of the real values are"

    def _gap(self, name: str) -> str:
        real, here = (side.rising[name] for side in (self.assessed.tables.real, self.assessed.tables.synthetic))
        ends = (np.quantile(each, [0.25, 0.5, 0.75]) for each in (real, here))
        one, other = (" / ".join(f"{q:.4g}" for q in each) for each in ends)
        return f"quartiles are {other} where the real table has {one}"

    def _share(self, name: str) -> str:
        tables = self.assessed.tables
        labels = tables.ground.layout.bins[name].labels
        real, here = (side.counts.columns[name][:-1] for side in (tables.real, tables.synthetic))
        one, other = real / max(int(real.sum()), 1), here / max(int(here.sum()), 1)
        most = int(np.argmax(np.abs(one - other)))
        a, b = 100 * other[most], 100 * one[most]
        return f"{labels[most]} is {a:.1f} % of the values where the real table has {b:.1f} %"

    def _missing(self) -> Iterator[Finding]:
        below = self._below("missing")
        tables = self.assessed.tables
        for each in below:
            if each.measured.subject:
                name = each.measured.subject[0]
                shares = (
                    100 * side.table.column(name).null_count / side.rows for side in (tables.synthetic, tables.real)
                )
                text = "is missing in {:.1f} % of the rows where the real table has {:.1f} %".format(*shares)
                yield Finding(Kind.MISSING, each.measured.subject, text)
        if below and not any(each.measured.subject for each in below):
            yield Finding(
                Kind.MISSING, (), f"values are missing in other rows: {said(below[0].score, below[0].measured.of)}"
            )

    def _learning(self) -> Iterator[Finding]:
        for each in self._below("tstr"):
            if not each.measured.subject:
                facts = each.measured.facts
                text = (
                    f"{facts['learner']} reaches {facts['measure']} {facts['tstr']:.3f} by learning from synthetic "
                    f"rows, {facts['trtr']:.3f} from real ones"
                )
                yield Finding(Kind.LEARNING, (str(self.assessed.tables.ground.target),), text)


def _other(pair: Pair, column: str) -> str:
    return pair[1] if pair[0] == column else pair[0]


def _beside(each: Judged) -> str:
    return f"{each.score.TITLE.lower()} {said(each.score, each.measured.of)}"


def _pairs_left(pairs: dict[Pair, Judged]) -> Iterator[Finding]:
    worst = sorted(pairs.items(), key=lambda one: one[1].measured.of.value)
    for pair, each in worst[:5]:
        yield Finding(Kind.PAIRS, pair, f"go together otherwise than in the real table: {_beside(each)}")
    if len(worst) > 5:
        yield Finding(Kind.PAIRS, (), f"and {len(worst) - 5} more pairs go together otherwise")


def _span(first: str, last: str) -> str:
    """From the start of one cell to the end of another, by their labels."""
    return (
        first
        if first == last
        else f"from {first.split(' to ', maxsplit=1)[0]} to {last.rsplit(' to ', maxsplit=1)[-1]}"
    )


def _runs(cells: Covered) -> list[tuple[int, int]]:
    """The first and the last cell of each stretch of cells that do not come, the three with the most real rows."""
    gone = np.flatnonzero(cells.told & ~cells.seen)
    runs = np.split(gone, np.flatnonzero(np.diff(gone) > 1) + 1)
    heaviest = sorted(runs, key=lambda run: -float(cells.mass[run].sum()))[:3]
    return sorted((int(run[0]), int(run[-1])) for run in heaviest if len(run))
