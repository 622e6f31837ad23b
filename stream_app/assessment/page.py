"""An assessment as one page that needs nothing from anywhere: the verdict and why, what to do, numbers, pictures."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from monitors.metric import Worse
from stream_app.assessment.pictures import (
    column_pictures,
    distance_picture,
    learning_picture,
    missing_picture,
    pair_picture,
)
from stream_app.assessment.report import TO, Report, beside, interval_said, parts_said, value_said
from stream_app.assessment.verdict import Judged, Outcome, needed
from stream_app.standing.document import document, footer, framed, panel, top, verdict

LEVELS = {Outcome.PASSED: "ok", Outcome.BELOW: "alarm", Outcome.WITHHELD: "warn"}
GLYPHS = {
    Outcome.PASSED: "\N{HEAVY CHECK MARK}",
    Outcome.BELOW: "\N{BLACK UP-POINTING TRIANGLE}",
    Outcome.WITHHELD: "?",
}
WORDS = {
    Outcome.PASSED: "Passed",
    Outcome.BELOW: "Below the bar",
    Outcome.WITHHELD: "Withheld: too few rows to tell",
}

KEY = (
    '<p class="note key"><span><span class="swatch real"></span> {real}</span>'
    '<span><span class="swatch synthetic"></span> synthetic</span></p>'
)


def page(report: Report) -> str:
    """The page, as HTML."""
    outcome = report.verdict.outcome
    body = [*_head(report), *_faults(report), _table(report), *_pictures(report), _notes(report)]
    return document(f"{outcome.value}: {report.source.synthetic}", LEVELS[outcome], body)


def _head(report: Report) -> Iterable[str]:
    outcome = report.verdict.outcome
    facts = {name: f"{count:,} rows" for name, count in report.rows.items()}
    yield top("assessment", report.source.synthetic.name, facts)
    yield verdict(GLYPHS[outcome], WORDS[outcome], report.why)


def _faults(report: Report) -> Iterable[str]:
    if report.findings:
        lines = "".join(
            f"<li><b>{escape(each.kind.value)}</b> {escape(' and '.join(each.subject))} "
            f'<span class="interval">{escape(each.text)}</span></li>'
            for each in report.findings
        )
        yield panel("What is wrong", f'<ul class="faults">{lines}</ul>')
    if report.advice:
        lines = "".join(
            f"<li><b>{escape(each.subject)}</b> ({escape(each.cause)}): {escape(each.action)}."
            f"<code>{escape(each.command)}</code></li>"
            for each in report.advice
        )
        yield panel("What to do", f'<ol class="faults todo">{lines}</ol>')


def _table(report: Report) -> str:
    rows = "".join(_row(each, report) for each in report.verdict.table)
    return panel(
        "Scores",
        '<table><thead><tr><th>score</th><th class="number">synthetic</th>'
        '<th class="wide">95 % interval, holdout and bar</th><th class="number">holdout</th>'
        '<th class="number wide">bar</th><th>mark</th><th class="wide">parts below</th></tr></thead>'
        f"<tbody>{rows}</tbody></table>",
    )


def _row(each: Judged, report: Report) -> str:
    score, of = each.score, each.measured.of
    return (
        f'<tr><td title="{escape(score.HELP)}">{escape(score.TITLE)}</td>'
        f'<td class="number">{value_said(score, of)}<br><span class="interval">{interval_said(score, of)}</span></td>'
        f'<td class="wide">{_scale(each)}</td><td class="number">{escape(beside(each))}</td>'
        f'<td class="number wide">{escape(needed(each))}</td>'
        f'<td><span class="mark {each.mark.value}">{each.mark.value}</span></td>'
        f'<td class="wide">{escape(parts_said(each, report.verdict))}</td></tr>'
    )


def _scale(each: Judged) -> str:
    """The interval, the holdout's value and the bar on one line; similarities are drawn from one half on."""
    lowest, highest = each.score.RANGE if each.score.WORSE is Worse.LOWER else (0.0, 1.0)
    lowest = 0.5 if each.score.WORSE is Worse.LOWER or each.score.NAME == "c2st" else lowest
    if each.score.NAME in ("copies", "dcr", "tstr"):
        highest = 0.25

    def at(value: float) -> float:
        return 3 + 194 * min(max((value - lowest) / (highest - lowest), 0.0), 1.0)

    of, own = each.measured.of, each.measured.holdout
    body = ['<line class="whole" x1="3" x2="197" y1="8" y2="8"/>']
    body.append(f'<line class="ends" x1="{at(of.low):.1f}" x2="{at(of.high) + 0.5:.1f}" y1="8" y2="8"/>')
    if own is not None:
        body.append(f'<circle class="holdout" cx="{at(own.value):.1f}" cy="8" r="3.5"/>')
    body.append(f'<circle class="value" cx="{at(of.value):.1f}" cy="8" r="3.5"/>')
    if each.bar is not None:
        body.append(f'<line class="bar" x1="{at(each.bar):.1f}" x2="{at(each.bar):.1f}" y1="1" y2="15"/>')
    return (
        f'<svg class="scale" viewBox="0 0 200 16" preserveAspectRatio="none" aria-hidden="true">{"".join(body)}</svg>'
    )


def _pictures(report: Report) -> Iterable[str]:
    columns = list(column_pictures(report))
    if columns:
        yield f"<h2>Columns that are least alike</h2>{KEY.format(real='real')}"
        yield f'<div class="pictures">{"".join(map(framed, columns))}</div>'
    pairs = pair_picture(report)
    if pairs is not None:
        yield framed(pairs, "pair")
    others = (learning_picture(report), distance_picture(report), missing_picture(report))
    drawn = "".join(framed(each) for each in others if each is not None)
    if drawn:
        yield f'{KEY.format(real="real, or the holdout")}<div class="pictures">{drawn}</div>'


def _notes(report: Report) -> str:
    lacking = [f"Not had: {name}, which {why}." for name, why in report.assessed.lacking.items()]
    about = (
        f"Intervals are 95 % intervals, written low{TO}high. This page holds counts by bin and no row of any table; "
        "values that fewer than five real rows share are left out."
    )
    return footer((*report.assessed.tables.notes, *lacking, about))
