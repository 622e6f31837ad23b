"""What a search came to, in words, in JSON, in the manifest and as a picture."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

import pytest

from stream_app.tuning.chart import as_html, as_svg
from stream_app.tuning.objective import Loss
from stream_app.tuning.report import Found, lines, print_found
from stream_app.tuning.space import Space
from stream_app.tuning.study import Trial

SPACE = Space.of("tabular.mixture", {}, ())
FACTS = {"told_apart": 0.1, "pairs": 0.02, "learning": None, "train_s": 2.0}


def trial(number: int, value: float | None, components: int = 20) -> Trial:
    state = "pruned" if value is None else "complete"
    return Trial(number, state, {"components": components, "cells": 64}, value, FACTS if value is not None else {})


def found(*trials: Trial, importance: bool = True) -> Found:
    shares = {"components": 0.75, "cells": 0.25} if importance else {}
    return Found(SPACE, trials, shares, Loss(0.01, 0.02, None, 0.0), 0.002)


MANY = found(trial(0, 0.5, 256), trial(1, 0.2), trial(2, None), trial(3, 90.0))


def test_the_best_stands_beside_the_defaults_and_real_rows() -> None:
    form = MANY.to_json()
    assert (form["best"], form["loss"], form["loss_of_defaults"], form["loss_of_real_rows"]) == (1, 0.2, 0.5, 0.03)
    assert form["trials"] == {"complete": 3, "pruned": 1}
    assert form["settings"] == {"components": 20, "cells": 64}
    assert set(form) > set(MANY.manifest()) > {"told_apart", "pairs", "searched"}
    said = lines(MANY)
    assert said["better_than_defaults_by"] == "0.3000"
    assert said["importance"] == "components 75%, cells 25%"
    assert lines(found(trial(0, 0.5, 256)))["better_than_defaults_by"].startswith("nothing")
    assert "better_than_defaults_by" not in lines(found(trial(0, 0.5)))  # they were not tried


def test_people_see_the_best_first(capsys: pytest.CaptureFixture[str]) -> None:
    print_found(MANY)
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == ["trial", "1", "0", "3", "real"]
    print_found(replace(MANY, real=Loss(None, 0.02, None, 0.0)))
    assert capsys.readouterr().out.splitlines()[-1].split() == ["real", "0.0200", "0.0200"]


@pytest.mark.parametrize("each", [MANY, found(trial(0, 0.0), importance=False), found(trial(5, 1e9), trial(6, 1e-9))])
def test_every_trial_is_in_the_picture_and_within_it(each: Found) -> None:
    tree = ElementTree.fromstring(as_svg(each))
    within = "{http://www.w3.org/2000/svg}"
    points = tree.findall(f"{within}circle")
    assert len(points) == sum(t.value is not None for t in each.trials)
    assert all(64 <= float(point.attrib["cy"]) <= 316 and 84 <= float(point.attrib["cx"]) <= 936 for point in points)
    assert len([line for line in tree.iter() if line.attrib.get("class") == "pruned"]) == sum(
        t.value is None for t in each.trials
    )
    assert len([bar for bar in tree.iter() if bar.attrib.get("class") == "bar"]) == len(each.importance)
    assert as_svg(each) in as_html(each)
