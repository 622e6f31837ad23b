"""Whether a classifier can tell synthetic rows from real ones."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

import numpy as np

from monitors.estimate import Estimate
from monitors.metric import Worse
from stream_app.assessment.areas import area, with_error
from stream_app.assessment.features import Features
from stream_app.assessment.learners import learn_classes
from stream_app.assessment.score import TABLE, Score, Subject
from stream_app.assessment.tables import Side, Tables

MOST_ROWS = 20_000
"""So many rows of each table are told apart at the most."""

FEWEST_ROWS = 20
"""With fewer rows nothing can be learned."""


class TwoSamples(Score):
    """The area under the ROC curve of a gradient boosted classifier that tells these rows from real ones.

    It learns on one half and is tested on the other, and the other way round. 0.5 is what chance has. Of each table the
    same number of rows is taken, at most 20,000.
    """

    NAME = "c2st"
    TITLE = "Classifier"
    HELP = (
        "How well gradient boosting tells these rows from real ones: the area under its ROC curve on held out "
        "halves; 0.5 is chance, 1 always. On at most 20,000 rows of each table."
    )
    INTERVAL = (
        "DeLong's, of the classifiers that were trained, as wide as of one half alone, since both halves err together; "
        "that other rows would have trained others is not in it."
    )
    SOURCE = "Lopez-Paz and Oquab, Revisiting classifier two-sample tests, 2017; DeLong et al., Biometrics 1988"
    LIMIT = "c2st"
    WORSE = Worse.HIGHER
    WITHHOLDS = True
    PLACE = 10

    def rows_that_help(self, tables: Tables) -> int:
        """See `Score.rows_that_help`: as many as there are real ones."""
        return min(tables.real.rows, MOST_ROWS)

    def helped_by_real_rows(self, tables: Tables) -> bool:
        """See `Score.helped_by_real_rows`."""
        return tables.real.rows < MOST_ROWS

    def of(self, tables: Tables, side: Side) -> Mapping[Subject, Estimate]:
        """See `Score.of`."""
        features = Features(tables)
        rows = min(tables.real.rows, side.rows, MOST_ROWS)
        if rows < FEWEST_ROWS or not features.categorical:
            return {}
        both = np.concatenate([features.for_trees(each, each.some(rows, "c2st")) for each in (tables.real, side)])
        theirs = np.repeat([False, True], rows)
        half = np.tile(np.arange(rows) % 2 == 0, 2)
        found = []
        for learned in (half, ~half):
            model = learn_classes(
                "gradient boosting", both[learned], theirs[learned].astype(np.int64), 2, features.categorical
            )
            found.append(area(model.chances(both[~learned])[:, 1], theirs[~learned]))
        (one, one_influence), (other, other_influence) = found
        # What chance makes one half teach of the other, it makes the other teach of the one: nothing averages out.
        together = np.concatenate([one_influence, other_influence]) * sqrt(2)
        return {TABLE: with_error((one + other) / 2, together)}


SCORE = TwoSamples()
