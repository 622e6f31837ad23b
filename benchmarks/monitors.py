"""How fast a monitor is, how often its alarms are false, and how soon they come.

Speed is measured on records of 15 and of 40 columns that one processor decodes and counts, and of 15 that it reads
from a broker first; then publisher, broker and monitor share the machine at 200,000 records a second, and a monitor
of 200 columns goes through a day, for its memory.

Alarms are measured on a stream of 20 columns at 100,000 records a second. Panes of one second are drawn as cells,
whose counts are multinomial, and counted. One in a hundred is drawn as records, sent through Avro and back, and
counted by the monitor's own reader; its counts must be the same. False alarms are onsets of warnings over calm panes,
against references of their own; the dependent stream has AR(1) numbers and Markov categories in smaller panes, and
evidence that was told of it by blocks of its generator. A delay is the pane, 1 being the first that holds the change,
by which 95 % of the runs have warned about the right column. Beside ours stand alarms that always or never sound, and
Evidently's and NannyML's defaults on fewer and smaller windows (one takes seconds), each in an environment of its
own.

    python -m benchmarks.monitors [--panes 10000] [--runs 200] [--part PART ...] [--json FILE]
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.contest.environments import default_cache
from benchmarks.contest.processes import cpus, environment, watched
from benchmarks.watching import stream
from benchmarks.watching.others import OTHERS, beside
from connectors.local_broker import down, up
from generators.fitting import MOST_REFERENCE_ROWS as REFERENCE_ROWS
from monitors.alarms import Alarms
from monitors.dispersion import Blocks, factors
from monitors.evidence import SequentialEvidence, Subject
from monitors.metric import Severity
from monitors.pane import Deltas, Pane
from monitors.reference import Reference
from monitors.window import Window
from schemas.avro import avro_schema
from schemas.codec import Codec
from schemas.errors import ServiceError
from schemas.monitoring import Monitoring
from stream_app.monitoring import alarms_of

RECORDS = 100_000
"""Records of a pane: a second's."""

LIFE = 1_000
"""Panes of one stream, each against a reference of its own."""

FOLLOWING_ROWS = 1_000_000
"""A reference of records that follow on each other is of so many, since drawing those takes long."""

WARM = 80
"""Calm panes before a change: every scale is filled."""

DEPENDENT_RECORDS, KEEPS, BLOCKS = 5_000, 0.5, 400
"""Of the dependent stream: records of a pane, how much they keep of the one before, blocks its spread is taken from."""

MOST_PANES = 12
"""For how many panes a change is waited for."""

PARTS = ("speed", "keeping_up", "day", "calm", "dependent", "changes", "others")
"""What is measured, in this order."""

IN_BYTES = 100
"""One pane in so many goes through bytes."""


@dataclass(frozen=True)
class Change:
    """A change, and what is asked of the monitor.

    Args:
        law: what records are drawn from once it has happened.
        subject: what the alarm must be about.
        within: the pane by which 95 % of runs must have warned.
        pages_within: the pane by which 95 % must have paged; None where it is too small to page.
    """

    law: stream.Law
    subject: Subject
    within: int
    pages_within: int | None = None


NUMBER, CATEGORY = Subject("drift_ks", stream.NUMBERS[0]), Subject("drift_chi_square", stream.CATEGORIES[0])
CHANGES: Mapping[str, Change] = {
    "mean_0.5_sd": Change(stream.shifted(0.5), NUMBER, 1, 3),
    "mean_0.1_sd": Change(stream.shifted(0.1), NUMBER, 2, 3),
    "mean_0.02_sd": Change(stream.shifted(0.02), NUMBER, 5),
    "category_10_to_11": Change(stream.recategorised(0.11), CATEGORY, 2),
    "category_10_to_15": Change(stream.recategorised(0.15), CATEGORY, 2, 3),
    "correlation_0_to_.05": Change(stream.correlated(0.05), Subject("drift_correlation", stream.NUMBERS[0]), 4),
    "nulls_2_to_2.3": Change(stream.nulled(0.023), Subject("quality_null", stream.NUMBERS[0]), 5),
    "violations_1e-4_to_3e-4": Change(stream.violating(3e-4), Subject("quality_violation", stream.RULES[0].name), 5),
    "unseen_1e-3": Change(stream.unseen(1e-3), Subject("quality_unseen", stream.CATEGORIES[0]), 1, 3),
}


