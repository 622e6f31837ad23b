"""Pages that stand alone: what holds of each, as a browser sees it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.stream_app.test_page import DARK, browse


def assert_stands_alone(page: Path, folder: Path, most_bytes: int, plots: int) -> None:
    """A page asks for nothing, is as narrow as a phone, and looks another way in the dark.

    Args:
        page: its file, in `folder`.
        folder: for what the browser writes.
        most_bytes: how large it may be.
        plots: it has more of these.
    """
    text = page.read_text("utf-8")
    assert page.stat().st_size < most_bytes
    assert re.findall(r"(?:src|href|url)\s*[=(]|https?://|<script", text) == []
    assert text.count("<svg") > plots
    # A frame is as narrow as a phone, which a window can not be.
    probe = (
        "<script>onload = () => { const d = document.querySelector('iframe').contentDocument.documentElement;"
        "document.body.dataset.over = d.scrollWidth - d.clientWidth; }</script>"
    )
    frame = folder / "frame.html"
    frame.write_text(f'<body>{probe}<iframe src="{page.name}" style="width:390px;height:800px"></iframe></body>')
    (folder / "browser").mkdir()
    files = "--allow-file-access-from-files"
    assert 'data-over="0"' in browse(frame.as_uri(), folder / "browser", files, "--dump-dom").stdout
    shots = []
    for name, flags in (("day", ["--window-size=1280,2400"]), ("night", ["--window-size=1280,2400", DARK])):
        shot = folder / f"{name}.png"
        browse(page.as_uri(), folder / "browser", f"--screenshot={shot}", *flags)
        shots.append(shot.read_bytes())
    assert all(len(shot) > 50_000 for shot in shots)
    assert shots[0] != shots[1]
