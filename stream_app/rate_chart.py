"""A forecast as a picture: characters for a terminal, SVG for a file."""

from __future__ import annotations

import datetime
import math
from html import escape

import numpy as np

from stream_app.forecast import Forecast
from stream_app.pace.segments import Floats

ROWS, COLUMNS = 12, 72
BLOCKS = " ▁▂▃▄▅▆▇█"

WIDTH, HEIGHT = 960, 400
LEFT, RIGHT, TOP, BOTTOM = 84, 24, 64, 44

STYLE = """
text{font:13px system-ui,sans-serif;fill:#52514e}.title{font-size:17px;font-weight:600;fill:#0b0b0b}
.grid{stroke:#e4e3df}.axis{stroke:#8d8c87}.band{fill:#2a78d6;opacity:.25}.stream{fill:none;stroke:#2a78d6;stroke-width:2}
.shard{fill:none;stroke:#1baf7a;stroke-width:1.5}.back{fill:#fff}
.title.stream-name{font-size:13px;fill:#2a78d6}.title.shard-name{font-size:13px;fill:#178f64}
@media (prefers-color-scheme:dark){text{fill:#c3c2b7}.title{fill:#fff}.grid{stroke:#383835}.axis{stroke:#7d7c76}
.back{fill:#1a1a19}.title.stream-name{fill:#3987e5}.title.shard-name{fill:#199e70}.band{fill:#3987e5}.stream{stroke:#3987e5}.shard{stroke:#199e70}}
"""


def as_text(seen: Forecast) -> str:
    """A chart of characters, one column a point."""
    top = ticks(float(seen.per_s.max()))[-1]
    eighths = np.rint(seen.per_s / top * ROWS * 8).astype(int)
    lines = []
    for row in range(ROWS - 1, -1, -1):
        label = f"{top * (row + 1) / ROWS:,.4g}" if (ROWS - 1 - row) % 3 == 0 else ""
        cells = np.clip(eighths - row * 8, 0, 8)
        lines.append(f"{label:>10} │" + "".join(BLOCKS[cell] for cell in cells))
    step = COLUMNS // 4
    at = [_when(float(seen.edges_ms[i]), seen) for i in range(0, len(seen.per_s), step)]
    lines.append(" " * 11 + "└" + "─" * len(seen.per_s))
    lines.append(" " * 12 + "".join(f"{label:<{step}}" for label in at))
    return "\n".join([heading(seen), *lines, facts(seen), *shard_lines(seen)])


def heading(seen: Forecast) -> str:
    """What is drawn."""
    what = "records a second as its seed draws them" if seen.random else "records a second"
    return f"{seen.name}: {what}, {seen.profile}"


def facts(seen: Forecast) -> str:
    """The numbers to remember."""
    return (
        f"{seen.records:,.0f} records; mean {seen.per_s.mean():,.4g}/s, "
        f"peak {seen.high.max():,.4g}/s over {_length(seen.point_s / 8)}, times in UTC"
    )


def shard_lines(seen: Forecast) -> list[str]:
    """What each shard gets; one line when all get the same."""
    if len(set(seen.fractions)) == 1:
        most = seen.high.max() * seen.fractions[0]
        return [f"each of {len(seen.fractions)} shards {seen.fractions[0]:.3g} of it, up to {most:,.4g}/s"]
    return [
        f"shard {shard}: {fraction:.3g} of it, up to {seen.high.max() * fraction:,.4g}/s"
        for shard, fraction in enumerate(seen.fractions)
    ]


def as_svg(seen: Forecast) -> str:
    """A chart of the stream's rate, how far it moves within a point, and every shard's."""
    marks = ticks(float(seen.high.max()))
    x = LEFT + (WIDTH - LEFT - RIGHT) * (np.arange(len(seen.per_s)) + 0.5) / len(seen.per_s)

    def y(rate: Floats) -> Floats:
        height: Floats = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * rate / marks[-1]
        return height

    body = [f'<rect class="back" width="{WIDTH}" height="{HEIGHT}"/>']
    body.append(f'<text class="title" x="{LEFT}" y="26">{escape(heading(seen))}</text>')
    body.append(f'<text x="{LEFT}" y="46">{escape("; ".join([facts(seen), *shard_lines(seen)[:1]]))}</text>')
    for mark in marks:
        level = float(y(np.array(mark)))
        body.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{level:.1f}" y2="{level:.1f}"/>')
        body.append(f'<text x="{LEFT - 10}" y="{level + 4:.1f}" text-anchor="end">{mark:,.6g}</text>')
    body += _time_axis(seen)
    band = [*_points(x, y(seen.high)), *_points(x, y(seen.low))[::-1]]
    body.append(f'<polygon class="band" points="{" ".join(band)}"/>')
    body += [_line("shard", x, y(seen.per_s * fraction)) for fraction in sorted(set(seen.fractions))]
    body.append(_line("stream", x, y(seen.per_s)))
    body.append(f'<text class="title stream-name" x="{WIDTH - RIGHT - 86}" y="26" text-anchor="end">stream</text>')
    body.append(f'<text class="title shard-name" x="{WIDTH - RIGHT}" y="26" text-anchor="end">each shard</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(heading(seen))}"><style>{STYLE}</style>{"".join(body)}</svg>\n'
    )


def as_html(seen: Forecast) -> str:
    """A page that holds the chart."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(heading(seen))}</title>'
        f"<style>body{{margin:24px;color-scheme:light dark}}svg{{max-width:1200px}}</style>{as_svg(seen)}</html>\n"
    )


def ticks(highest: float) -> list[float]:
    """Round numbers from 0 to at least a rate, four to six of them.

    >>> ticks(870)
    [0, 200, 400, 600, 800, 1000]
    """
    if not highest > 0:
        return [0, 1]
    unit = 10 ** math.floor(math.log10(highest / 4))
    step = next(step for step in (unit, 2 * unit, 5 * unit, 10 * unit) if highest <= 5 * step)
    return [round(step * n, 12) for n in range(math.ceil(highest / step) + 1)]


def _time_axis(seen: Forecast) -> list[str]:
    base = HEIGHT - BOTTOM
    body = [f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{base}" y2="{base}"/>']
    for part in range(7):
        moment = seen.edges_ms[0] + (seen.edges_ms[-1] - seen.edges_ms[0]) * part / 6
        at = LEFT + (WIDTH - LEFT - RIGHT) * part / 6
        body.append(f'<line class="axis" x1="{at:.1f}" x2="{at:.1f}" y1="{base}" y2="{base + 5}"/>')
        anchor = "end" if part == 6 else "middle"
        label = _when(float(moment), seen)
        body.append(f'<text x="{at:.1f}" y="{base + 22}" text-anchor="{anchor}">{label}</text>')
    return body


def _points(x: Floats, y: Floats) -> list[str]:
    return [f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True)]


def _line(name: str, x: Floats, y: Floats) -> str:
    return f'<polyline class="{name}" points="{" ".join(_points(x, y))}"/>'


def _when(moment_ms: float, seen: Forecast) -> str:
    span_s = (seen.edges_ms[-1] - seen.edges_ms[0]) / 1_000
    form = "%H:%M:%S" if span_s < 3_600 else "%H:%M" if span_s <= 90_000 else "%a %d %H:%M" if span_s < 1e6 else "%d %b"
    return datetime.datetime.fromtimestamp(moment_ms / 1_000, datetime.UTC).strftime(form)


def _length(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7_200 else f"{seconds / 3_600:.3g} h"
