"""Whether what alarms are to do to a stream fits its columns, its rules and what alarms can be about."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from functools import cache

import monitors
from monitors.metric import Metric, Scope
from schemas.errors import InputError
from schemas.joint_rules import Unique
from schemas.responses import Response
from schemas.rules import Rule
from schemas.stream import StreamSpec
from schemas.table import TableSchema


@cache
def alarming() -> Mapping[str, Metric]:
    """The metrics whose alerts follow alarms of the monitor's own, by their own names.

    >>> "ks" in alarming(), "psi" in alarming()
    (True, False)
    """
    known = {name.partition(".")[2]: monitors.load(name) for name in monitors.names()}
    return {name: m for name, m in known.items() if m.ALERT is not None and m.ALERT.threshold is None}


def metric_of(response: Response) -> str | None:
    """The NAME of the metric that a response is for; None for all.

    Raises:
        InputError: no metric of that name raises alarms.
    """
    if response.metric is None:
        return None
    by_name = {**alarming(), **{metric.NAME: metric for metric in alarming().values()}}
    if response.metric not in by_name:
        raise InputError(f"metric={response.metric}: raises no alarms; {_near(response.metric, alarming())}")
    return by_name[response.metric].NAME


def check_responses(spec: StreamSpec, schema: TableSchema) -> None:
    """Refuse responses to alarms that there can not be.

    Args:
        spec: the stream.
        schema: its columns.

    Raises:
        InputError: every fault there is.
    """
    rules = {rule.name: rule for rule in spec.parsed_rules}
    faults = [
        f"monitor.on_alarm.{i}.{fault}"
        for i, response in enumerate(spec.monitor.on_alarm)
        for fault in _faults(response, spec, schema, rules)
    ]
    if faults:
        raise InputError(*faults)


def _faults(response: Response, spec: StreamSpec, schema: TableSchema, rules: Mapping[str, Rule]) -> Iterator[str]:
    try:
        name = metric_of(response)
    except InputError as error:
        yield str(error)
        return
    metric = next((metric for metric in alarming().values() if name == metric.NAME), None)
    column, about_rules = response.column, metric is not None and metric.SCOPE is Scope.RULE
    wanted = "rules" if about_rules else "columns"
    columns = [each for each in schema.names if each != spec.event_time]
    if column is not None and column not in rules and column not in columns:
        yield f"column={column}: is no column that is watched and no rule; {_near(column, [*columns, *rules])}"
    elif column is not None and metric is not None:
        if about_rules != (column in rules):
            yield f"column={column}: {response.metric} is about {wanted}; drop one of them"
        elif not about_rules and schema[column].kind not in metric.APPLIES:
            yield f"column={column}: is a {schema[column].kind}, and {response.metric} is not measured on one"
    if response.do == "quarantine":
        if not about_rules and column not in rules:
            yield "do=quarantine: keeps out what breaks a rule; say metric: violation_rate, or name a rule as column"
        elif isinstance(rules.get(column or ""), Unique):
            yield f"column={column}: judges records by others, so none can be kept out by it; name another rule"


def _near(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
