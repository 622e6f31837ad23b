"""`synthstream assess`: whether a synthetic table is good enough, and what to do if it is not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from connectors.files import write_text
from schemas.errors import InputError
from stream_app.assessment.assessed import assess
from stream_app.assessment.causes import Causes
from stream_app.assessment.learners import check_installed
from stream_app.assessment.limits import Limits
from stream_app.assessment.page import page
from stream_app.assessment.reading import Asked, read
from stream_app.assessment.recommendations import advise
from stream_app.assessment.report import Report, print_report
from stream_app.assessment.verdict import EXIT_CODES, Judged, judge
from stream_app.options import as_json, track_option
from stream_app.terminal import progress_bar
from stream_app.tracking import tracked

LIMITS = {
    "similarity": "Least similarity of distributions and missing values.",
    "correlation": "Least similarity of correlations and of pairs.",
    "accuracy_loss": "Most that learners may lose by synthetic rows.",
    "compliance": "Least share of rows that meet a rule.",
    "coverage": "Least share of real rows whose values still come.",
    "c2st": "Highest area under the curve of a classifier that tells rows apart.",
    "copies": "Most exact copies beyond 1.05 times the holdout's.",
    "near": "Most rows nearer to real ones than 95 % of the holdout are.",
}
"""The options that set limits, with what each says."""


def limit_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """An option for each limit, with its default."""
    for name, words in reversed(LIMITS.items()):
        flag, default = f"--{name.replace('_', '-')}", getattr(Limits, name)
        command = click.option(flag, name, type=float, default=default, show_default=True, metavar="SHARE", help=words)(
            command
        )
    return command


def ends(each: Judged) -> Iterator[tuple[str, float]]:
    """A number of the table and the ends of its interval, by what stands behind its name."""
    of = each.measured.of
    yield from (("", of.value), (".low", of.low), (".high", of.high))


@click.command("assess")
@click.argument("real", type=click.Path(path_type=Path))
@click.argument("synthetic", type=click.Path(path_type=Path))
@click.option("--holdout", type=click.Path(path_type=Path), help="Real rows that training did not see.")
@click.option("--split", is_flag=True, help="Without one: take a fifth of REAL, though training saw it.")
@click.option("--target", metavar="COLUMN", help="Column that learners predict.")
@click.option("--rules", "rules_file", type=click.Path(path_type=Path), help="YAML file of rules for every row.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seeds which rows learners see.")
@click.option("--html", type=click.Path(path_type=Path), help="Write a page with everything to this file.")
@limit_options
@track_option
@as_json
def assess_command(
    holdout: Path | None, rules_file: Path | None, html: Path | None, track: str | None, as_json: bool, **flags: Any
) -> int:
    """Say whether SYNTHETIC is good enough to stand in for REAL: scores beside the holdout's, a verdict, what to do.

    REAL is what the generator was trained on. SYNTHETIC is a table, or an artifact's folder, from which as many rows
    are drawn. Ends with 0 when it passed, 1 when it is below a limit, 4 when the rows are too few to tell.
    docs/assessment.md says what every score means.
    """
    limits = Limits(**{name: flags.pop(name) for name in LIMITS})
    asked = Asked(holdout=holdout, rules=rules_file, **flags)
    if html is not None and not html.parent.is_dir():
        raise InputError(f"html={html}: there is no folder {html.parent}; make it first")
    if html is not None and html.is_dir():
        raise InputError(f"html={html}: is a folder; name a file")
    check_installed()
    with tracked(track, f"assess {asked.synthetic.name}") as run, progress_bar(as_json) as told:
        run.params({**vars(asked), **vars(limits)})
        tables, source = read(asked, told)
        assessed = assess(tables, told)
        verdict = judge(assessed, limits)
        findings = Causes(assessed, verdict).find()
        run.tags({"verdict": verdict.outcome.value})
        run.metrics({f"{each.score.NAME}{end}": value for each in verdict.table for end, value in ends(each)})
    report = Report(assessed, verdict, findings, advise(findings, verdict, assessed, source), source)
    if as_json:
        click.echo(json.dumps(report.to_json()))
    else:
        print_report(report)
    if html is not None:
        write_text("html", html, page(report))
        if not as_json:
            click.echo(f"\nwrote {html}")
    return EXIT_CODES[verdict.outcome]
