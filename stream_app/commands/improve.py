"""`synthstream improve`: an artifact that is not good enough becomes a better one, as far as advice helps."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from time import monotonic as now
from typing import Any

import click

from generators.artifact import Artifact, check_folder, load_artifact, save
from schemas.inference import Choices
from schemas.yaml_files import read_rules
from stream_app.assessment.learners import check_installed
from stream_app.assessment.limits import Limits
from stream_app.assessment.reading import Asked, read
from stream_app.assessment.verdict import EXIT_CODES, Outcome
from stream_app.commands.asked_training import device
from stream_app.commands.assess import LIMITS, limit_options
from stream_app.improving import Attempt, Improving, Standing
from stream_app.options import as_json
from stream_app.terminal import interruptible, progress_bar
from stream_app.training import Training, rows_of_file
from stream_app.tuning.search import Budget

WORDS = {
    Outcome.PASSED: "passed",
    Outcome.BELOW: "below the bar",
    Outcome.WITHHELD: "withheld: too few rows to tell",
}


@click.command("improve")
@click.argument("real", type=click.Path(path_type=Path))
@click.argument("artifact", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the better one; replaced whole.")
@click.option("--holdout", required=True, type=click.Path(path_type=Path), help="Real rows that training did not see.")
@click.option("--target", metavar="COLUMN", help="Column that learners predict.")
@click.option("--rules", "rules_file", type=click.Path(path_type=Path), help="YAML file of rules for every row.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Seeds training and what is drawn.")
@click.option("--max-seconds", type=float, default=900.0, show_default=True, help="Try no longer.")
@device
@limit_options
@as_json
def improve_command(out: Path, as_json: bool, **flags: Any) -> int:
    """Assess what ARTIFACT, trained on REAL, draws; where it is below a limit, follow the advice that comes of it.

    Each change is tried and judged beside the holdout. It is kept if numbers that were below got better beyond chance
    and none fell that counts. The better artifact is written; where nothing helps, nothing is. Ends with 0 when it
    passes, 1 when it is still below, 4 when the rows are too few to tell.
    """
    limits = Limits(**{name: flags.pop(name) for name in LIMITS})
    real, folder, rules_file = flags["real"], flags["artifact"], flags["rules_file"]
    budget = Budget(1, flags["max_seconds"])
    check_installed()
    check_folder(out)
    before = load_artifact(folder)
    rules = () if rules_file is None else read_rules(rules_file)
    asked = Asked(real, folder, flags["holdout"], target=flags["target"], rules=rules_file, seed=flags["seed"])
    plan = Training(before.model, before.schema.name, Choices(), asked.seed, device=flags["device"])
    with progress_bar(as_json) as bar, interruptible(bar) as told:
        tables, source = read(asked, told)
        improving = Improving(rows_of_file(real), tables, source, limits, rules, budget, plan, told, now)
        first = improving.begin(before)
        last = improving.improve(first)
        better = last.artifact is not before
        if better:
            save(told_of(last.artifact, before, improving.attempts), out)
    facts = {"folder": str(out) if better else None, "artifact": last.artifact.identity if better else None}
    if as_json:
        click.echo(json.dumps({**_form(first, last, improving.attempts), **facts}))
    else:
        _print(first, last, improving.attempts, out if better else None)
    return EXIT_CODES[last.verdict.outcome]


def told_of(artifact: Artifact, before: Artifact, attempts: list[Attempt]) -> Artifact:
    """The artifact, whose manifest says what it came of."""
    helped = [line for each in attempts if each.kept for line in each.helped]
    improved = {"from": before.identity, "changes": [a.advice.change.to_json() for a in attempts if a.kept]}
    found = {**artifact.manifest.get("found", {}), "improved": {**improved, "helped": helped}}
    return replace(artifact, manifest={**artifact.manifest, "found": found})


def _form(first: Standing, last: Standing, attempts: list[Attempt]) -> dict[str, Any]:
    """For programs."""
    return {
        "verdict": last.verdict.outcome.value,
        "exit_code": EXIT_CODES[last.verdict.outcome],
        "why": last.report.why,
        "before": {"verdict": first.verdict.outcome.value, "why": first.report.why},
        "attempts": [each.to_json() for each in attempts],
        "advice": [each.to_json() for each in last.report.advice],
    }


def _print(first: Standing, last: Standing, attempts: list[Attempt], out: Path | None) -> None:
    """For people."""
    click.echo(f"before  {WORDS[first.verdict.outcome]}")
    for line in first.report.why:
        click.echo(f"  {line}")
    for each in attempts:
        click.echo(f"\n{'kept' if each.kept else 'not kept'}  {each.advice.action} ({each.seconds:.0f} s)")
        click.echo(f"  $ {each.advice.command}\n  {each.why}.")
    click.echo(f"\nafter  {WORDS[last.verdict.outcome]}")
    if attempts:
        for line in last.report.why:
            click.echo(f"  {line}")
    if out is not None:
        click.echo(f"wrote {out}")
    elif first.verdict.outcome is Outcome.PASSED:
        click.echo("nothing needs to be done, and nothing was written")
    else:
        click.echo("nothing helped beyond chance, and nothing was written")
