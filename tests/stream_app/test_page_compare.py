"""The page of `synthstream compare` in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stream_app.web import Web, app, serve
from tests.stream_app.made_up import NOW_MS
from tests.stream_app.test_page import HOSTILE, browse, browser, level, shown


def state(**changes: Any) -> dict[str, Any]:
    """Two columns, of which one has lately gone astray."""
    history = [0, 0, 0, 1, 2, 2]
    return {
        "stream": "orders_synth",
        "now_ms": NOW_MS,
        "band": "no longer represents",
        "advised": True,
        "next": "synthstream update orders --from-topic orders --out orders-next",
        "real": {"topic": "orders", "silent": False, "foreign": True},
        "synthetic": {"topic": "orders_synth", "silent": True, "foreign": False},
        "boundaries": {"drifting": 0.05, "lost": 0.1},
        "at_ms": [NOW_MS - 1_000 * i for i in range(6, 0, -1)],
        "history": history,
        "columns": [
            column("price", "no longer represents", history, ["distribution", "nulls"]),
            column(HOSTILE, "represents", [0] * 6, []) | {"compared": ["nulls"]},
        ],
        "events": [{"at_ms": NOW_MS, "text": "training anew is advised: price"}],
        **changes,
    }


def column(name: str, band: str, history: list[int], changes: list[str]) -> dict[str, Any]:
    compared = ["distribution", "nulls", "correlation"]
    return {"name": name, "band": band, "history": history, "changes": changes, "compared": compared}


def dom(form: dict[str, Any], profile: Path) -> str:
    with serve(app(Web(lambda: form, bytes, bool, page="compare.html")), "127.0.0.1", 0) as served:
        return browse(served.url, profile, "--dump-dom", "--window-size=1300,700").stdout


@browser
def test_the_page_says_what_is_no_longer_represented_and_what_to_do(tmp_path: Path) -> None:
    html = dom(state(), tmp_path)
    text = shown(html)
    assert level(html) == "alarm"
    assert "<title>▲ no longer represents · orders_synth</title>" in html
    assert "orders_synth no longer represents orders" in text
    assert "No record comes on orders_synth." in text
    assert "Some records on orders can not be read." in text
    assert "Advised: synthstream update orders --from-topic orders" in text
    assert "its values lie elsewhere, it is missing more or less often" in text
    assert "(compared only: whether it is missing)" in text
    assert HOSTILE in text
    assert html.count('data-band="drifting"') == 1 + 2  # the key's, the table's, the column's
    assert "training anew is advised: price" in text


@browser
def test_before_windows_are_compared_the_page_says_so(tmp_path: Path) -> None:
    waiting = {
        "band": "unknown",
        "advised": False,
        "next": None,
        "at_ms": [],
        "history": [],
        "columns": [],
        "events": [],
    }
    html = dom(state(**waiting), tmp_path)
    assert level(html) == "wait"
    assert "No two windows are complete yet." in shown(html)
    assert "Nothing yet." in shown(html)
