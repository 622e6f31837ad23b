"""The page in a real browser: what it shows of made-up states, how it behaves, and that its colours can be read."""

from __future__ import annotations

import re
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Mapping
from html import unescape
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import pytest

from stream_app.web import UI, Served, Web, app, serve
from tests.stream_app import made_up

CHROMIUM = shutil.which("chromium")
browser = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
]
TO = "\N{EN DASH}"
DARK = "--blink-settings=preferredColorScheme=0"
HOSTILE = "<script>document.title='taken'</script><img src=x onerror=document.title='taken'>"

# Uses the page as a person would and writes down what came of it; served beside the page by `watched`.
PROBE = """
const seconds = (s) => new Promise((done) => setTimeout(done, 1000 * s));
const facts = document.body.dataset;
await seconds(1.5);
facts.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
const names = [...document.querySelectorAll(".column-name")];
const button = names.find((node) => node.textContent === "arr_delay");
button.focus();
button.click();
facts.chosen = document.querySelector("#detail-title").firstChild.textContent;
facts.address = location.hash;
document.querySelector(".histogram").focus();
document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight", bubbles: true}));
await seconds(1.5);
facts.readout = document.querySelector(".readout").textContent;
facts.focused = document.activeElement.getAttribute("class");
document.querySelector("#incident-start").click();
await seconds(0.1);
facts.said = document.querySelector("#announce").textContent;
"""


class Watched:
    """The application with a probe added to the page."""

    def __init__(self, web: Web) -> None:
        self.app = app(web)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        page = (
            (UI / "index.html").read_text().replace("</body>", '<script type="module" src="probe.js"></script></body>')
        )
        bodies = {"/": ("text/html", page), "/probe.js": ("text/javascript", PROBE)}
        if scope["path"] not in bodies:
            await self.app(scope, receive, send)
            return
        kind, body = bodies[scope["path"]]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind.encode())]})
        await send({"type": "http.response.body", "body": body.encode()})


def browse(url: str, profile: Path, *flags: str, seconds: float = 2.5) -> subprocess.CompletedProcess[str]:
    assert CHROMIUM is not None
    budget = f"--virtual-time-budget={int(1000 * seconds)}"
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", budget, *flags, url]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(profile), "TZ": "UTC"}
    run = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True, env=environment)
    faults = [line for line in run.stderr.splitlines() if "CONSOLE" in line and "Failed to load resource" not in line]
    assert faults == []
    return run


def dom(state: Mapping[str, Any], profile: Path, address: str = "/", width: int = 1440) -> str:
    with serve(app(Web(lambda: state, bytes, bool)), "127.0.0.1", 0) as served:
        return browse(served.url + address, profile, "--dump-dom", f"--window-size={width},1200").stdout