UNMOVED = ("drift_correlation", "quality_violation")
LAWS = {name: change.law for name, change in CHANGES.items() if change.subject.metric not in UNMOVED}
"""Changes of one column's values: records of a pane have columns drawn by themselves, and rules as counts alone."""


@dataclass
class Bytes:
    """Panes that went through bytes.

    Args:
        records: how many records.
        panes: how many panes.
    """

    records: int = 0
    panes: int = 0
    _codec: Codec = field(default_factory=lambda: Codec(avro_schema(stream.SCHEMA)))
    _deltas: Deltas = field(default_factory=lambda: Deltas(stream.LAYOUT))

    def through(self, rng: np.random.Generator, pane: Pane) -> Pane:
        """The pane as it is read back.

        Raises:
            ClickException: it counts something else than was drawn.
        """
        values = self._codec.encode(stream.records_of(rng, pane), 1).values()
        zeros, places = np.zeros(len(values), np.int64), np.arange(len(values))
        batch = self._codec.decode(values).batch
        read = self._deltas.count(batch, zeros, zeros.astype(np.int32), places, 0.0)[0]
        self.records, self.panes = self.records + len(values), self.panes + 1
        for name in stream.LAYOUT.bins:
            if not np.array_equal(read.column(name), pane.column(name)):
                raise click.ClickException(f"{name}: what was read is not what was drawn; run the tests")
        read.counts[stream.LAYOUT.violations] = pane.counts[stream.LAYOUT.violations]
        return read


class Panes:
    """Draws panes, some of them through bytes."""

    def __init__(self, seed: int) -> None:
        self.rng, self.bytes, self._count = np.random.default_rng(seed), Bytes(), 0

    def draw(self, law: stream.Law) -> Pane:
        """A pane of the stream."""
        pane = stream.pane_of(self.rng, law, RECORDS)
        self._count += 1
        return self.bytes.through(self.rng, pane) if self._count % IN_BYTES == 0 else pane


def watching(reference: Reference, blocks: Blocks | None = None) -> Alarms:
    """The monitor's alarms as a stream's file has them by default."""
    watched = Monitoring()
    inflation = factors(watched.dependence, stream.LAYOUT, blocks)
    return alarms_of(watched, stream.LAYOUT, reference, stream.SOFT, inflation)


def warned(alarms: Alarms, slot: int, pane: Pane) -> list[tuple[Subject, Severity]]:
    """What a pane opens or raises."""
    events = alarms.update(Window(slot, slot + 1, pane, pane, 1.0))
    return [(Subject(e.metric, e.column), e.severity) for e in events if e.kind != "cleared"]


def false_alarms(panes: int, draws: Panes) -> tuple[int, float]:
    """Panes of a calm stream at which any alarm opens, and the seconds of a core that judging a pane took."""
    onsets, judged_s = 0, 0.0
    for first in range(0, panes, LIFE):
        alarms = watching(stream.reference_of(draws.rng, REFERENCE_ROWS))
        for slot in range(min(LIFE, panes - first)):
            pane = draws.draw(stream.calm())
            start = time.process_time()
            onsets += bool(warned(alarms, slot, pane))
            judged_s += time.process_time() - start
    return onsets, judged_s / panes


def false_alarms_under_dependence(panes: int, seed: int, *, told: bool) -> int:
    """The same of a stream whose records follow on each other.

    Args:
        panes: how many.
        seed: what they are drawn by.
        told: whether the evidence knows the spread of its generator's blocks.
    """
    source, onsets = stream.Dependent(np.random.default_rng([seed, 1]), KEEPS), 0
    blocks = Blocks([source.pane(DEPENDENT_RECORDS).counts for _ in range(BLOCKS)])
    for first in range(0, panes, LIFE):
        alarms = watching(source.reference(FOLLOWING_ROWS, DEPENDENT_RECORDS), blocks if told else None)
        for slot in range(min(LIFE, panes - first)):
            onsets += bool(warned(alarms, slot, source.pane(DEPENDENT_RECORDS)))
    return onsets


