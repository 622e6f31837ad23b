"""What was found of a table as one page that needs nothing from anywhere."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from schemas.profiling.cautions import Matter
from stream_app.profiling.pictures import column_pictures, missing_pictures, target_picture, tie_picture
from stream_app.profiling.trainable import Profiled, line_of, share_said
from stream_app.standing.document import document, footer, framed, panel, top, verdict

MOST_DEPENDENCIES = 40
GRAVE = frozenset({Matter.EMPTY, Matter.LEAK})


def page(report: Profiled) -> str:
    """The page, as HTML."""
    survey = report.survey
    level = "warn" if survey.cautions else "ok"
    body = [*_head(report), *_cautions(report), *_pictures(report), *_known(report), *_fates(report), _notes(report)]
    return document(f"profile: {report.name}", level, body)


def _head(report: Profiled) -> Iterable[str]:
    survey = report.survey
    study = survey.study
    facts = {
        "rows": f"{study.rows.count:,}",
        "columns": f"{len(study.schema.columns) + len(survey.empty)}",
        "missing": f"{_missing_share(report):.1%}",
    }
    yield top("profile", report.name, facts)
    found = len(survey.cautions)
    words = f"{found} {'thing' if found == 1 else 'things'} to look at first" if found else "Ready to train"
    glyph = "!" if found else "\N{HEAVY CHECK MARK}"
    yield verdict(glyph, words, [f"{_called(each.columns)}{each.text}" for each in survey.cautions[:4]])
    yield panel("What to run", f"<code>{escape(report.command(None))}</code>")


def _missing_share(report: Profiled) -> float:
    known = list(report.survey.study.profile)
    return sum(each.nulls for each in known) / max(sum(each.rows for each in known), 1)


def _called(columns: tuple[str, ...]) -> str:
    return f"{', '.join(columns)}: " if columns else ""


def _cautions(report: Profiled) -> Iterable[str]:
    if report.survey.cautions:
        lines = "".join(
            f"<li><b>{escape(each.matter.value)}</b> {escape(_called(each.columns) + each.text)}"
            f"<code>{escape(each.action)}</code></li>"
            for each in report.survey.cautions
        )
        yield panel("Before training", f'<ul class="faults todo">{lines}</ul>')


def _pictures(report: Profiled) -> Iterable[str]:
    survey = report.survey
    drawn = "".join(framed(each) for each in column_pictures(survey))
    if drawn:
        yield f'<h2>Columns</h2><div class="pictures">{drawn}</div>'
    ties = tie_picture(survey)
    if ties is not None:
        yield framed(ties, "pair")
    target = target_picture(survey)
    others = [*([] if target is None else [target]), *missing_pictures(survey)]
    if others:
        yield f'<div class="pictures">{"".join(map(framed, others))}</div>'


def _known(report: Profiled) -> Iterable[str]:
    survey = report.survey
    settled = [
        (" + ".join(each.given), each.column, f"{each.kept:.2%}", f"{each.by_chance:.0%}")
        for each in survey.dependencies[:MOST_DEPENDENCIES]
    ]
    if survey.keys:
        lines = "".join(f"<li>{escape(' + '.join(key.columns))}</li>" for key in survey.keys)
        yield panel("What identifies rows", f'<ul class="faults">{lines}</ul>')
    if settled:
        yield panel("What settles what", _table(("given", "column", "of rows that agree", "by chance"), settled))
    if survey.candidates:
        lines = "".join(_rule(report, place) for place in range(len(survey.candidates)))
        yield panel("Rules that rows keep", f'<ol class="faults todo">{lines}</ol>')


def _rule(report: Profiled, place: int) -> str:
    each = report.survey.candidates[place]
    refused = report.refused.get(each.rule.name)
    said = "" if refused is None else f' <span class="mark open">not taken: {escape(refused)}</span>'
    return (
        f"<li><b>{escape(' '.join(each.rule.text.split()))}</b> "
        f'<span class="interval">kept by {share_said(each)} of the rows; {escape(each.why)}</span>{said}'
        f"<code>{escape(line_of(each.form))}</code></li>"
    )


def _fates(report: Profiled) -> Iterable[str]:
    rows = [
        (each.column, each.fate.value, each.delicate.value if each.delicate is not None else "", each.why, each.change)
        for each in report.survey.fates
    ]
    yield panel("What training makes of it", _table(("column", "becomes", "delicate", "why", "otherwise"), rows, 3))


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]], shown: int = 4) -> str:
    """A table of text; columns from `shown` on are left out on a phone."""

    def cells(tag: str, row: tuple[str, ...]) -> str:
        wide = ['class="wide"' if place >= shown else 'class="text"' for place in range(len(row))]
        return "".join(f"<{tag} {style}>{escape(text)}</{tag}>" for style, text in zip(wide, row, strict=True))

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    return f"<table><thead><tr>{cells('th', heads)}</tr></thead><tbody>{body}</tbody></table>"


def _notes(report: Profiled) -> str:
    study = report.survey.study
    lines = []
    if study.rows.is_long:
        told = f"Distributions are those of {study.rows.table.num_rows:,} rows drawn evenly from {study.rows.count:,}."
        lines.append(told)
    if study.count < study.rows.count:
        lines.append(f"Ties, dependencies and rules were searched in {study.count:,} rows; rules were measured on all.")
    lines.append(
        "Strengths are Linfoot's informational correlations in coarse cells, what chance adds taken off. "
        "This page holds counts by bin and no row of the table; values that fewer than five rows share are left out."
    )
    return footer(lines)
