"""`--model auto`: which generator to train, by the table, the time there is and the machine; and why, in words."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from math import inf
from time import perf_counter
from typing import Any

import generators
from generators.discrete.cells import FEW
from generators.fitting import Within, reference_rows_of
from generators.selection import DRAWING, LEARNED, Facts, Suited, able_to, drawing_s, drawn_rows, suited
from generators.task import Progress
from schemas.errors import InputError
from schemas.profile import Profile, profile_rows
from schemas.rows import Rows
from schemas.table import Kind, Role, TableSchema
from stream_app.training import Training, rows_under, schema_of
from stream_app.trying import MOST_ROWS, Trial, Tried, device_for

AUTO = "auto"
"""The name that stands for whichever generator suits best."""

BUDGET_S = 600.0
"""How long training may take where nobody says."""

TRAINS, TRAINS_BESIDE_TREES = 0.8, 0.6
"""Of the time that is left so much is training's: putting marginals right comes behind it, and trees for a target."""

FEWEST_TO_TRY = 100
"""With fewer rows a part held back tells nothing."""


@dataclass(frozen=True)
class Budget:
    """What there is to choose with.

    Args:
        max_seconds: how long all of it may take.
        tries: how many generators to try on a part of the rows; 0 to choose by what they declare.
        device: what may be trained on.

    Raises:
        InputError: no time at all.
    """

    max_seconds: float = BUDGET_S
    tries: int = 0
    device: str = "cpu"

    def __post_init__(self) -> None:
        if not 0 < self.max_seconds < inf:
            raise InputError(f"max_seconds={self.max_seconds:g}: must be above 0, and finite")


def choose(raw: Rows, plan: Training, budget: Budget, told: Progress) -> Training:
    """The plan with the generator that suits best, what it is told of the time, and why it was chosen.

    Args:
        raw: the real rows as they were read.
        plan: how to train, but for the generator.
        budget: what there is to choose with.
        told: told how far it has come.

    Raises:
        InputError: the table's own faults; or there is too little time for any generator, with the least that works.
    """
    began = perf_counter()
    told(0.0, "what suits the table")
    schema = schema_of(raw, plan)
    rows = rows_under(raw, schema)
    asked = plan.reference_rows if isinstance(plan.reference_rows, int) else None
    facts = facts_of(rows, schema, profile_rows(rows, schema), budget.device, asked)
    found = suited(facts, budget.max_seconds)
    able = able_to(found, facts, budget.max_seconds)
    tried = _tried(able, rows, plan, schema, budget, told) if budget.tries else []
    drawing = {each.name: _drawing_s(each, facts, budget.max_seconds) for each in tried}
    chosen = _best(able, tried, drawing, facts, budget.max_seconds - (perf_counter() - began))
    generator = generators.load(chosen.name)
    slower = max(_started_s(chosen.name) / generator.COST.start_s, 1.0)
    own_s = drawing.get(chosen.name, slower * drawing_s(generator, facts, budget.max_seconds))
    share = TRAINS_BESIDE_TREES if facts.target else TRAINS
    left_s = max(share * (budget.max_seconds - (perf_counter() - began) - own_s), 1.0)
    settings = {name: min(value, left_s) for name, value in chosen.settings.items()}
    why = _why(chosen, facts, budget, tried)
    kept: dict[str, Any] = {
        "chosen_because": why,
        "table_facts": {**asdict(facts), "missing_share": round(facts.missing_share, 4)},
        "considered": [_considered(each) for each in found],
        **({"tried": [each.to_json() for each in tried]} if tried else {}),
    }
    within = Within(DRAWING * budget.max_seconds, reference_rows_of(generator, facts.columns))
    plan = replace(plan, reference_rows=within if asked is None else asked, chosen=kept)
    return replace(plan, model=chosen.name, settings=settings, device=device_for(chosen.name, budget.device))


