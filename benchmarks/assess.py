"""Whether intervals hold the truth, whether planted faults are found, and what assessing costs.

Tables are drawn again and again from laws whose distances are known; each time the intervals that the scores give are
held against the truth. Scores of learners are tried where both tables follow one law: the truth is then 0.5 of a
classifier, and no loss. A large made-up table is then assessed in a process of its own, which measures itself.

    python -m benchmarks.assess [--draws 200] [--rows 1000000] [--json FILE]
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from math import asin, exp, log, pi, sqrt
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow as pa
from click.testing import CliRunner
from scipy.stats import norm

from connectors.files import write_table
from schemas.inference import Choices, conform, infer
from stream_app.assessment.score import TABLE, Score
from stream_app.assessment.scores.association import informational
from stream_app.assessment.scores.c2st import SCORE as C2ST
from stream_app.assessment.scores.copies import SCORE as COPIES
from stream_app.assessment.scores.correlation import SCORE as CORRELATION
from stream_app.assessment.scores.dcr import SCORE as DCR
from stream_app.assessment.scores.ks import SCORE as KS
from stream_app.assessment.scores.missing import SCORE as MISSING
from stream_app.assessment.scores.tstr import SCORE as TSTR
from stream_app.assessment.scores.tv import SCORE as TV
from stream_app.assessment.tables import Tables, ground_of
from stream_app.cli import main as commands

SHIFT, TIE, OTHER_TIE = 0.2, 0.5, 0.2
REAL_SHARES, SHARES = (0.4, 0.3, 0.2, 0.1), (0.3, 0.3, 0.2, 0.2)
REAL_MISSING, MISSES = 0.1, 0.2
ENOUGH = 0.915
"""An interval is as good as it says when it holds the truth in 183 of 200 draws or more."""


def drawn(
    rng: np.random.Generator, rows: int, shift: float, tie: float, shares: tuple[float, ...], miss: float
) -> pa.Table:
    """Two numbers that go together, one of them shifted, two categories, and a number that is sometimes missing."""
    one, noise = rng.normal(size=rows), rng.normal(size=rows)
    label = rng.choice(len(shares), rows, p=shares)
    yes = rng.random(rows) < 1 / (1 + np.exp(-one))
    return pa.table(
        {
            "one": pa.array(one + shift),
            "other": pa.array(tie * one + sqrt(1 - tie**2) * noise),
            "kind": pa.array([f"k{each}" for each in label]).dictionary_encode(),
            "some": pa.array(rng.normal(size=rows), mask=rng.random(rows) < miss),
            "yes": pa.array(yes),
        }
    )


def truths() -> Mapping[tuple[Score, tuple[str, ...]], float]:
    """What the scores are of the laws themselves, where they are not those of one law."""
    spearman, other = (6 / pi * asin(tie / 2) for tie in (TIE, OTHER_TIE))
    shift = 1 - float(2 * norm.cdf(SHIFT / 2) - 1)
    return {
        (KS, ("one",)): shift,
        (KS, ("other",)): 1.0,
        (KS, TABLE): (shift + 2.0) / 3,
        (TV, ("kind",)): 1 - 0.5 * sum(abs(a - b) for a, b in zip(REAL_SHARES, SHARES, strict=True)),
        (CORRELATION, ("one", "other")): 1 - abs(spearman - other),
        (MISSING, ("some",)): 1 - abs(REAL_MISSING - MISSES),
    }


def covered(draws: int, rows: int) -> dict[str, int]:
    """How often each interval held the truth."""
    held: Counter[str] = Counter()
    for draw in range(draws):
        rng = np.random.Generator(np.random.PCG64([draw, rows]))
        real = drawn(rng, rows, 0.0, TIE, REAL_SHARES, REAL_MISSING)
        apart = tables_of(real, drawn(rng, rows, SHIFT, OTHER_TIE, SHARES, MISSES), None, draw)
        for (score, subject), truth in truths().items():
            found = score.of(apart, apart.synthetic)[subject]
            held[f"{score.NAME} {' '.join(subject) or 'table'}"] += found.low <= truth <= found.high
        alike = [drawn(rng, rows, 0.0, TIE, REAL_SHARES, REAL_MISSING) for _ in range(2)]
        same = tables_of(real, alike[0], alike[1], draw)
        for score, truth in ((KS, 1.0), (TV, 1.0), (CORRELATION, 1.0), (MISSING, 1.0), (C2ST, 0.5), (COPIES, 0.0)):
            found = score.of(same, same.synthetic)[TABLE]
            held[f"{score.NAME} of one law"] += found.low <= truth <= found.high
        for score, truth in ((TSTR, 0.0), (DCR, 0.05)):
            found = next(each.of for each in score.measure(same) if each.subject == TABLE)
            held[f"{score.NAME} of one law"] += found.low <= truth <= found.high
        held["association of 2 x 2"] += _association_held(rng, rows)
    return dict(held)


def _association_held(rng: np.random.Generator, rows: int) -> int:
    shares = np.array([0.3, 0.2, 0.1, 0.4])
    nats = sum(p * log(p / q) for p, q in zip(shares, (0.2, 0.3, 0.2, 0.3), strict=True))
    found = informational(rng.multinomial(rows, shares).reshape(2, 2).astype(np.int64))
    return int(found.low <= sqrt(1 - exp(-2 * nats)) <= found.high)


def tables_of(real: pa.Table, synthetic: pa.Table, holdout: pa.Table | None, seed: int) -> Tables:
    """The tables of an assessment, under the real one's schema."""
    found = infer(real, "drawn", choices=Choices(target="yes"))
    schema = replace(found, columns=tuple(replace(column, nullable=True) for column in found))
    sides = [None if each is None else conform(each, schema) for each in (real, synthetic, holdout)]
    assert sides[0] is not None
    ground = ground_of(sides[0], schema, real.num_rows, "yes", seed=seed)
    return Tables.of(ground, sides)


