"""Sends a scenario's messages to Kafka at a steady pace."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelines.simulation.messages import messages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from threading import Event as StopSignal

    from connectors.kafka.producer import Producer
    from contracts.registry import Registry
    from pipelines.simulation.manifest import Manifest
    from pipelines.simulation.messages import Message
    from pipelines.simulation.scenario import Scenario

SLICE_S = 0.02
"""Messages that are due within one slice are sent together: a sleep per message would cost more than the message."""


@dataclass
class Sent:
    """What a simulation sent, by kind and by stream, and how long it took."""

    kinds: Counter[str] = field(default_factory=Counter)
    streams: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def total(self) -> int:
        """Messages of every kind."""
        return self.kinds.total()


def simulate(
    scenario: Scenario,
    contracts: Registry,
    producer: Producer,
    topics: Mapping[str, str],
    stop: StopSignal,
    *,
    manifest: Manifest | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Sent:
    """Send the scenario to `topics` (stream -> topic), wait for every delivery, and return what was sent.

    Ends early when `stop` is set. When the broker falls behind, sending blocks and then catches up. `on_progress` gets the
    number of messages sent so far, every hundred.

    Raises:
        DeliveryError: the broker did not acknowledge some messages.
    """
    sent = Sent()
    begun = time.monotonic()
    for number, message in enumerate(paced(messages(scenario, contracts), scenario.rate, stop, producer.poll)):
        on_delivery = manifest.sent(number, message) if manifest else None
        producer.send_record(topics[message.stream], message.record, on_delivery=on_delivery)
        sent.kinds[message.kind] += 1
        sent.streams[message.stream] += 1
        if on_progress and number % 100 == 0:
            on_progress(number)
    producer.flush()
    sent.seconds = time.monotonic() - begun
    return sent


def paced(
    source: Iterable[Message],
    rate: float,
    stop: StopSignal,
    idle: Callable[[], None] = lambda: None,
) -> Iterator[Message]:
    """Yield messages evenly at `rate` per second (0: at once) until `stop` is set; `idle` is called before each sleep."""
    begun = time.monotonic()
    for number, message in enumerate(source):
        ahead = number / rate - (time.monotonic() - begun) if rate else 0.0
        if ahead > SLICE_S:
            idle()
            stop.wait(ahead)
        if stop.is_set():
            return
        yield message
