"""Canaries: one valid event per topic partition and tick, so that windows close and silence can be told from failure."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connectors.instants import now_ms
from connectors.kafka.producer import DeliveryError, Producer
from connectors.kafka.records import encode
from connectors.kafka.topics import TopicError, Topics
from contracts.model import CANARY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from threading import Event as StopSignal

    from contracts.model import Field, Stream

REGION = "local"
"""Where a canary happens: nowhere but here."""
EXPIRY_S = 30
"""A canary that is older than this when the broker is back tells nothing any more."""
LOOK_AGAIN_S = 5
"""How long a changed number of partitions may go unseen."""


@dataclass(frozen=True)
class CanaryTarget:
    """A topic that wants canaries, and the stream whose contract they keep."""

    topic: str
    stream: Stream


def beat(target: CanaryTarget, partition: int, tick_ms: int) -> dict[str, object]:
    """Return the canary of one partition and tick; the same tick gives the same identity."""
    stream = target.stream
    event = stream.event_types[CANARY]
    own = {"event_id": f"canary-{target.topic}-{partition}-{tick_ms}", "event_type": CANARY, "event_time": tick_ms, "region": REGION}
    required = (*(name for name in stream.envelope if stream.fields[name].required), *event.required)
    return {name: _value(stream.fields[name], event.only.get(name, ())) for name in required} | own


def _value(field: Field, only: tuple[str, ...]) -> object:
    """The first value that the contract allows, and `canary` where it allows any text."""
    match field.type:
        case "boolean":
            return only != ("false",)
        case "integer":
            return field.min or 0
        case _:
            return (*only, *field.enum, "canary")[0]


def ticks(interval_s: float, stop: StopSignal) -> Iterator[int]:
    """Yield epoch milliseconds on a steady grid until `stop` is set; ticks that were slept through are left out."""
    step = max(1, round(interval_s * 1000))
    due = _next_tick(step)
    while not stop.wait(max(0.0, due / 1000 - time.time())):
        yield due
        due = max(due + step, _next_tick(step))


def run_canaries(bootstrap: str, find_targets: Callable[[], list[CanaryTarget]], stop: StopSignal, interval_s: float = 1.0) -> int:
    """Send canaries to every partition of every target until `stop` is set; return how many were delivered.

    `find_targets` is asked again every few seconds. Survives the absence of the broker and of topics: it goes on with the next tick.
    May be restarted at any time.
    """
    topics = Topics(bootstrap, timeout_s=5)
    producer = _producer(bootstrap)
    delivered = 0
    targets: list[CanaryTarget] = []
    known: dict[str, int] = {}
    look_at = 0.0
    for tick_ms in ticks(interval_s, stop):
        if time.monotonic() >= look_at:
            targets = find_targets()
            known = _partitions(topics, targets) or known
            look_at = time.monotonic() + (LOOK_AGAIN_S if targets and len(known) == len(targets) else interval_s)
        try:
            _send_tick(producer, targets, known, tick_ms)
        except DeliveryError:
            # The client is beyond repair (a fatal error of the idempotent producer): only a new one can go on.
            delivered += producer.delivered
            producer = _producer(bootstrap)
    return delivered + _close(producer)


def _producer(bootstrap: str) -> Producer:
    return Producer(bootstrap, delivery_timeout_s=EXPIRY_S, linger_ms=0)


def _partitions(topics: Topics, targets: list[CanaryTarget]) -> dict[str, int]:
    try:
        counts = topics.partition_counts()
    except TopicError:
        return {}
    return {target.topic: counts[target.topic] for target in targets if target.topic in counts}


def _send_tick(producer: Producer, targets: list[CanaryTarget], known: dict[str, int], tick_ms: int) -> None:
    for target in targets:
        for partition in range(known.get(target.topic, 0)):
            event = beat(target, partition, tick_ms)
            producer.send_record(target.topic, encode(event, target.stream.entities), partition=partition)
    producer.poll()


def _close(producer: Producer) -> int:
    try:
        producer.flush(5)
    except DeliveryError:
        # Canaries that did not arrive are what their reader is looking for; stopping must not fail on them.
        return producer.delivered
    return producer.delivered


def _next_tick(step: int) -> int:
    now = now_ms()
    return (now // step + 1) * step