def wide(rng: np.random.Generator, rows: int) -> pa.Table:
    """A table of 15 columns: ten numbers, some of them whole, four categories and a target."""
    base = rng.normal(size=rows)
    columns: dict[str, Any] = {f"n{i}": np.round(base * i / 10 + rng.normal(size=rows), 3) for i in range(6)}
    columns |= {f"i{i}": rng.poisson(np.exp(base / 4 + i)) for i in range(4)}
    for i in range(4):
        codes = np.clip(np.round(base * 2 + rng.normal(size=rows) + 3 * i), 0, 5 * (i + 1)).astype(np.int32)
        columns[f"c{i}"] = pa.DictionaryArray.from_arrays(codes, pa.array([f"v{j}" for j in range(5 * (i + 1) + 1)]))
    return pa.table({**columns, "yes": pa.array(rng.random(rows) < 1 / (1 + np.exp(-base)))})


def cost(rows: int) -> dict[str, float]:
    """Seconds, seconds of processors and GiB of assessing three tables of so many rows, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        for place, name in enumerate(("real", "synthetic", "holdout")):
            table = wide(np.random.Generator(np.random.PCG64(place)), rows)
            found = infer(table, "wide")
            write_table(conform(table, found).to_batches(), found, Path(folder, f"{name}.parquet"))
        command = [sys.executable, "-m", "benchmarks.assess", "--alone", folder]
        form: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        return form


def _alone(folder: Path) -> dict[str, float]:
    real, synthetic, holdout = (str(folder / f"{name}.parquet") for name in ("real", "synthetic", "holdout"))
    began = time.perf_counter()
    run = CliRunner().invoke(commands, ["assess", real, synthetic, "--holdout", holdout, "--target", "yes", "--json"])
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak, worked = used.ru_maxrss / 2**20, used.ru_utime + used.ru_stime
    return {
        "seconds": round(seconds, 1),
        "cpu_s": round(worked, 1),
        "peak_gib": round(peak, 2),
        "exit_code": float(run.exit_code),
    }


def _lines(form: Mapping[str, Any]) -> Iterator[str]:
    for name, held in form["held"].items():
        good = "" if held >= ENOUGH * form["draws"] else "  TOO FEW"
        yield f"{name:28} {held:4} of {form['draws']}{good}"
    yield f"{form['rows']:,} rows x 15: {form['cost']}"


@click.command()
@click.option("--draws", default=200, show_default=True, help="How often tables are drawn.")
@click.option("--drawn-rows", default=1_000, show_default=True, help="Rows of the tables drawn again and again.")
@click.option("--rows", default=1_000_000, show_default=True, help="Rows of the large tables; 0 for none.")
@click.option("--json", "out", type=click.Path(path_type=Path), help="Write everything to this file.")
@click.option("--alone", type=click.Path(path_type=Path), hidden=True, help="Assess the tables of a folder.")
def main(draws: int, drawn_rows: int, rows: int, out: Path | None, alone: Path | None) -> None:
    """Count how often intervals hold the truth, and measure a large assessment."""
    if alone is not None:
        click.echo(json.dumps(_alone(alone)))
        return
    form: dict[str, Any] = {
        "draws": draws,
        "held": covered(draws, drawn_rows),
        "rows": rows,
        "cost": cost(rows) if rows else {},
    }
    for line in _lines(form):
        click.echo(line)
    if out is not None:
        out.write_text(json.dumps(form), encoding="utf-8")
    sys.exit(int(any(held < ENOUGH * draws for held in form["held"].values())))


if __name__ == "__main__":
    main()
