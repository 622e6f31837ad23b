"""How a stream is watched, as its file says."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_serializer, field_validator

from schemas.parts import Count, Part, Port, Positive
from schemas.rates import Profile
from schemas.responses import Response
from schemas.secrets import without_user


def _dependence(value: Any) -> Any:
    if value == "auto" or (isinstance(value, int | float) and not isinstance(value, bool) and 1 <= value < math.inf):
        return value
    raise ValueError("must be auto, or a number >= 1: how many records count as one")


Dependence = Annotated[float | Literal["auto"], BeforeValidator(_dependence)]
"""How many records count as one, as a stream's file has it."""


class Monitoring(Part):
    """How the stream is watched.

    Args:
        window_s: length of the sliding window, in seconds; a whole number of panes.
        pane_s: how often the window slides, in seconds.
        longer_s: lengths of further windows, in seconds; they are measured and exported, and raise no alarm.
        allowed_lateness_s: how far out of order records may come, in seconds.
        panes_per_false_alarm: how many panes lie between two false alarms of the whole table, on average at least.
        min_effect: changes of this size or less only warn (of KS and total variation, 0 to 1).
        min_records: with fewer records there is no verdict.
        dependence: how many records count as one, since they depend on each other; "auto" to work that out.
        clear_after: how many quiet panes clear an alarm.
        fidelity_budget: which share of records may come while a column is far from the training data.
        sequences: look at every record's lineage, so that duplicates and gaps are found.
        on_alarm: what alarms do to the stream; nothing by default.
        alertmanager: URL of an Alertmanager that is told of alarms; None for none.
        classifier: have a classifier tell records from the generator's rows, which shows what no column or pair does.
        port: where page and metrics are served.
    """

    window_s: Positive = 10.0
    pane_s: Positive = 1.0
    longer_s: tuple[Positive, ...] = ()
    allowed_lateness_s: Annotated[float, Field(ge=0)] = 5.0
    panes_per_false_alarm: Annotated[float, Field(gt=1, allow_inf_nan=False)] = 10_000.0
    min_effect: Annotated[float, Field(ge=0, lt=1)] = 0.02
    min_records: Count = 500
    dependence: Dependence = "auto"
    clear_after: Count = 3
    fidelity_budget: Annotated[float, Field(gt=0, le=1)] = 0.01
    sequences: bool = True
    on_alarm: tuple[Response, ...] = ()
    alertmanager: str | None = Field(default=None, repr=False)
    classifier: bool = False
    port: Port = 8080

    @field_validator("alertmanager")
    @classmethod
    def _is_url(cls, alertmanager: str | None) -> str | None:
        if alertmanager is not None and not alertmanager.startswith(("http://", "https://", "${")):
            raise ValueError("expected a URL as in http://127.0.0.1:9093, or a reference to one")
        if alertmanager is not None:
            without_user(alertmanager)  # which refuses what can not be taken apart
        return alertmanager

    @field_serializer("alertmanager", when_used="json")
    def _without_user(self, alertmanager: str | None) -> str | None:
        return None if alertmanager is None else without_user(alertmanager)

    def check_windows(self) -> None:
        """Refuse windows that are no whole numbers of panes.

        Raises:
            ValueError: the first that is none, or two of one length.
        """
        for key, window_s in (("window_s", self.window_s), *(("longer_s", each_s) for each_s in self.longer_s)):
            panes = window_s / self.pane_s
            if abs(panes - round(panes)) > 1e-6 or panes < 1:
                raise ValueError(
                    f"monitor.{key}={window_s:g}: must be a whole number of panes of {self.pane_s:g} s (monitor.pane_s)"
                )
        if len({self.window_s, *self.longer_s}) <= len(self.longer_s):
            raise ValueError("monitor.longer_s: two windows are equally long; drop one")

    def check_responses(self, rate_per_s: float | Literal["max"] | Profile, quarantine: bool) -> None:
        """Refuse what alarms can not do to the stream.

        Args:
            rate_per_s: the stream's own rate.
            quarantine: whether there is one.

        Raises:
            ValueError: the first that makes no sense.
        """
        for i, response in enumerate(self.on_alarm):
            place, lower = f"monitor.on_alarm.{i}", response.rate_per_s
            if lower is not None and isinstance(rate_per_s, Profile):
                raise ValueError(
                    f"{place}.do=rate: the stream's rate is a profile, which may be lower by then; pause it"
                )
            if (
                lower is not None
                and rate_per_s != "max"
                and not isinstance(rate_per_s, Profile)
                and lower >= rate_per_s
            ):
                raise ValueError(
                    f"{place}.rate_per_s={lower:g}: must be below the stream's own rate_per_s, which is {rate_per_s:g}"
                )
            if response.do == "quarantine" and not quarantine:
                raise ValueError(f"{place}.do=quarantine: the stream has none; say `quarantine: {{}}` beside `monitor`")
