"""The page of scores says what the scores declare."""

from __future__ import annotations

from pathlib import Path

from stream_app.assessment.scores_page import scores_page

PAGE = Path(__file__).resolve().parents[3] / "docs" / "assessment.md"


def test_the_page_is_what_the_scores_declare() -> None:
    assert PAGE.read_text("utf-8") == scores_page(), "write it anew with stream_app.assessment.scores_page"
