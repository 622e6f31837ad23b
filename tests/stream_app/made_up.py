"""Made-up states of the page: a stream of flights that is healthy, in alarm, or has just started."""

from __future__ import annotations

from math import exp, sin
from typing import Any

NOW_MS = 1_767_272_400_000  # 2026-01-01 13:00:00 UTC
SECONDS = 180
RATE = 2000.0
WINDOW = 20_000
UNKNOWN: dict[str, Any] = {"value": None, "low": None, "high": None, "n": 0}
NUMBERS = [
    "year",
    "month",
    "day",
    "dep_time",
    "sched_dep_time",
    "dep_delay",
    "arr_time",
    "sched_arr_time",
    "arr_delay",
    "flight",
    "air_time",
    "distance",
    "hour",
    "minute",
    "time_hour",
]
ORDER = [
    "year",
    "month",
    "day",
    "dep_time",
    "sched_dep_time",
    "dep_delay",
    "arr_time",
    "sched_arr_time",
    "arr_delay",
    "carrier",
    "flight",
    "tailnum",
    "origin",
    "dest",
    "air_time",
    "distance",
    "hour",
    "minute",
    "time_hour",
]
VALUES = {
    "carrier": ["UA", "B6", "EV", "DL", "AA", "MQ", "US", "9E", "WN", "VX", "FL", "AS", "F9", "YV", "HA"],
    "origin": ["EWR", "JFK", "LGA"],
    "dest": [f"D{i:02d}" for i in range(101)],
    "tailnum": ["present"],
}


def estimate(value: float, half: float, n: int = WINDOW) -> dict[str, Any]:
    return {"value": value, "low": max(0.0, value - half), "high": value + half, "n": n}


def healthy() -> dict[str, Any]:
    """Three minutes into a stream at 2,000 records a second."""
    return {
        "stream": {
            "name": "flights",
            "topic": "flights",
            "model": "tabular.copula",
            "artifact": "9f2c4be0d1a7735c",
            "rows_trained": 336_776,
            "columns": 19,
            "shards": 4,
            "asked_rate_per_s": RATE,
            "bootstrap": "127.0.0.1:34567",
            "registry": "http://127.0.0.1:34568",
        },
        "now_ms": NOW_MS,
        "totals": totals(),
        "series": series(drifting=False),
        "window": {"start_ms": NOW_MS - 10_500, "end_ms": NOW_MS - 500, "n": WINDOW},
        "windows": [window("10s", 10, 0.009), window("3600s", 3_600, 0.0004)],
        "evidence": {
            "level": -0.4,
            "threshold": 4.0,
            "panes": [1, 4, 16, 64],
            "pane_s": 1.0,
            "panes_per_false_alarm": 10_000.0,
            "min_effect": 0.02,
            "min_records": 500,
            "dependence": None,
        },
        "columns": [column(name, i) for i, name in enumerate(ORDER)],
        "rules": rules(),
        "alarms": [],
        "timeline": [
            {"at_ms": NOW_MS - SECONDS * 1000, "kind": "started", "text": "publishing flights, 4 shards"},
            {"at_ms": NOW_MS - 170_000, "kind": "note", "text": "first window closed: 19 columns measured"},
        ],
        "records": [record(i) for i in range(12)],
        "incident": {"available": True, "active": False, "text": "adds 45 minutes to dep_delay for 15 s"},
    }


