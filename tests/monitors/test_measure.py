from __future__ import annotations

from monitors.measure import measure, metrics
from monitors.reference import fidelity_reference
from tests.monitors import scene

LAYOUT = scene.layout()


def test_every_metric_is_measured_on_every_subject_against_every_reference() -> None:
    window = scene.window_of(scene.pane(LAYOUT, 2_000))
    references = (
        scene.reference_of(LAYOUT, scene.pane(LAYOUT, 9_000, seed=1)),
        fidelity_reference(LAYOUT, scene.profile()),
    )
    measured = measure(window, references)
    expected = {
        (metric.NAME, subject, reference)
        for metric in metrics()
        for subject in metric.subjects(LAYOUT)
        for reference in (("change", "fidelity") if metric.COMPARES else ("",))
    }
    assert {(m.metric, m.subject, m.reference) for m in measured} == expected
    assert len(measured) == len(expected)
    by_key = {(m.metric, m.subject, m.reference): m.estimate for m in measured}
    assert by_key["quality_null", "weight", ""].n == 2_000
