"""Made-up tables whose rules and ties are known, and tables that have none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.inference import Choices
from schemas.profiling.study import Study
from schemas.profiling.survey import Survey, study_of, survey
from schemas.rows import Rows

CURRENCY = {"DE": "EUR", "FR": "EUR", "PL": "PLN", "CZ": "CZK"}


def rng_of(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def of(columns: Mapping[str, Any]) -> pa.Table:
    return pa.table(dict(columns))


def shop(rows: int = 1_500, seed: int = 1) -> pa.Table:
    """Orders with a key, an order of dates, a product, a sum, a settled column and gaps that follow a state."""
    rng = rng_of(seed)
    country = rng.choice(list(CURRENCY), rows, p=[0.4, 0.3, 0.2, 0.1])
    state = rng.choice(["paid", "open", "cancelled"], rows, p=[0.6, 0.3, 0.1])
    placed = [date(2024, 1, 1) + timedelta(int(d)) for d in rng.integers(0, 300, rows)]
    shipped = [day + timedelta(int(d)) for day, d in zip(placed, rng.integers(0, 30, rows), strict=True)]
    items, price = rng.integers(1, 9, rows), np.round(5 + rng.exponential(40, rows), 2)
    net, tax = np.round(rng.exponential(90, rows), 2), np.round(rng.exponential(9, rows), 2)
    return of(
        {
            "order_id": pa.array(70_000 + np.arange(rows)),
            "country": country.tolist(),
            "currency": [CURRENCY[each] for each in country],
            "state": state.tolist(),
            "placed_on": placed,
            "shipped_on": pa.array(shipped, pa.date32(), mask=state == "cancelled"),
            "items": items,
            "price": price,
            "total": np.round(items * price, 2),
            "net": net,
            "tax": tax,
            "gross": np.round(net + tax, 2),
        }
    )


def unrelated(rows: int, seed: int) -> pa.Table:
    """Columns of every kind that have nothing to do with each other."""
    rng = rng_of(seed)
    return of(
        {
            "few": rng.choice(list("abc"), rows).tolist(),
            "many": rng.choice([f"v{i}" for i in range(60)], rows).tolist(),
            "flag": pa.array(rng.random(rows) < 0.3),
            "count": pa.array(rng.poisson(3, rows), mask=rng.random(rows) < 0.2),
            "other_count": rng.poisson(30, rows),
            "exact": rng.normal(size=rows),
            "money": pa.array(np.round(rng.exponential(9, rows), 2), mask=rng.random(rows) < 0.1),
            "seldom": np.where(rng.random(rows) < 0.03, rng.integers(1, 9, rows), 0),
        }
    )


def study(table: pa.Table, **choices: Any) -> Study:
    return study_of(Rows.of(table), "made", Choices(**choices))


def found(table: pa.Table, **choices: Any) -> Survey:
    return survey(study(table, **choices), lambda share, what: None)


def in_pieces(table: pa.Table, most: int, seed: int = 0) -> Rows:
    """The rows of a table as if it were long: so many in memory, all in pieces of 500."""
    chosen = np.sort(rng_of(seed).choice(table.num_rows, most, replace=False))
    at = range(0, table.num_rows, 500)
    return Rows(table.take(chosen), table.num_rows, lambda: (table.slice(start, 500) for start in at))
