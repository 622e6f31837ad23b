"""How fast records are encoded and decoded, beside fastavro in the same run.

The records have 15 fields (6 long, 8 string, 1 double) and about 130 bytes each. All are measured in turns, batch by
batch, each a slice, and every figure is a median over the turns: absolute ones differ between machines and minutes,
ratios less. All runs on one processor, which the process pins itself to.

    python benchmarks/codec.py [--rows 4096] [--seconds 10] [--json FILE]
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any

import click
import fastavro
import numpy as np
import pyarrow as pa

from schemas.codec import Codec, Messages, warm
from schemas.framing import FRAME_BYTES

BATCHES = 8

WORDS = (
    "Private",
    "Self-emp-not-inc",
    "Married-civ-spouse",
    "Bachelors",
    "HS-grad",
    "United-States",
    "Exec-managerial",
    "Husband",
)
KINDS = {**{f"i{k}": "long" for k in range(6)}, **{f"s{k}": "string" for k in range(8)}, "d": "double"}


def avro(kinds: Mapping[str, str]) -> dict[str, Any]:
    """The Avro schema of records of these columns."""
    fields = [{"name": name, "type": kind} for name, kind in kinds.items()]
    return {"type": "record", "name": "Adult", "fields": fields}


AVRO = avro(KINDS)


@dataclass(frozen=True)
class Figures:
    """Records a second on one core, and how many times fastavro's.

    Args:
        rows: rows a batch.
        record_bytes: bytes a record, the frame included.
        encode: Arrow batch to one buffer.
        values: the buffer to one bytes object a record.
        decode: bytes objects to an Arrow batch.
        fastavro_encode: rows as dicts to bytes, the dicts being ready.
        fastavro_decode: bytes to dicts.
        encode_ratio: `encode` over `fastavro_encode`.
        values_ratio: `encode` and `values` together over `fastavro_encode`.
        decode_ratio: `decode` over `fastavro_decode`.
    """

    rows: int
    record_bytes: float
    encode: float
    values: float
    decode: float
    fastavro_encode: float
    fastavro_decode: float
    encode_ratio: float
    values_ratio: float
    decode_ratio: float


def made_up(rows: int, kinds: Mapping[str, str] = KINDS) -> pa.RecordBatch:
    """Records to encode, always the same."""
    rng = np.random.default_rng(0)
    columns: dict[str, Any] = {}
    for name, kind in kinds.items():
        if kind == "long":
            columns[name] = rng.integers(0, 100_000, rows)
        elif kind == "string":
            codes: Any = pa.array(rng.integers(0, len(WORDS), rows), pa.int32())
            columns[name] = pa.DictionaryArray.from_arrays(codes, pa.array(WORDS))
        else:
            columns[name] = rng.random(rows)
    return pa.record_batch(columns)


Work = tuple[Callable[[int], object], int]
"""What to do with a batch of some number, and how many rows that is."""


def per_second(works: Mapping[str, Work], seconds: float) -> dict[str, float]:
    """Rows a second of processor time of every work: medians over turns taken for some seconds.

    Each turn works on the next batch's number. Processor time leaves out when other programs had the processor.
    """
    taken: dict[str, list[float]] = {name: [] for name in works}
    turns, until = 0, time.perf_counter() + seconds
    while turns < 3 or time.perf_counter() < until:
        for name, (work, rows) in works.items():
            start = time.process_time()
            work(turns % BATCHES)
            taken[name].append((time.process_time() - start) / rows)
        turns += 1
    return {name: 1 / median(times) for name, times in taken.items()}


def fastavro_encode(schema: Any, rows: list[dict[str, Any]]) -> list[bytes]:
    """What a user writes today."""
    values = []
    for row in rows:
        out = BytesIO(b"\0\0\0\0\1")
        out.seek(FRAME_BYTES)
        fastavro.schemaless_writer(out, schema, row)
        values.append(out.getvalue())
    return values


def fastavro_decode(schema: Any, values: list[bytes]) -> list[Any]:
    """What a user reads with today."""
    rows = []
    for value in values:
        data = BytesIO(value)
        data.seek(FRAME_BYTES)
        rows.append(fastavro.schemaless_reader(data, schema, None))
    return rows


def measure(rows: int, seconds: float) -> Figures:
    """Take every figure.

    Args:
        rows: rows a batch.
        seconds: how long to measure.
    """
    warm()
    codec, schema = Codec(AVRO), fastavro.parse_schema(AVRO)
    table = made_up(rows * BATCHES + 3)
    batches = [table.slice(3 + i * rows, rows) for i in range(BATCHES)]
    messages: list[Messages] = [codec.encode(batch, 1) for batch in batches]
    values = [message.values() for message in messages]
    few = min(rows, 500)
    dicts = batches[0].slice(0, few).to_pylist()
    if fastavro_encode(schema, dicts) != values[0][:few] or fastavro_decode(schema, values[0][:few]) != dicts:
        raise click.ClickException("the codec and fastavro disagree; run the tests")
    speeds = per_second(
        {
            "encode": (lambda i: codec.encode(batches[i], 1), rows),
            "values": (lambda i: messages[i].values(), rows),
            "decode": (lambda i: codec.decode(values[i]), rows),
            "fastavro_encode": (lambda i: fastavro_encode(schema, dicts), few),
            "fastavro_decode": (lambda i: fastavro_decode(schema, values[i][:few]), few),
        },
        seconds,
    )
    return Figures(
        rows=rows,
        record_bytes=len(messages[0].buffer) / rows,
        **speeds,
        encode_ratio=speeds["encode"] / speeds["fastavro_encode"],
        values_ratio=1 / (1 / speeds["encode"] + 1 / speeds["values"]) / speeds["fastavro_encode"],
        decode_ratio=speeds["decode"] / speeds["fastavro_decode"],
    )


@click.command()
@click.option("--rows", default=4_096, show_default=True, help="Rows a batch.")
@click.option("--seconds", default=10.0, show_default=True, help="How long to measure.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write the figures here too.")
def main(rows: int, seconds: float, file: Path | None) -> None:
    """Measure the codec beside fastavro."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    figures = asdict(measure(rows, seconds))
    for name, figure in figures.items():
        click.echo(f"{name:20} {figure:14,.1f}")
    if file is not None:
        file.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
