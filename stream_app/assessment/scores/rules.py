"""Whether rows meet the rules."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from monitors.estimate import Estimate
from monitors.intervals import proportion
from stream_app.assessment.score import TABLE, Measured, Needs, Score, Subject
from stream_app.assessment.tables import Side, Tables


class Compliance(Score):
    """The share of rows that meet a rule; of the table, that meet all. Without a holdout the real rows stand beside."""

    NAME = "rules"
    TITLE = "Rules"
    HELP = (
        "The share of rows that meet a rule; of the table, that meet all of them. Beside it stands what the "
        "holdout, or without one the real table, does."
    )
    INTERVAL = "Clopper and Pearson's, exact."
    SOURCE = "Clopper and Pearson, Biometrika 1934"
    LIMIT = "compliance"
    NEEDS = frozenset({Needs.RULES})
    PLACE = 80

    def of(self, tables: Tables, side: Side) -> Mapping[Subject, Estimate]:
        """See `Score.of`."""
        whole, found = np.zeros(side.rows, np.bool_), dict[Subject, Estimate]()
        batch = side.table.combine_chunks().to_batches()[0]
        for rule in tables.ground.rules:
            broken = rule.violations(batch)
            whole |= broken
            found[(rule.name,)] = proportion(int(np.count_nonzero(~broken)), side.rows)
        return {TABLE: proportion(int(np.count_nonzero(~whole)), side.rows), **found} if found else {}

    def measure(self, tables: Tables) -> list[Measured]:
        """See `Score.measure`."""
        found = self.of(tables, tables.synthetic)
        own = self.of(tables, tables.real if tables.holdout is None else tables.holdout)
        words = {rule.name: {"text": rule.text} for rule in tables.ground.rules}
        return [
            Measured(self.NAME, subject, each, own[subject], words.get("".join(subject), {}))
            for subject, each in found.items()
        ]


SCORE = Compliance()