def alarmed() -> dict[str, Any]:
    """The same stream inside an incident: dep_delay in alarm, and an earlier alarm that has cleared."""
    state = healthy()
    start = NOW_MS - 14_000
    opened = {"metric": "ks", "severity": "page", "value": 0.318, "low": 0.309, "high": 0.327, "n": WINDOW}
    where = {str(p): [88_000 + 31 * p, 92_990 + 31 * p] for p in range(4)}
    state["series"] = series(drifting=True)
    state["columns"] = [column(name, i, drift=0.318 if name == "dep_delay" else 0.0) for i, name in enumerate(ORDER)]
    state["alarms"] = [
        {**opened, "column": "carrier", "metric": "total_variation", "value": 0.141, "low": 0.13, "high": 0.152}
        | {"opened_ms": NOW_MS - 95_000, "cleared_ms": NOW_MS - 72_000, "partitions": {"1": [40_100, 42_200]}}
        | {"reason": ""},
        {
            **opened,
            "column": "dep_delay",
            "opened_ms": NOW_MS - 9_000,
            "cleared_ms": None,
            "partitions": where,
            "reason": "",
        },
    ]
    state["timeline"] += [
        {"at_ms": NOW_MS - 100_000, "kind": "incident_started", "text": "carrier AA shifted to UA, a third of rows"},
        {"at_ms": NOW_MS - 95_000, "kind": "alarm_opened", "text": "carrier: total variation 0.141"},
        {"at_ms": NOW_MS - 80_000, "kind": "incident_ended", "text": "back to the model as trained"},
        {"at_ms": NOW_MS - 72_000, "kind": "alarm_cleared", "text": "carrier: quiet for 5 windows"},
        {"at_ms": start, "kind": "incident_started", "text": "dep_delay + 45 minutes"},
        {
            "at_ms": NOW_MS - 9_000,
            "kind": "alarm_opened",
            "text": "dep_delay: KS 0.318, 5 s after the first drifted record",
        },
        {"at_ms": NOW_MS - 40_000, "kind": "command", "text": "steer origin=JFK (ops@there)"},
        {"at_ms": NOW_MS - 38_000, "kind": "announced", "text": "drawn from what is steered, and compared with that"},
    ]
    state["rules"][1] |= {"violations": 12, "rate": estimate(12 / 360_000, 2e-5, 360_000)}
    state["totals"] |= {"late": 3, "foreign": 1}
    state["incident"] = {"available": True, "active": True, "text": "dep_delay + 45 minutes, 1 s left"}
    return state


def started() -> dict[str, Any]:
    """Nothing published yet: every number unknown."""
    state = healthy()
    for each in state["columns"]:
        each |= {"metrics": {}, "primary": "total_variation", "history": []}
        each["cells"]["observed"] = []
    state["totals"] |= {"published": 0, "monitored": 0, "published_per_s": None, "monitored_per_s": None}
    state["totals"] |= {"publish_delay_s": UNKNOWN, "record_age_s": UNKNOWN}
    state["series"] = {"t_s": [], "published_per_s": [], "monitored_per_s": [], "worst_effect": [], "evidence": []}
    state["window"] = {"start_ms": None, "end_ms": None, "n": 0}
    state["windows"] = []
    state["evidence"]["level"] = None
    state["rules"] = [rule | {"n": 0, "violations": 0, "rate": UNKNOWN} for rule in state["rules"]]
    return state | {"timeline": [], "records": [], "incident": None}


def window(name: str, seconds: int, worst: float) -> dict[str, Any]:
    n = round(RATE * seconds)
    return {"name": name, "start_ms": NOW_MS - 1_000 * seconds, "end_ms": NOW_MS - 500, "n": n, "worst": worst}


def totals() -> dict[str, Any]:
    return {
        "published": 360_012,
        "monitored": 358_401,
        "published_per_s": 2000.4,
        "monitored_per_s": 1998.0,
        "asked_per_s": RATE,
        "publish_delay_s": {"value": 0.0124, "low": 0.0119, "high": 0.0131, "n": WINDOW},
        "record_age_s": {"value": 0.41, "low": 0.38, "high": 0.45, "n": WINDOW},
        "late": 0,
        "foreign": 0,
        "deletes": 0,
        "tombstones": 0,
        "offset_resets": 0,
    }


def series(drifting: bool) -> dict[str, Any]:
    seconds = range(SECONDS)
    effect: list[float | None] = [0.011 + 0.004 * sin(i / 5) for i in seconds]
    if drifting:
        effect = [
            0.142 if 80 < i < 104 else 0.318 * (1 - exp((170 - i) / 3)) if i > 170 else e for i, e in enumerate(effect)
        ]
    level: list[float | None] = [-0.5 + 0.3 * sin(i / 9) for i in seconds]
    if drifting:
        level = [
            min(4.0 * (i - 80), 60) if 80 < i < 104 else min(9.0 * (i - 170), 80) if i > 170 else e
            for i, e in enumerate(level)
        ]
    return {
        "t_s": [NOW_MS / 1000 - SECONDS + 1 + i for i in seconds],
        "published_per_s": [RATE * min(1, 0.4 + i / 4) + 35 * sin(i * 1.7) for i in seconds],
        "monitored_per_s": [max(0.0, RATE * min(1, i / 6) + 60 * sin(i * 2.3)) for i in seconds],
        "worst_effect": [None] * 10 + effect[10:],
        "evidence": [None] * 2 + level[2:],
    }


