"""The demo's scene in real time: drift in what is published raises its alarm, and the alarm clears after it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from generators.artifact import Artifact, save
from generators.fitting import fit_artifact
from schemas.errors import InputError
from schemas.inference import conform, infer
from stream_app import assemble, demo, monitoring
from stream_app.publish import Clock
from stream_app.settings import Place
from stream_app.watching.snapshot import Snapshots
from stream_app.watching.timeline import Timeline
from tests.stream_app.shop import storm


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "artifact"


@pytest.fixture
def artifact(folder: Path) -> Artifact:
    amounts = np.random.default_rng(1).integers(0, 60, 1_500).tolist()
    raw = pa.table({"amount": pa.array(amounts), "state": pa.array(["paid" if a % 3 else "open" for a in amounts])})
    schema = infer(raw, "orders")
    fitted = fit_artifact(conform(raw, schema), schema, "tabular.marginals", {}, 0, lambda done, doing: None)
    save(fitted, folder)
    return fitted


def test_the_demos_drift_raises_its_alarm_and_clears(
    folder: Path, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "INCIDENT", storm("amount", 30).drift)
    monkeypatch.setattr(demo, "INCIDENT_S", (4.0, 7.0))
    spec = demo.demo_spec(folder, 2_000).model_copy(update={"rules": ({"rule": "not_null", "column": "state"},)})
    with assemble.reached(Place("embedded", "embedded")) as outside:
        clock, timeline = Clock(), Timeline()
        job = assemble.publishing(spec, artifact, outside, clock)
        watch = monitoring.watch(spec, artifact, outside, "earliest")
        shown = demo.Demo(job, watch, timeline, clock, lambda shard, late_s: None)
        snapshots = Snapshots(
            monitoring.about(spec, artifact, outside), watch, timeline, spec.monitor, shown.tally.by_shard
        )
        empty = snapshots.take()
        assert (empty["totals"]["monitored"], empty["series"]["t_s"], empty["records"]) == (0, [], [])
        shown.run(18.0, lambda: False)
        told = demo.summary(shown, watch)
        state = snapshots.take()
    assert told["published"] == told["monitored"] > 30_000
    assert told["alarms_before_incident"] == 0
    assert told["alarm_delay_s"] < 10
    assert told["alarm_cleared"] is True
    assert told["violations"] == 0
    assert abs(told["measured_rate_per_s"] - 2_000) < 20
    kinds = [entry["kind"] for entry in state["timeline"]]
    assert kinds[:2] == ["started", "incident_started"]
    assert {"alarm_opened", "incident_ended", "alarm_cleared"} <= set(kinds)
    (alarm, *_) = [a for a in state["alarms"] if a["column"] == "amount"]
    assert alarm["cleared_ms"] > alarm["opened_ms"]
    amount = next(c for c in state["columns"] if c["name"] == "amount")
    assert amount["primary"] == "ks"
    assert {"ks", "psi", "total_variation"} <= set(amount["metrics"])
    assert len(amount["cells"]["expected"]) == len(amount["cells"]["observed"]) == len(amount["cells"]["labels"])
    assert state["rules"][0]["violations"] == 0
    assert len(state["records"]) == 12
    shown.start_incident()
    with pytest.raises(InputError, match="one is under way"):
        shown.start_incident()