def delays(changes: Mapping[str, Change], runs: int, draws: Panes) -> dict[str, dict[str, Any]]:
    """How soon each change is warned of and paged, over runs that begin at another moment each."""
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in changes}
    each = 20
    for first in range(0, runs, each):
        reference = stream.reference_of(draws.rng, REFERENCE_ROWS)
        alarms = watching(reference)
        evidence = alarms.evidence
        assert isinstance(evidence, SequentialEvidence)
        states = []
        for slot in range(WARM + each):
            warned(alarms, slot, draws.draw(stream.calm()))
            states.append((alarms.state, evidence.state))
        for state in states[WARM:][: runs - first]:
            for name, change in changes.items():
                alarms.restore(state[0])
                evidence.restore(state[1])
                seen[name].append(_delay(alarms, change, draws))
    return {name: _figures(changes[name], seen[name]) for name in changes}


def _delay(alarms: Alarms, change: Change, draws: Panes) -> tuple[float, float]:
    """The panes at which a change is warned of and paged, counted from 1; infinite when it is not."""
    found = dict.fromkeys(Severity, np.inf)
    for number in range(1, MOST_PANES + 1):
        for subject, severity in warned(alarms, number, draws.draw(change.law)):
            if subject == change.subject:
                found[severity] = min(found[severity], number)
        paged = found[Severity.PAGE] < np.inf
        if paged or (change.pages_within is None and found[Severity.WARNING] < np.inf):
            break
    return min(found.values()), found[Severity.PAGE]


def _figures(change: Change, seen: Sequence[tuple[float, float]]) -> dict[str, Any]:
    warns, pages = np.array(seen).T
    figures = {
        "delay_panes": _known(np.quantile(warns, 0.95, method="higher")),
        "median_panes": _known(np.median(warns)),
        "detected_share": float((warns <= change.within).mean()),
        "within_panes": change.within,
    }
    if change.pages_within is None:
        return figures
    return figures | {
        "page_delay_panes": _known(np.quantile(pages, 0.95, method="higher")),
        "paged_share": float((pages <= change.pages_within).mean()),
    }


def _known(panes: float) -> float | None:
    return float(panes) if np.isfinite(panes) else None


def controls(panes: int) -> dict[str, Any]:
    """Alarms that sound in every pane, and that never do."""
    return {
        "always": {"false_alarms_per_10000": 10_000.0, "detected_share": dict.fromkeys(CHANGES, 1.0), "windows": panes},
        "never": {"false_alarms_per_10000": 0.0, "detected_share": dict.fromkeys(CHANGES, 0.0), "windows": panes},
    }


def speed(bootstrap: str) -> dict[str, Any]:
    """Records and values a second of one processor."""
    found = _said("benchmarks.watching.speed", bootstrap, threads=1)
    few, many = found["columns_15"]["records_per_s"], found["columns_40"]["values_per_s"]
    return {
        "records_per_s_core": few,
        "values_per_s_core": many,
        "read_per_s_core": found["read_per_s"],
        "speed": found,
    }


