"""`synthstream consume`: a topic's records, decoded, as JSON lines."""

from __future__ import annotations

import datetime
import json
import os
import time
from dataclasses import asdict
from typing import Any

import click

from connectors.kafka import Inbox, Polled, topic_partitions
from schemas.errors import InputError, ServiceError
from stream_app.assemble import reached, subject
from stream_app.decoding import Decoders
from stream_app.lineage import HEADER, parse
from stream_app.options import where
from stream_app.settings import EMBEDDED, place

SILENCE_S = 10.0
"""How long `consume --count` waits for a record before it gives up."""


@click.command("consume")
@click.option("--topic", required=True, help="Topic to read.")
@click.option(
    "--count",
    type=click.IntRange(1),
    help="Stop after so many records; without it, at the end of the topic as it is now.",
)
@click.option("--follow", is_flag=True, help="Go on for ever.")
@click.option("--uncommitted", is_flag=True, help="Also show records of open and aborted transactions.")
@click.option("--headers", is_flag=True, help="Show key and headers too: {key, headers, value}.")
@where
def consume_command(
    topic: str,
    count: int | None,
    follow: bool,
    uncommitted: bool,
    headers: bool,
    bootstrap: str | None,
    registry: str | None,
) -> None:
    """Print a topic's records from the beginning, one JSON object a line."""
    where_to = place(bootstrap, registry, None, os.environ)
    if where_to.bootstrap == EMBEDDED:
        raise InputError("bootstrap=embedded: a broker of our own holds no topics; name the one the topic is on")
    with reached(where_to) as outside:
        outside.registry.latest(subject(topic))  # one that refuses us says so now, not at the first record
        if topic_partitions(outside.cluster, topic) is None:
            raise InputError(f"topic={topic}: does not exist at {outside.cluster.bootstrap}")
        isolation = "read_uncommitted" if uncommitted else "read_committed"
        inbox = Inbox(outside.cluster, topic, isolation=isolation)
        decoders = Decoders(outside.registry)
        printed = foreign = 0
        heard = time.monotonic()
        try:
            while count is None or printed < count:
                polled = inbox.poll(1_000 if count is None else min(1_000, count - printed), 0.2)
                if polled.values:
                    heard = time.monotonic()
                    shown, strange = _print(polled, decoders, headers)
                    printed, foreign = printed + shown, foreign + strange
                elif count is None and not follow and inbox.at_end():
                    break
                elif count is not None and not follow and time.monotonic() - heard > SILENCE_S:
                    raise ServiceError(
                        f"topic={topic}: {printed} of {count} records came, then {SILENCE_S:g} s of silence"
                    )
        finally:
            inbox.close()
            if foreign:
                click.echo(f"synthstream: {foreign} records on {topic} are not registered Avro; skipped", err=True)


def _print(polled: Polled, decoders: Decoders, with_headers: bool) -> tuple[int, int]:
    """Print what decodes, and null for no value, in the order it came; how many were printed and how many skipped."""
    decoded = decoders.decode(polled.values, polled.headers)
    lines = {row: "null" for row, value in enumerate(polled.values) if value is None}
    skipped = len(decoded.foreign) - len(lines)
    for batch, rows in zip(decoded.batches, decoded.rows, strict=True):
        for row, record in zip(rows.tolist(), batch.to_pylist(), strict=True):
            lines[row] = json.dumps(record, default=_plain)
    for row in sorted(lines):
        click.echo(f'{_head(polled, row)[:-1]}, "value": {lines[row]}}}' if with_headers else lines[row])
    return len(lines), skipped


def _head(polled: Polled, row: int) -> str:
    """A record's key and headers as JSON: the lineage spelled out, all else as text."""
    heads: dict[str, Any] = {}
    for name, head in polled.headers[row] or ():
        known = parse(head) if isinstance(head, bytes) and name == HEADER else None
        heads[name] = _text(head) if known is None else asdict(known)
    return json.dumps({"key": _text(polled.keys[row]), "headers": heads})


def _text(raw: str | bytes | None) -> str | None:
    """Bytes as people read them: text where they are UTF-8, else hexadecimal digits."""
    if not isinstance(raw, bytes):
        return raw
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.hex()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.date | datetime.datetime):
        return value.isoformat()
    return str(value)
