"""A generator fitted on rows that meet rules, and tried before it is trusted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from generators.constraints.asked import Asked
from generators.constraints.constrained import Constrained
from generators.constraints.plan import Plan, plan_of
from generators.constraints.rows import Ruled
from generators.randomness import Purpose, stream_key, uniforms
from generators.sampler import Sampler
from generators.task import Task
from schemas.errors import InputError
from schemas.profile import Profile
from schemas.rows import Rows
from schemas.rules import Rule

TRIED_ROWS = 20_000
"""On so many rows rules are tried."""

LEAST_MET = 0.01
"""A rule that a smaller part of the rows meets is refused: drawing would take a hundred times as long, or fail."""

NUMBERED_ROWS = 4_096
"""On so many values that never repeat a pattern is tried."""


def fit_constrained(held: Ruled, task: Task, fit: Callable[[Task], Sampler]) -> Constrained:
    """Fit a generator that keeps rules.

    Args:
        held: the rows, which meet them.
        task: what there is to learn, the same rows.
        fit: fits any generator, on re-expressed rows.

    Raises:
        InputError: a combination that five rows share is nowhere; values copied that may not be; or a rule that the
            generator hardly ever meets, named.
    """
    plan, rows = plan_of(task.schema, held.rules), task.rows
    forward = Rows(plan.forward(rows.table), rows.count, lambda: map(plan.forward, rows.pieces()))
    inner = task.on(forward, plan.schema)
    _check_listings(plan, inner.profile, held)
    model = Constrained(fit(inner), plan, task.profile, held.rules)
    _check_numbered(model)
    _check_met(model)
    return model


def met(model: Constrained) -> float:
    """The share of rows that meet all rules at the first draw."""
    return 1.0 - _tried(model)[0]


def _tried(model: Constrained) -> tuple[float, dict[str, float]]:
    """The share of rows that miss something, and of those that miss each thing, on `TRIED_ROWS`."""
    key = stream_key("rules tried", 0, 0, 0, Purpose.TRAINING)
    numbers = uniforms(key, 0, TRIED_ROWS, model.width)[:, : model.inner.width + 1]
    drawn = model.drawn(numbers, Asked.of({}, TRIED_ROWS, model))
    return float(drawn.off.mean()), {name: float(off.mean()) for name, off in drawn.missed.items()}


def _check_met(model: Constrained) -> None:
    off, each = _tried(model)
    if 1.0 - off < LEAST_MET:
        worst = max(each, key=each.__getitem__)
        alone = f"{100 * (1.0 - each[worst]):.2g} % of the rows drawn meet it"
        raise InputError(
            f"{worst}: {alone}, and {100 * (1.0 - off):.2g} % meet all rules; that is nearly impossible to draw: "
            "loosen it, or choose a model that learns it better (`synthstream models`)"
        )


def _check_listings(plan: Plan, profile: Profile, rows: Ruled) -> None:
    faults = []
    for listing in plan.listings:
        together = " and ".join(column.name for column in listing.columns)
        if profile[listing.name].rest >= 1.0:
            faults.append(
                f"rule on {together}: no five rows share a combination, so none may be kept; leave the rule out"
            )
        faults += [
            f"{column.name}: holds values that no rule lists, and text is never copied; declare it public "
            f"(--public {column.name}) or leave the rule on {together} out"
            for column in listing.columns
            if column.is_surrogate and not _declared(rows, column.name)
        ]
    if faults:
        raise InputError(*faults)


def _declared(rows: Ruled, name: str) -> bool:
    """Whether rules list every value of a column."""
    listed: set[str] = set()
    for rule in rows.rules:
        listed |= _values_of(rule, name)
    return set(rows.rows.whole([name]).column(name).unique().drop_null().to_pylist()) <= listed


def _values_of(rule: Rule, name: str) -> set[str]:
    values = getattr(rule, "values", None)
    combinations = getattr(rule, "rows", None)
    if values is not None and name in rule.columns:
        return set(values)
    if combinations is not None and name in rule.columns:
        at = rule.columns.index(name)
        return {row[at] for row in combinations}
    return set()


def _check_numbered(model: Constrained) -> None:
    """Refuse patterns that values which never repeat do not match."""
    faults = []
    for rule in model.rules:
        names = set(rule.columns) & model.numbered.keys()
        if rule.KIND == "matches" and names:
            name = names.pop()
            values = model.numbered[name].array(np.arange(NUMBERED_ROWS))
            if rule.violations(pa.record_batch([values], names=[name])).any():
                faults.append(
                    f"rule {rule.name}: values of {name} that never repeat are as {values[0]}, which does not match; "
                    "leave one of the rules out"
                )
    if faults:
        raise InputError(*faults)
