"""Where training begins: what can not be is refused before any work is done."""

from __future__ import annotations

from pathlib import Path

import pytest

from generators.start import FILE, Keep, Start
from schemas.errors import InputError


def test_a_folder_that_is_none_of_checkpoints_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("kept")
    for folder, says in (
        (tmp_path / "file", "is not a folder; choose another"),
        (tmp_path / "file" / "in", "is not a folder; choose another"),
        (tmp_path / "mine", "holds something else"),
    ):
        with pytest.raises(InputError, match=says):
            Keep(folder)
    with pytest.raises(InputError, match="checkpoint_every=-1: must be at least 0"):
        Keep(tmp_path / "new", -1)


def test_a_checkpoint_is_not_lost_by_beginning_anew(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"x")
    with pytest.raises(InputError, match="holds a checkpoint; go on from it with --resume, or remove the folder"):
        Keep(tmp_path)
    keep = Keep(tmp_path, resume=True)
    keep.remove()
    keep.remove()
    assert not tmp_path.exists()


def test_a_model_that_is_trained_in_one_go_keeps_no_checkpoints(tmp_path: Path) -> None:
    assert Start("tabular.nade", Keep(tmp_path)).generator.RESUMES
    with pytest.raises(InputError, match=r"checkpoint=.*: tabular.copula is trained in one go; leave it out"):
        Start("tabular.copula", Keep(tmp_path))
    with pytest.raises(InputError, match=r"did you mean tabular\.copula"):
        Start("tabular.copul")
