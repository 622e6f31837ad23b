"""Small pictures, as SVG that takes its colours from the page around it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

WIDTH, HEIGHT = 360, 170
LEFT, RIGHT, TOP, BASE = 8, 8, 8, 146
ROW = 26
NAME = 116
LONGEST = 17
"""Letters of a name that are shown beside a picture."""


def figure(body: Sequence[str], height: float, label: str, width: float = WIDTH) -> str:
    """An SVG of some height around its parts, described by a label."""
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(label)}">'
        f"<title>{escape(label)}</title>{''.join(body)}</svg>"
    )


def shortened(name: str) -> str:
    """A name with at most `LONGEST` letters."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"


def text(x: float, y: float, words: str, style: str = "", anchor: str = "start") -> str:
    """Words at a place."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}">{escape(words)}</text>'


def histograms(real: Floats, synthetic: Floats | None, ends: tuple[str, str], label: str) -> str:
    """A filled histogram, and another one over the same bins as a line.

    Args:
        real: the share of each bin, shape (bins,); synthetic: alike; None for one histogram alone.
        ends: what stands below the first and the last bin.
        label: what it is of.
    """
    both = (real,) if synthetic is None else (real, synthetic)
    most = max(*(float(shares.max(initial=0)) for shares in both), 1e-9)
    step = (WIDTH - LEFT - RIGHT) / max(len(real), 1)

    def outline(shares: Floats) -> str:
        points = [f"{LEFT:.1f},{BASE}"]
        for place, share in enumerate(shares.tolist()):
            y = BASE - (BASE - TOP) * share / most
            points += [f"{LEFT + place * step:.1f},{y:.1f}", f"{LEFT + (place + 1) * step:.1f},{y:.1f}"]
        return " ".join([*points, f"{LEFT + len(shares) * step:.1f},{BASE}"])

    body = [
        f'<polygon class="real-area" points="{outline(real)}"/>',
        "" if synthetic is None else f'<polyline class="synthetic-line" points="{outline(synthetic)}"/>',
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{BASE}" y2="{BASE}"/>',
        text(LEFT, BASE + 16, ends[0]),
        text(WIDTH - RIGHT, BASE + 16, ends[1], anchor="end"),
    ]
    return figure(body, HEIGHT, label)


def bars(rows: Sequence[tuple[str, *tuple[float, ...]]], most: float, label: str, form: str = "{:.1%}") -> str:
    """One or two bars a row, the real one above the synthetic one, each with its number.

    Args:
        rows: a name, the real value and, where there is one, the synthetic value; all rows have as many.
        most: the value of a bar over the whole width.
        label: what it is of.
        form: how numbers are written.
    """
    wide, body = WIDTH - NAME - 60, list[str]()
    high = ROW / 2 * max((len(row) - 1 for row in rows), default=1)
    for place, (name, *values) in enumerate(rows):
        y = 6 + place * (high + 8)
        body.append(text(NAME - 8, y + high / 2 + 4, shortened(name), "name", "end"))
        for at, (value, style) in enumerate(zip(values, ("real-bar", "synthetic-bar"), strict=False)):
            length = max(wide * min(max(value, 0.0), most) / max(most, 1e-12), 0.5)
            at_y = y + at * ROW / 2
            body.append(f'<rect class="{style}" x="{NAME}" y="{at_y:.1f}" width="{length:.1f}" height="11" rx="2"/>')
            body.append(text(NAME + length + 5, at_y + 10, form.format(value), "value"))
    return figure(body, 10 + len(rows) * (high + 8), label)


def curves(real: Sequence[float], synthetic: Sequence[float], label: str) -> str:
    """Two cumulative curves, each by the values below which equal parts lie, from 2 % to 98 %.

    Args:
        real: rising; synthetic: alike.
        label: what it is of.
    """
    most = max(real[-1], synthetic[-1], 1e-9)
    body = []
    for share in (0.0, 0.5, 1.0):
        y = BASE - (BASE - TOP) * share
        body.append(f'<line class="grid" x1="{LEFT + 34}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        body.append(text(LEFT + 28, y + 4, f"{share:.0%}", anchor="end"))
    for values, style in ((real, "real-line"), (synthetic, "synthetic-line")):
        levels = np.linspace(0.02, 0.98, len(values)).tolist()
        points = [
            f"{LEFT + 34 + (WIDTH - LEFT - RIGHT - 34) * value / most:.1f},{BASE - (BASE - TOP) * level:.1f}"
            for value, level in zip(values, levels, strict=True)
        ]
        body.append(f'<polyline class="{style}" points="{" ".join(points)}"/>')
    body += [text(LEFT + 34, BASE + 16, "0"), text(WIDTH - RIGHT, BASE + 16, f"{most:.2g}", anchor="end")]
    return figure(body, HEIGHT, label)


def heatmap(
    names: Sequence[str], values: Floats, label: str, said: str = "{:.2f} apart", full: float = 0.4, style: str = "gap"
) -> str:
    """A square for each pair of columns, the darker the larger its value.

    Args:
        names: the columns.
        values: at least 0, symmetric, not a number where nothing is known, shape (columns, columns).
        label: what it is of.
        said: how a value is written where a square is pointed at.
        full: the value from which on squares have full colour.
        style: the squares' class.
    """
    side = max(min(26.0, (WIDTH + 160 - NAME) / max(len(names), 1)), 12.0)
    body, above = [], 18.0
    for i, name in enumerate(names):
        y = above + i * side
        body.append(text(NAME - 22, y + side / 2 + 4, shortened(name), "name", "end"))
        body.append(text(NAME - 4, y + side / 2 + 4, str(i + 1), "tick", "end"))
        body.append(text(NAME + (i + 0.5) * side, above - 5, str(i + 1), "tick", "middle"))
        for j, other in enumerate(names):
            value = float(values[i, j])
            x = NAME + j * side
            square = f'x="{x:.1f}" y="{y:.1f}" width="{side - 1:.1f}" height="{side - 1:.1f}" rx="2"'
            body.append(f'<rect class="ground" {square}/>')
            if i != j and not np.isnan(value):
                words = escape(f"{name} and {other}: {said.format(value)}")
                dark = min(value / full, 1.0)
                body.append(f'<rect class="{style}" {square} fill-opacity="{dark:.2f}"><title>{words}</title></rect>')
    return figure(body, above + len(names) * side + 4, label, NAME + len(names) * side + 4)


def patterns(names: Sequence[str], rows: Sequence[tuple[Sequence[bool], float]], label: str) -> str:
    """Which columns miss their values together: a line a pattern, a square a column, and a bar of how often.

    Args:
        names: the columns.
        rows: which columns are missing, shape (columns,), and the share of rows that look so.
        label: what it is of.
    """
    side, wide, above = 18.0, 84.0, 92.0
    most = max((share for _, share in rows), default=1.0)
    body = [
        f'<text class="name" transform="translate({6 + (i + 0.6) * side:.1f} {above - 5}) rotate(-55)">'
        f"{escape(shortened(name))}</text>"
        for i, name in enumerate(names)
    ]
    for place, (missing, share) in enumerate(rows):
        y = above + place * side
        for i, gone in enumerate(missing):
            square = f'x="{6 + i * side:.1f}" y="{y:.1f}" width="{side - 2}" height="{side - 2}" rx="3"'
            body.append(f'<rect class="{"synthetic-bar" if gone else "ground"}" {square}/>')
        x = 14 + len(names) * side
        length = max(wide * share / max(most, 1e-12), 0.5)
        body.append(f'<rect class="real-bar" x="{x:.1f}" y="{y + 2:.1f}" width="{length:.1f}" height="11" rx="2"/>')
        body.append(text(x + length + 5, y + 12, f"{share:.1%}", "value"))
    return figure(body, above + len(rows) * side + 6, label, max(14 + len(names) * side + wide + 110, 200))