def shown(html: str) -> str:
    """The text of the page, as one line."""
    body = re.sub(r"<(script|style|noscript).*?</\1>", "", html[html.index("<body") :], flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


def level(html: str) -> str:
    return str(re.findall(r'data-level="(\w+)"', html)[0])


def column_names(html: str) -> list[str]:
    return re.findall(r'class="column-name"[^>]*>([^<]*)<', html)


@browser
def test_a_healthy_stream_is_said_to_be_healthy(tmp_path: Path) -> None:
    state = made_up.healthy()
    state["evidence"]["dependence"] = {"column": "dep_delay", "factor": 3.217}
    html = dom(state, tmp_path, "/#column=carrier")
    text = shown(html)
    assert level(html) == "ok"
    assert "<title>● Healthy · flights</title>" in html
    assert column_names(html) == made_up.ORDER
    assert "2,000 of 2,000 records/s asked; no change shown in 19 columns, 20,000 records in the window" in text
    assert "None so far." in text
    assert len(re.findall("<canvas", html)) == 3
    assert "surely above 0.020 a change pages, a smaller one only warns" in text
    assert "at 10⁴ an alarm opens, in 10,000 calm panes once or less often" in text
    assert "Evidence looks at the newest 1, 4, 16 and 64 panes of 1 s with 500 records or more; now 10⁻⁰·⁴." in text
    assert "Records depend on each other: 3.2 count as one, by dep_delay. Window" in text
    assert "Window of 1 h 0 min: 7,200,000 records, the largest drift in it surely <0.001." in text
    assert 'id="detail-title">carrier<' in html
    assert "KS distance 0.006, 95 % interval 0.000 to 0.013, from 20,000 records; pages when surely above 0.100" in html


@browser
def test_an_alarm_stands_on_top_with_its_evidence(tmp_path: Path) -> None:
    html = dom(made_up.alarmed(), tmp_path)
    text = shown(html)
    assert level(html) == "alarm"
    assert "Alarm: dep_delay" in text
    assert f"Since 12:59:51. dep_delay: KS distance 0.318 [0.309{TO}0.327] on 20,000 records." in text
    assert column_names(html)[0] == "dep_delay"
    assert 'id="detail-title">dep_delay<' in html
    assert "open dep_delay since 12:59:51, 9.0 s" in text
    assert "cleared carrier 12:58:25 to 12:58:48, 23 s" in text
    assert f"p1 88,031{TO}93,021" in text
    assert re.findall(r'class="lane (\w+)"', html) == ["incident", "alarm", "told"]
    assert f"broken by 12 of 360,000 records: 0.0033 % [0.0013{TO}0.0053 %]" in text
    assert len(re.findall(r'<li[^>]* data-kind="', html)) == 10


@browser
def test_before_the_first_record_nothing_is_claimed(tmp_path: Path) -> None:
    html = dom(made_up.started(), tmp_path)
    text = shown(html)
    assert level(html) == "wait"
    assert "Waiting for the first record" in text
    assert len(column_names(html)) == 19
    assert f"publish delay {TO} not known yet" in text
    assert re.search(r"NaN|undefined|Infinity|\[object", text) is None
    assert 'id="incident" class="incident-box" hidden' in html


@browser
def test_a_process_with_metrics_alone_says_so(tmp_path: Path) -> None:
    assert "This process watches no stream" in shown(dom({}, tmp_path))


def hostile() -> dict[str, Any]:
    state = made_up.alarmed()
    state["stream"] |= {"name": HOSTILE, "topic": HOSTILE, "artifact": HOSTILE}
    state["columns"][5]["alarm"] = False
    state["columns"][9] |= {"name": HOSTILE, "kind": HOSTILE, "alarm": True}
    state["columns"][9]["cells"]["labels"][0] = HOSTILE
    state["rules"][0] |= {"name": HOSTILE, "text": HOSTILE}
    state["alarms"][1] |= {"column": HOSTILE, "metric": HOSTILE, "partitions": {HOSTILE: [1, 2]}}
    state["timeline"].append({"at_ms": made_up.NOW_MS, "kind": HOSTILE, "text": HOSTILE})
    state["records"][0]["value"] |= {"carrier": HOSTILE, HOSTILE: HOSTILE}
    state["records"][0]["key"] = HOSTILE
    state["incident"]["text"] = HOSTILE
    return state


@browser
def test_data_is_shown_as_text_and_never_run(tmp_path: Path) -> None:
    html = dom(hostile(), tmp_path)
    text = shown(html)
    assert "<img" not in html
    assert html.count("<script") == 2
    assert "<title>taken" not in html
    assert text.count(HOSTILE) >= 12
    assert HOSTILE in unescape(re.findall(r'class="cell-label">(.*?)</span>', html)[0])


def test_no_script_of_ours_makes_markup_from_text() -> None:
    scripts = {path.name: path.read_text() for path in UI.glob("*.js")}
    assert "app.js" in scripts
    doors = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|DOMParser|srcdoc")
    assert {name for name, source in scripts.items() if doors.search(source)} == set()


@browser
def test_a_phone_shows_it_without_scrolling_sideways_and_the_keyboard_works(tmp_path: Path) -> None:
    started: list[str] = []

    def start() -> str:
        started.append("one")
        return "drift is on its way"

    with serve(Watched(Web(made_up.healthy, bytes, bool, start)), "127.0.0.1", 0) as served:
        html = browse(served.url, tmp_path, "--dump-dom", "--window-size=360,800", seconds=6).stdout
    facts = dict(re.findall(r'data-(\w+)="([^"]*)"', html[html.index("<body") : html.index(">", html.index("<body"))]))
    assert facts["overflow"] == "0"
    assert (facts["chosen"], facts["address"]) == ("arr_delay", "#column=arr_delay")
    assert facts["readout"].startswith("under: 0.0039 % in training")
    assert facts["focused"] == "histogram"
    assert (
        html.index('data-key="column:arr_delay"') < html.index('id="detail"') < html.index('data-key="column:carrier"')
    )
    assert (facts["said"], started) == ("drift is on its way", ["one"])


@browser
def test_a_server_gone_away_is_told_and_the_last_state_stays(tmp_path: Path) -> None:
    served: list[Served] = []
    asked: list[int] = []

    def state() -> Mapping[str, Any]:
        asked.append(1)
        if len(asked) == 2:
            threading.Thread(target=served[0].close).start()
            wait_until_closed(served[0].url)
        return made_up.healthy()

    served.append(serve(app(Web(state, bytes, bool)), "127.0.0.1", 0))
    html = browse(served[0].url, tmp_path, "--dump-dom", seconds=6).stdout
    served[0].close()
    assert 'data-contact="lost"' in html
    assert re.search(r"Lost contact with the service since \d\d:\d\d:\d\d\. Below is what was last known", shown(html))
    assert column_names(html) == made_up.ORDER
    assert len(asked) == 2


def wait_until_closed(url: str) -> None:
    address = urlsplit(url)
    deadline = monotonic() + 60
    while monotonic() < deadline:
        try:
            socket.create_connection((str(address.hostname), address.port or 0), timeout=30).close()
        except ConnectionError:
            return
    raise TimeoutError(f"{url} still listens")


@browser
def test_a_server_that_fails_is_told(tmp_path: Path) -> None:
    def fail() -> Mapping[str, Any]:
        raise RuntimeError("no state")

    with serve(app(Web(fail, bytes, bool)), "127.0.0.1", 0) as served:
        html = browse(served.url, tmp_path, "--dump-dom").stdout
    assert "(it answers with error 500). Asking again every second." in shown(html)


@browser
def test_pictures_of_the_page_can_be_taken_in_light_and_dark(tmp_path: Path) -> None:
    with serve(app(Web(made_up.alarmed, bytes, bool)), "127.0.0.1", 0) as served:
        pictures = [picture(served.url, tmp_path / name, *flags) for name, flags in (("light", ()), ("dark", (DARK,)))]
    for data in pictures:
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack(">II", data[16:24]) == (1440, 1000)
        # A blank page of this size compresses to about 5 kB.
        assert len(data) > 50_000
    assert pictures[0] != pictures[1]


def picture(url: str, folder: Path, *flags: str) -> bytes:
    folder.mkdir()
    target = folder / "page.png"
    browse(url, folder, f"--screenshot={target}", "--window-size=1440,1000", *flags)
    return target.read_bytes()


def palettes() -> tuple[dict[str, str], dict[str, str]]:
    light, dark = (UI / "style.css").read_text().split("@media (prefers-color-scheme: dark)", 1)
    pattern = re.compile(r"--([\w-]+): (#[0-9a-f]{6});")
    day = dict(pattern.findall(light))
    return day, day | dict(pattern.findall(dark))


def luminance(color: str) -> float:
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    """The contrast ratio of two colours (WCAG 2.2, definition of contrast ratio)."""
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_black_on_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark"])
def test_text_can_be_read_and_marks_be_seen(palette: dict[str, str]) -> None:
    grounds = {"ok": "ok-tint", "warn": "warn-tint", "alarm": "alarm-tint"}
    texts = [(ink, ground) for ink in ("ink", "muted") for ground in ("paper", "surface", *grounds.values())]
    texts += [*grounds.items(), *((tone, "surface") for tone in grounds), ("surface", "alarm")]
    marks = [(mark, "surface") for mark in ("published", "measured", "asked", "alarm", "focus")]
    faults = {
        pair: contrast(palette[pair[0]], palette[pair[1]])
        for pair in texts
        if pair[0] != "muted" or "tint" not in pair[1]
    }
    assert {pair: ratio for pair, ratio in faults.items() if ratio < 4.5} == {}
    assert {pair for pair in marks if contrast(palette[pair[0]], palette[pair[1]]) < 3} == set()