def column(name: str, index: int, drift: float = 0.0) -> dict[str, Any]:
    ordered = name in NUMBERS
    primary = "ks" if ordered else "total_variation"
    value = drift if drift > 0 else 0.006 + 0.004 * (index % 4)
    nulls = 0.025 if name in ("dep_time", "dep_delay", "arr_time", "arr_delay", "air_time") else 0.0
    metrics = {
        primary: estimate(value, 0.0065),
        "psi": estimate(value**2 * 3, 0.003),
        "null_share": estimate(nulls, 0.002 if nulls > 0 else 0.0),
    }
    if not ordered:
        metrics["unseen_share"] = {"value": 0.0, "low": 0.0, "high": 0.000184, "n": WINDOW}
    history = [value * (0.7 + 0.3 * sin(i / 4 + index)) for i in range(60)]
    if drift > 0:
        history = [0.012 + 0.002 * sin(i) if i < 50 else drift * (1 - exp((49 - i) / 3)) for i in range(60)]
    return {
        "name": name,
        "kind": "integer" if ordered else "text" if name == "tailnum" else "category",
        "alarm": drift > 0,
        "metrics": metrics,
        "primary": primary,
        "threshold": 0.1,
        "history": history,
        "cells": cells(name, drift),
    }


def cells(name: str, drift: float) -> dict[str, Any]:
    if name in VALUES:
        labels = [*VALUES[name], "unseen", "null"]
        expected = [exp(-i / (1 + len(labels) / 6)) for i in range(len(labels) - 2)] + [0.0, 0.0]
        observed = [e * (1 + 0.08 * sin(i)) for i, e in enumerate(expected)]
    else:
        labels = ["under", *(f"{i - 40} to {i - 39}" for i in range(60)), "over", "null"]
        expected = [0.001, *(exp(-((i - 24) ** 2) / 160) + 0.05 for i in range(60)), 0.002, 0.03]
        shift = 14 if drift > 0 else 0
        observed = [
            0.001,
            *(exp(-((i - 24 - shift) ** 2) / 170) + 0.05 + 0.02 * sin(i * 3) for i in range(60)),
            0.02,
            0.03,
        ]
    return {"labels": labels, "expected": expected, "observed": observed}


def rules() -> list[dict[str, Any]]:
    texts = {
        "range:month": "month lies between 1 and 12",
        "compare:dep_time": "sched_dep_time is not after sched_arr_time + 24 h",
        "allowed:origin": "origin is one of EWR, JFK, LGA",
    }
    kept: dict[str, Any] = {"n": 360_000, "violations": 0, "tolerated": 0.0}
    kept["rate"] = {"value": 0.0, "low": 0.0, "high": 1.02e-5, "n": 360_000}
    return [{"name": name, "text": text, **kept} for name, text in texts.items()]


def record(i: int) -> dict[str, Any]:
    value = {name: (i * 37 + 11 * k) % 60 for k, name in enumerate(NUMBERS)}
    words = {
        "carrier": VALUES["carrier"][i % 15],
        "origin": VALUES["origin"][i % 3],
        "dest": f"D{i:02d}",
        "tailnum": f"N{700 + i}QX",
    }
    row = {name: {**value, **words}[name] for name in ORDER} | {"year": 2013, "time_hour": "2013-01-01T10:00:00Z"}
    if i % 5 == 4:
        row |= dict.fromkeys(("dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"))
    return {
        "partition": i % 4,
        "offset": 90_000 - i,
        "timestamp_ms": NOW_MS - 900 - i,
        "key": str(10_000_000 + i),
        "value": row,
    }
