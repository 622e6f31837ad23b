from __future__ import annotations

import re

from monitors.burn_rates import BUDGETS, PAGES, RULE_BUDGET, WARNS, recordings

HOURS = {"m": 1 / 60, "h": 1.0, "d": 24.0}


def hours(window: str) -> float:
    return int(window[:-1]) * HOURS[window[-1]]


def test_the_windows_spend_what_the_workbook_says_of_a_budget_of_thirty_days() -> None:
    spent = [round(burn.times * hours(burn.long) / (30 * 24), 3) for burn in (*PAGES, *WARNS)]
    assert spent == [0.02, 0.05, 0.1]
    assert [hours(burn.long) / hours(burn.short) for burn in (*PAGES, *WARNS)] == [12, 12, 12]


def test_every_series_an_alert_compares_is_recorded() -> None:
    recorded = {rule["record"] for rule in recordings()}
    assert len(recorded) == len(recordings())
    for budget in BUDGETS:
        for pages in (True, False):
            asked = set(re.findall(r"synthstream:\w+:\w+", budget.burns(pages=pages)))
            assert asked
            assert asked <= recorded


def test_a_burn_is_the_bad_share_over_the_share_that_may_be() -> None:
    said = RULE_BUDGET.recorded("5m")
    assert said.startswith("rate(synthstream_rule_violations_total[5m]) / on (stream, job, instance) group_left rate(")
    assert said.endswith("/ on (rule, stream, job, instance) synthstream_rule_tolerated_ratio")
