"""What learners lose by learning from synthetic rows in place of real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot, sqrt

import numpy as np

from monitors.estimate import Estimate
from monitors.intervals import between
from monitors.metric import Worse
from schemas.numeric import NUMERIC_KINDS
from schemas.table import Kind
from stream_app.assessment.areas import area, with_error
from stream_app.assessment.features import Features
from stream_app.assessment.learners import CLASSES, LINES, NUMBERS, learn_classes, learn_numbers
from stream_app.assessment.score import TABLE, Measured, Needs, Score, Subject
from stream_app.assessment.tables import Floats, Longs, Side, Tables

TRAIN_ROWS, TEST_ROWS = 10_000, 20_000
"""So many rows are learned from, and tested on, at the most."""

FEW_NUMBERS = 10
"""Whole numbers of at most so many values are classes."""

MOST_CLASSES = 20
"""So many classes are told apart; learners grow trees for each."""

FEWEST_ROWS = 100
"""With fewer rows nothing is learned that lasts."""

T_OF_FEW = 2.776
"""Student's quantile at 97.5 % with 4 degrees of freedom: which rows taught is known from few differences."""


class TrainSynthetic(Score):
    """How much worse learners predict the target of held out rows when synthetic rows taught them (TRTR less TSTR).

    Goodness is the area under the ROC curve (the classes' mean, where there are more than two), or R², not below 0, of
    numbers: not the share of right answers, which a target of rare classes makes high for whoever never names them.
    Both learn from the same number of rows. The table's loss is that of the learner which does best on real rows.
    """

    NAME = "tstr"
    TITLE = "Loss in learning"
    HELP = (
        "What learners lose by learning the target from synthetic rows instead of as many real ones, tested on "
        "the holdout: the area under the ROC curve (mean over classes, of which the rarest are one where there are "
        "more than 20), or R² of a numeric target. Of the table: the loss of the learner that does best on real rows."
    )
    INTERVAL = (
        "From the tested rows' influence on both learners at once (DeLong's method for areas), and from how far "
        "learners are apart that either half of the rows taught; learning on at most 10,000 rows, testing on "
        "20,000."
    )
    SOURCE = "Esteban et al., Real-valued medical time series generation, 2017; DeLong et al., Biometrics 1988"
    LIMIT = "accuracy_loss"
    RANGE = (-1.0, 1.0)
    WORSE = Worse.HIGHER
    NEEDS = frozenset({Needs.HOLDOUT, Needs.TARGET})
    WITHHOLDS = True
    PLACE = 15

    def rows_that_help(self, tables: Tables) -> int:
        """See `Score.rows_that_help`: learners see as many as there are real ones."""
        return min(tables.real.rows, TRAIN_ROWS)

    def helped_by_real_rows(self, tables: Tables) -> bool:
        """See `Score.helped_by_real_rows`: they are learned from, and tested on."""
        return tables.real.rows < TRAIN_ROWS or tables.holdout is None or tables.holdout.rows < TEST_ROWS

    def of(self, tables: Tables, side: Side) -> Mapping[Subject, Estimate]:
        """See `Score.of`."""
        return {each.subject: each.of for each in self.measure(tables)} if side is tables.synthetic else {}

    def measure(self, tables: Tables) -> list[Measured]:
        """See `Score.measure`."""
        trial = _trial(tables)
        if trial is None:
            return []
        sides = (tables.real, tables.synthetic)
        learners = CLASSES if len(trial.classes) else NUMBERS
        taught = {name: [trial.taught(name, side) for side in sides] for name in learners}
        apart = sqrt(float(np.mean([each.apart**2 for pair in taught.values() for each in pair])) / 2)
        found = [_loss(name, (real, here), apart, trial.measure) for name, (real, here) in taught.items()]
        best = max(found, key=lambda each: float(each.facts["trtr"]))
        facts = {**best.facts, "learner": best.subject[0]}
        return [Measured(self.NAME, TABLE, best.of, facts=facts), *found]


@dataclass(frozen=True, eq=False)
class Taught:
    """How well a learner does that was taught twice, by either half of some rows.

    Args:
        value: how well, on average of both.
        influence: each tested row's influence on that, shape (tested,).
        apart: how far both are from each other.
    """

    value: float
    influence: Floats
    apart: float


def _loss(name: str, taught: tuple[Taught, Taught], apart: float, measure: str) -> Measured:
    """What is lost, with its interval.

    Args:
        name: the learner.
        taught: by real rows, and by synthetic ones.
        apart: the standard error of the loss that comes of which rows taught.
        measure: what goodness is.
    """
    real, synthetic = taught
    tested = with_error(real.value - synthetic.value, real.influence - synthetic.influence, -1.0, 1.0)
    off = hypot((tested.high - tested.low) / 2, T_OF_FEW * apart)
    loss = between(tested.value, max(tested.value - off, -1.0), min(tested.value + off, 1.0), tested.n)
    facts = {"trtr": round(real.value, 6), "tstr": round(synthetic.value, 6), "measure": measure}
    return Measured("tstr", (name,), loss, facts=facts)


