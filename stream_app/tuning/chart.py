"""A search as a picture: what every trial came to, and which settings are to answer for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from stream_app.rate_chart import ticks
from stream_app.tuning.report import Found

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BASE = 960, 360, 84, 24, 64, 316
BAR, NAME = 30, 150

STYLE = """
text{font:13px system-ui,sans-serif;fill:#52514e}.title{font-size:17px;font-weight:600;fill:#0b0b0b}.back{fill:#fff}
.grid{stroke:#e4e3df}.trial{fill:#2a78d6;opacity:.65}.pruned{stroke:#8d8c87;stroke-width:1.5}
.best{fill:none;stroke:#1baf7a;stroke-width:2}.real{stroke:#8d8c87;stroke-dasharray:4 4}.bar{fill:#2a78d6}
@media (prefers-color-scheme:dark){text{fill:#c3c2b7}.title{fill:#fff}.back{fill:#1a1a19}.grid{stroke:#383835}
.trial,.bar{fill:#3987e5}}
"""


def as_svg(found: Found) -> str:
    """The history of a search above the importance of its settings."""
    title = f"{found.space.model}: {len(found.trials)} trials, best loss {found.best.value:.4f}"
    bars = _bars(found)
    height = HEIGHT + (60 + BAR * len(found.importance) if bars else 0)
    body = [
        f'<rect class="back" width="{WIDTH}" height="{height}"/>',
        f'<text class="title" x="{LEFT}" y="26">{escape(title)}</text>',
        _text(LEFT, 46, "a point is a trial, the line the best so far, a tick one that ended early; dashed: real rows"),
        *_history(found),
        *bars,
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(title)}"><style>{STYLE}</style>{"".join(body)}</svg>\n'
    )


def as_html(found: Found) -> str:
    """A page that holds the picture."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Search</title>'
        f"<style>body{{margin:24px;color-scheme:light dark}}svg{{max-width:1200px}}</style>{as_svg(found)}</html>\n"
    )


PICTURES = {".svg": as_svg, ".html": as_html}
"""What draws a file, by its ending."""


def _history(found: Found) -> list[str]:
    values = [trial.value for trial in found.trials if trial.value is not None]
    real = found.real.total(0.0)
    lost = sorted([*values, real])[math.ceil(0.9 * len(values))]  # the worst are drawn at the edge
    marks = ticks(min(max([*values, real]), 2 * lost) or 1.0)
    last = max((trial.number for trial in found.trials), default=0)

    def x(number: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (number + 0.5) / (last + 1)

    def y(value: float) -> float:
        return max(BASE - (BASE - TOP) * value / marks[-1], TOP)

    body = []
    for mark in marks:
        body.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(mark):.1f}" y2="{y(mark):.1f}"/>')
        body.append(_text(LEFT - 10, y(mark) + 4, f"{mark:.4g}", "end"))
    body.append(f'<line class="real" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(real):.1f}" y2="{y(real):.1f}"/>')
    best, points = math.inf, list[str]()
    for trial in found.trials:
        at = x(trial.number)
        if trial.value is None:
            body.append(f'<line class="pruned" x1="{at:.1f}" x2="{at:.1f}" y1="{BASE - 7}" y2="{BASE}"/>')
            continue
        settings = ", ".join(f"{name}={value}" for name, value in trial.settings.items())
        body.append(
            f'<circle class="trial" cx="{at:.1f}" cy="{y(trial.value):.1f}" r="4">'
            f"<title>{escape(f'trial {trial.number}: {trial.value:.4f}, {settings}')}</title></circle>"
        )
        best = min(best, trial.value)
        points.append(f"{at:.1f},{y(best):.1f}")
    body.append(f'<polyline class="best" points="{" ".join(points)}"/>')
    body.append(_text(LEFT, BASE + 22, "trial 0"))
    body.append(_text(WIDTH - RIGHT, BASE + 22, f"trial {last}", "end"))
    return body


def _bars(found: Found) -> Sequence[str]:
    if not found.importance:
        return []
    body = [f'<text class="title" x="{LEFT}" y="{HEIGHT + 24}">What is to answer for it</text>']
    for place, (name, share) in enumerate(found.importance.items()):
        top = HEIGHT + 44 + BAR * place
        wide = (WIDTH - LEFT - NAME - RIGHT - 60) * share
        body.append(_text(LEFT + NAME - 10, top + 15, name, "end"))
        body.append(f'<rect class="bar" x="{LEFT + NAME}" y="{top}" width="{wide:.1f}" height="20" rx="3"/>')
        body.append(_text(LEFT + NAME + wide + 8, top + 15, f"{share:.0%}"))
    return body


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
