"""What alarms do to their stream, as its file has it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.parts import Part, Positive

Do = Literal["pause", "rate", "previous", "quarantine"]
"""What an alarm may have done to its stream."""


class Response(Part):
    """What is done when an alarm is open.

    Args:
        do: pause the stream; lower its rate; go back to the previous model; keep records out that break the rule.
        severity: how bad the alarm is at least: with page, one that opened as a warning acts once it is raised.
        metric: alarms of that metric alone, by its own name ("ks") or by the name of its alarms ("drift_ks").
        column: alarms on that column alone; for rules the rule's name.
        rate_per_s: with rate, the whole stream's rate from then on.
        undo: with rate, have the stream go at the rate it had once the alarm has cleared.
    """

    do: Do
    severity: Literal["warning", "page"] = "warning"
    metric: Annotated[str, Field(min_length=1)] | None = None
    column: Annotated[str, Field(min_length=1)] | None = None
    rate_per_s: Annotated[Positive, Field(strict=True)] | None = None
    undo: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Response:
        if (self.do == "rate") != (self.rate_per_s is not None):
            raise ValueError(f"do={self.do}: a rate_per_s is for rate, which needs one")
        if self.undo and self.do != "rate":
            raise ValueError(
                f"do={self.do}: undo is for rate; drop it. A stream that is paused shows nothing that could clear an "
                "alarm, and what is kept out or was swapped back would be wrong again"
            )
        return self

    @property
    def words(self) -> str:
        """What is done, as a command says it.

        >>> Response(do="rate", rate_per_s=100).words
        'rate 100'
        """
        return self.do if self.rate_per_s is None else f"{self.do} {self.rate_per_s:g}"
