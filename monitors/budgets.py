"""What may be bad of a stream's records, and what of that is spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitors.burn_rates import FIDELITY_BUDGET
from monitors.measure import Measurement, metrics
from monitors.window import Window
from schemas.errors import InputError


class Budgets:
    """Counts the records that fidelity budgets are spent on, and says what may be spent.

    The records of a pane are poor in a column when the window that ends with it surely is: its metric's interval lies
    beyond the threshold that the metric's alert declares.

    `poor` has their number by column.

    Args:
        tolerated: by rule, the share of records that may break it.
        fidelity: the share of records that may be poor, for every column.

    Raises:
        InputError: a share that is none.
    """

    def __init__(self, tolerated: Mapping[str, float] | None = None, fidelity: float = 0.01) -> None:
        if not 0 < fidelity <= 1:
            raise InputError(f"fidelity_budget={fidelity}: must be above 0 and at most 1")
        self.tolerated, self.fidelity = dict({} if tolerated is None else tolerated), fidelity
        alerts = {metric.NAME: metric.ALERT for metric in metrics()}
        self._judged = {n: a for n, a in alerts.items() if a is not None and a.budget is FIDELITY_BUDGET}
        self.poor: dict[str, int] = {}

    def spend(self, window: Window, measurements: Sequence[Measurement]) -> None:
        """Count a window's newest pane.

        Args:
            window: the next window.
            measurements: what was measured on it.
        """
        for m in measurements:
            alert = self._judged.get(m.metric)
            if alert is None or alert.threshold is None or m.reference != alert.reference:
                continue
            spent = window.newest.records if m.estimate.low > alert.threshold else 0
            self.poor[m.subject] = self.poor.get(m.subject, 0) + spent
