"""What every page that stands alone has: the document around its body, the top, panels, and framed pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

STYLES = (
    Path(__file__).parents[1] / "ui" / "style.css",
    Path(__file__).parents[1] / "ui" / "head.css",
    Path(__file__).with_name("page.css"),
)


@dataclass(frozen=True)
class Picture:
    """A picture and what stands around it.

    Args:
        title: what it is of.
        note: a line below the title.
        svg: the picture.
        bad: whether it shows what is below its bar.
    """

    title: str
    note: str
    svg: str
    bad: bool = False


def document(title: str, level: str, body: Iterable[str]) -> str:
    """A page, as HTML.

    Args:
        title: of the page, as text.
        level: what it says in a word: ok, warn or alarm.
        body: its parts, as HTML.
    """
    style = "\n".join(path.read_text(encoding="utf-8") for path in STYLES)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{style}</style></head>'
        f'<body data-level="{level}">{"".join(body)}</body></html>\n'
    )


def top(brand: str, heading: str, facts: Mapping[str, str]) -> str:
    """The top of a page: what kind it is, what it is of, and facts in a word or two each."""
    listed = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(said)}</dd></div>" for name, said in facts.items())
    return (
        f'<header class="top"><p class="brand"><span>\N{BLACK CIRCLE}</span> Synthstream {escape(brand)}</p>'
        f'<h1>{escape(heading)}</h1><dl class="facts">{listed}</dl></header>'
    )


def verdict(glyph: str, words: str, lines: Iterable[str]) -> str:
    """The box that says the most important thing, readable from across the room, with lines of why."""
    why = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return (
        f'<section class="verdict" aria-labelledby="verdict"><div class="glyph">{glyph}</div>'
        f'<div class="verdict-words"><h2 id="verdict">{escape(words)}</h2><ul>{why}</ul></div></section>'
    )


def panel(heading: str, inner: str) -> str:
    """A framed part of a page with a heading; the inner part is HTML."""
    return f'<section class="panel"><h2>{escape(heading)}</h2>{inner}</section>'


def framed(picture: Picture, style: str = "") -> str:
    """A picture with its title and note."""
    bad = " data-bad" if picture.bad else ""
    return (
        f'<figure class="{style}"{bad}><figcaption><b>{escape(picture.title)}</b>'
        f'<span class="note">{escape(picture.note)}</span></figcaption>{picture.svg}</figure>'
    )


def footer(lines: Iterable[str]) -> str:
    """Notes at the end of a page."""
    return f'<footer><div class="note">{"".join(f"<p>{escape(line)}</p>" for line in lines)}</div></footer>'