def facts_of(rows: Rows, schema: TableSchema, profile: Profile, device: str, reference_rows: int | None) -> Facts:
    """What a choice depends on.

    Args:
        rows: the table, under its schema.
        schema: its columns; profile: their marginals.
        device: what may be trained on.
        reference_rows: how many of its own rows the generator is to be measured on; None for what it draws quickly.
    """
    learned = [column for column in schema if not column.is_surrogate]
    many = sum(c.kind is Kind.CATEGORY and profile[c.name].distinct > FEW for c in learned)
    nulls = sum(each.nulls for each in profile) / max(sum(each.rows for each in profile), 1)
    torch = find_spec("torch") is not None
    target = any(column.role is Role.TARGET for column in schema)
    gpu = torch and device != "cpu" and _sees_gpu()
    return Facts(rows.count, max(len(learned), 1), many, nulls, target, torch, gpu, os.cpu_count() or 1, reference_rows)


def _started_s(name: str) -> float:
    """How many seconds the start of torch took here, if the generator is trained with it; it is over then."""
    began = perf_counter()
    if generators.load(name).NEEDS_TORCH:
        import_module("generators.neural.devices")
    return perf_counter() - began


def _sees_gpu() -> bool:
    from generators.neural.devices import device_of  # noqa: PLC0415 - torch is for those who ask for a GPU

    return device_of("auto").type == "cuda"


def _tried(
    able: tuple[Suited, ...], rows: Rows, plan: Training, schema: TableSchema, budget: Budget, told: Progress
) -> list[Tried]:
    """The most suitable ones tried, the quickest first; half of the time is left for the one that is chosen."""
    if rows.table.num_rows < FEWEST_TO_TRY:
        return []
    trial = Trial.of(rows, schema, plan.rules, plan.choices.target, plan.seed)
    listed = sorted(able[: budget.tries], key=lambda each: each.expected_s)
    began, found = perf_counter(), list[Tried]()
    for place, each in enumerate(listed):
        left_s = budget.max_seconds / 2 - (perf_counter() - began)
        if found and left_s <= 0:
            found.append(Tried(each.name, 0.0, None, failed="no time was left to try it"))
            continue
        told(place / len(listed), f"trying {each.name}")
        found.append(trial.run(each, max(left_s, 1.0) / (len(listed) - place), budget.device))
    return found


def _best(
    able: tuple[Suited, ...], tried: list[Tried], drawing: Mapping[str, float], facts: Facts, left_s: float
) -> Suited:
    """The one that was least off and can be trained on all rows in the time left; untried, the most suitable one."""
    by_name = {each.name: each for each in able}
    done = sorted((each for each in tried if each.off is not None), key=lambda each: each.off or 0.0)
    times = max(facts.rows / MOST_ROWS, 1.0)
    for each in done:
        fitting = 0.0 if by_name[each.name].settings else each.seconds * times
        if fitting + drawing[each.name] <= left_s:
            return by_name[each.name]
    return by_name[min(done, key=lambda each: each.seconds + drawing[each.name]).name] if done else able[0]


def _drawing_s(tried: Tried, facts: Facts, budget_s: float) -> float:
    """About how long the rows take that a generator is measured on in the end."""
    generator = generators.load(tried.name)
    return max(tried.row_s * drawn_rows(generator, facts, budget_s), drawing_s(generator, facts, budget_s))


def _why(chosen: Suited, facts: Facts, budget: Budget, tried: list[Tried]) -> list[str]:
    lines = [
        f"{facts.rows:,} rows of {facts.columns} columns: {chosen.name} learns {LEARNED[chosen.learns]}, in about "
        f"{chosen.expected_s:.0f} of {budget.max_seconds:g} s"
    ]
    if any(each.off is not None for each in tried):
        ranked = sorted(tried, key=lambda each: inf if each.off is None else each.off)
        lines.append("on rows held back " + "; ".join(each.text for each in ranked))
    elif budget.tries and not tried:
        lines.append(f"none was tried: {facts.rows} rows are fewer than {FEWEST_TO_TRY}")
    if not facts.torch:
        lines.append("torch is not installed, so no network was considered")
    return lines


def _considered(each: Suited) -> dict[str, Any]:
    return {"model": each.name, "expected_s": round(each.expected_s, 1), "against": each.against or None}
