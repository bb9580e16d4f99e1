"""Simulated load: sent with every fault, and remembered so that every later number can be checked against it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from decimal import Decimal
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import polars as pl

from connectors.instants import now_ms
from connectors.kafka.producer import Producer
from contracts import registry
from contracts.types import LENGTHS
from pipelines.simulation.manifest import Manifest, read_manifest
from pipelines.simulation.scenario import Scenario
from pipelines.simulation.sending import simulate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stack.local_stack import Stack

ACCEPTED = ("good", "duplicate", "conflicting")
"""Kinds of messages that are journaled."""
LONGEST_LOAD_S = 900
NANO = 10**9
TENANTS = "tenant_id LIKE 'tenant-%'"
"""The simulated tenants, and no other test's."""


def send_load(stack: Stack, seed: int, rate: float, count: int, stop: Event | None = None) -> int:
    """Send a simulated load with every fault; the time by which the broker had appended all of it, epoch ms."""
    scenario = Scenario(now_ms(), seed, rate, count, duplicates=0.03, conflicts=0.01, late=0.03, malformed=0.03)
    folder = stack.manifests / f"{scenario.start_ms}-{seed}"
    with Producer(stack.endpoints["kafka"]) as producer, Manifest(folder, keep_values=True) as manifest:
        simulate(scenario, registry.load(), producer, stack.topics, stop or Event(), manifest=manifest)
    return int(read_manifest(folder).select(pl.col("appended_ms").max()).collect().item())


@contextmanager
def load_going_on(stack: Stack, seed: int, rate: float) -> Iterator[None]:
    """Send a load in the background for as long as the block lasts, on a slow machine not for ever."""
    stop = Event()
    sender = Thread(target=send_load, args=(stack, seed, rate, round(rate * LONGEST_LOAD_S), stop))
    sender.start()
    try:
        yield
    finally:
        stop.set()
        sender.join()


def deliveries(stack: Stack) -> pl.DataFrame:
    """Every message that was simulated on this stack, in the order of topics, partitions and offsets."""
    loads = [read_manifest(folder) for folder in sorted(stack.manifests.iterdir())]
    return pl.concat(loads).sort("stream", "partition", "offset").collect()


def counted(sent: pl.DataFrame, stream: str) -> pl.DataFrame:
    """Events of a stream as they count: the first delivery of each identity, decoded, money in billionths of a dollar."""
    accepted = sent.filter(pl.col("stream") == stream, pl.col("kind").is_in(ACCEPTED))
    # All deliveries of an identity have the same key, hence the same partition: the least offset was published first.
    first = accepted.unique(["tenant_id", "source", "event_id"], keep="first", maintain_order=True)
    return pl.from_dicts([_decoded(row) for row in first.iter_rows(named=True)], schema=_schema(stream))


def _schema(stream: str) -> dict[str, Any]:
    fields = registry.load().streams[stream].fields.values()
    types = {**dict.fromkeys(LENGTHS, pl.String), "object": pl.String, "boolean": pl.Boolean, "number": pl.Float64}
    places = {"partition": pl.Int64, "offset": pl.Int64, "appended_ms": pl.Int64}
    return {field.name: types.get(field.type, pl.Int64) for field in fields} | places


def repeats(sent: pl.DataFrame) -> pl.DataFrame:
    """Deliveries that do not count: stream, partition, offset and whether the payload is another than the first one's."""
    identity = ["stream", "tenant_id", "source", "event_id"]
    accepted = sent.filter(pl.col("kind").is_in(ACCEPTED)).with_columns(
        first=pl.col("value").first().over(identity), place=pl.int_range(pl.len()).over(identity)
    )
    return accepted.filter(pl.col("place") > 0).select("stream", "partition", "offset", conflicting=pl.col("value") != pl.col("first"))


def _decoded(row: dict[str, Any]) -> dict[str, Any]:
    document = json.loads(row["value"], parse_float=Decimal)
    event = document[0] if isinstance(document, list) else document
    if "cost_usd" in event:
        event["cost_usd"] = int(Decimal(event["cost_usd"]) * NANO)
    if "progress" in event:
        event["progress"] = float(event["progress"])
    return {**event, **{name: row[name] for name in ("partition", "offset", "appended_ms")}}