@dataclass(frozen=True, eq=False)
class Trial:
    """Who learns from what, and is tested on what.

    Args:
        tables: what is assessed.
        target: the column that is learned.
        classes: the class of each of its codes, shape (codes,); none where it holds numbers.
        rows: how many rows of each table are learned from.
        tested: which rows of the holdout have a target, shape (tested,).
    """

    tables: Tables
    target: str
    classes: Longs
    rows: int
    tested: Longs

    @property
    def measure(self) -> str:
        """What goodness is."""
        return "ROC AUC" if len(self.classes) else "R²"

    def taught(self, name: str, side: Side) -> Taught:
        """How well a learner does that these rows taught."""
        chosen = with_target(side, self.target, "tstr")[: self.rows]
        (one, mine), (other, theirs) = (self._goodness(name, side, rows) for rows in (chosen[::2], chosen[1::2]))
        return Taught((one + other) / 2, (mine + theirs) / 2, abs(one - other))

    def _goodness(self, name: str, side: Side, rows: Longs) -> tuple[float, Floats]:
        holdout = self.tables.holdout
        assert holdout is not None
        features = Features(self.tables, self.target)
        kind = (CLASSES if len(self.classes) else NUMBERS)[name]
        form = features.for_lines if kind == LINES else features.for_trees
        given, asked = form(side, rows), form(holdout, self.tested)
        if not len(self.classes):
            model = learn_numbers(name, given, side.numbers[self.target][rows], features.categorical)
            return explained(model.values(asked), holdout.numbers[self.target][self.tested])
        learned = learn_classes(
            name, given, self._labels(side, rows), 1 + int(self.classes.max()), features.categorical
        )
        return mean_area(learned.chances(asked), self._labels(holdout, self.tested))

    def _labels(self, side: Side, rows: Longs) -> Longs:
        return self.classes[side.codes[self.target][rows]]


def _trial(tables: Tables) -> Trial | None:
    target, holdout = tables.ground.target, tables.holdout
    if target is None or holdout is None:
        return None
    tested = with_target(holdout, target, "tested")[:TEST_ROWS]
    rows = min(*(len(with_target(side, target, "tstr")) for side in (tables.real, tables.synthetic)), TRAIN_ROWS)
    if min(rows, len(tested)) < FEWEST_ROWS or len(np.unique(holdout.codes[target][tested])) < 2:
        return None
    return Trial(tables, target, classes_of(tables, target), rows, tested)


def classes_of(tables: Tables, target: str) -> Longs:
    """The class of each of a target's codes; all but the most frequent share the last one.

    Returns:
        Shape (codes,); none where the target holds numbers.
    """
    if not holds_classes(tables, target):
        return np.zeros(0, np.int64)
    known = tables.real.counts.columns[target][: tables.ground.layout.bins[target].null]
    rank = np.argsort(np.argsort(-known, kind="stable")).astype(np.int64)
    classes: Longs = np.minimum(rank, MOST_CLASSES - 1)
    return classes


def holds_classes(tables: Tables, target: str) -> bool:
    """Whether a target's values are classes: categories, booleans, or whole numbers of few values."""
    column = tables.ground.schema[target]
    if column.kind not in NUMERIC_KINDS:
        return True
    return column.kind is Kind.INTEGER and tables.ground.profile[target].distinct <= FEW_NUMBERS


def with_target(side: Side, target: str, purpose: str) -> Longs:
    """The rows that have a target, shuffled."""
    rows = side.some(side.rows, purpose)
    return rows[~side.missing(target)[rows]]


def mean_area(chances: Floats, labels: Longs) -> tuple[float, Floats]:
    """The mean over classes of the area under the curve that tells one from all others, and its influences.

    Args:
        chances: of each class, shape (rows, classes).
        labels: the true class, shape (rows,).
    """
    areas, influences = [], []
    for each in np.unique(labels):
        positive = labels == each
        if 0 < positive.sum() < len(labels):
            value, influence = area(chances[:, each], positive)
            areas.append(value)
            influences.append(influence)
    if not areas:
        return 0.5, np.zeros(len(labels))
    return float(np.mean(areas)), np.mean(influences, axis=0)


def explained(predicted: Floats, values: Floats) -> tuple[float, Floats]:
    """R², not below 0, and each row's influence on it.

    Args:
        predicted: shape (rows,); values: what was there, alike.
    """
    spread = (values - values.mean()) ** 2
    whole = float(spread.mean())
    if whole == 0:
        return 0.0, np.zeros(len(values))
    wrong = (values - predicted) ** 2
    value = 1 - float(wrong.mean()) / whole
    if value <= 0:
        return 0.0, np.zeros(len(values))
    return value, -(wrong - (1 - value) * spread) / whole


SCORE = TrainSynthetic()