def live(part: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """What needs a broker, with one of its own."""
    with tempfile.TemporaryDirectory() as name:
        try:
            return part(up(Path(name)).bootstrap)
        finally:
            down(Path(name))


def calm(panes: int, draws: Panes) -> dict[str, Any]:
    """False alarms, and what judging costs."""
    onsets, judged_s = false_alarms(panes, draws)
    return {"panes": panes, "false_alarms_per_10000": onsets * 10_000 / panes, "judging_s_per_pane": judged_s}


def dependent(panes: int, seed: int) -> dict[str, Any]:
    """False alarms on records that follow on each other: of evidence that was told, and on fewer panes that was not."""
    few = -(-panes // 10)
    told, untold = (
        false_alarms_under_dependence(n, seed, told=t) * 10_000 / n for n, t in ((panes, True), (few, False))
    )
    return {"false_alarms_per_10000_dependent": told, "false_alarms_per_10000_dependent_untold": untold}


def _said(module: str, *arguments: str, threads: int) -> dict[str, Any]:
    """What a module prints in a process of its own, pinned to so many processors."""
    said, _ = watched([sys.executable, "-m", module, *arguments], environment(threads), cpus(threads))
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


@click.command()
@click.option("--panes", default=10_000, show_default=True, help="Calm panes, and as many dependent ones.")
@click.option("--runs", default=200, show_default=True, help="Runs of every change.")
@click.option("--windows", default=100, show_default=True, help="Windows that the others judge, half of them calm.")
@click.option("--seed", default=0, show_default=True, help="What everything is drawn by.")
@click.option("--part", "chosen", multiple=True, type=click.Choice(PARTS), default=PARTS, help="Only this; repeatable.")
@click.option("--cache", type=click.Path(path_type=Path), default=default_cache, help="Environments of the others.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write the figures here too.")
def main(
    panes: int, runs: int, windows: int, seed: int, chosen: tuple[str, ...], cache: Path, file: Path | None
) -> None:
    """Measure speed, memory, false alarms and delays of a monitor, beside others' detectors."""
    draws = Panes(seed)
    each = -(-(windows - windows // 2) // len(LAWS))
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "speed": lambda: live(speed),
        "keeping_up": lambda: {"keeping_up": live(lambda at: _said("benchmarks.watching.keeping_up", at, threads=2))},
        "day": lambda: {"day": _said("benchmarks.watching.day", threads=1)},
        "calm": lambda: calm(panes, draws),
        "dependent": lambda: dependent(panes, seed),
        "changes": lambda: {"runs": runs, "changes": delays(CHANGES, runs, draws)},
        "others": lambda: {"beside": controls(windows) | beside(cache, seed, LAWS, windows // 2, each)},
    }
    figures: dict[str, Any] = {"reference_rows": REFERENCE_ROWS, "seconds": {}}
    for name in PARTS:
        if name in chosen:
            start = time.monotonic()
            try:
                figures |= parts[name]()
            except ServiceError as error:
                figures[name] = {"failed": str(error)}
            figures["seconds"][name] = time.monotonic() - start
            if file is not None:
                file.write_text(json.dumps(figures, indent=2) + "\n")
    figures["panes_in_bytes"] = draws.bytes.panes
    _show(figures)
    if file is not None:
        file.write_text(json.dumps(figures, indent=2) + "\n")


def _show(figures: Mapping[str, Any]) -> None:
    for name, figure in _leaves({k: v for k, v in figures.items() if k not in ("changes", "beside")}):
        click.echo(f"{name:44} {figure:14,.4g}" if isinstance(figure, int | float) else f"{name:44} {figure}")
    if "changes" in figures:
        click.echo(f"\n{'change':26} {'within':>7} {'detected':>9} {'delay':>6} {'median':>7} {'paged':>7} {'by':>4}")
    for name, each in figures.get("changes", {}).items():
        said = (each.get(key) for key in ("delay_panes", "median_panes", "paged_share", "page_delay_panes"))
        delay, median, paged, page = ("-" if one is None else f"{one:.4g}" for one in said)
        asked = f"{each['within_panes']:7} {each['detected_share']:9.3f}"
        click.echo(f"{name:26} {asked} {delay:>6} {median:>7} {paged:>7} {page:>4}")
    if "beside" in figures:
        click.echo(f"\n{'beside':26} {'false/10000':>12} " + " ".join(f"{name:>17.17}" for name in CHANGES))
    for name, each in figures.get("beside", {}).items():
        if "failed" in each:
            click.echo(f"{name:26} {each['failed']}")
            continue
        shares = (each["detected_share"].get(change) for change in CHANGES)
        found = " ".join(f"{'-' if share is None else f'{share:.2f}':>17}" for share in shares)
        click.echo(f"{name:26} {each['false_alarms_per_10000']:12,.0f} {found}")
    if "beside" in figures:
        click.echo(f"\nothers: {', '.join(OTHERS)}, by their own settings, one window at a time")


def _leaves(figures: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, figure in figures.items():
        if isinstance(figure, Mapping):
            yield from _leaves(figure, f"{path}{name}.")
        else:
            yield f"{path}{name}", figure


if __name__ == "__main__":
    main()
