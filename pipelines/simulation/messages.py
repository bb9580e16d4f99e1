"""What is sent: the platform's events in the disorder of real deliveries."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from connectors.kafka.records import Record, encode
from pipelines.simulation.dice import Dice
from pipelines.simulation.faults import broken, faults_of, victim_of
from pipelines.simulation.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from contracts.registry import Registry
    from pipelines.simulation.lifecycle import Event
    from pipelines.simulation.scenario import Scenario

GOOD, DUPLICATE, CONFLICTING, BAD = "good", "duplicate", "conflicting", "bad:"
REMEMBERED = 20_000
"""Good messages kept for being sent again; they are replaced at random, so a repeat may come very late."""
LATE_MEDIAN_MS = 20_000
REHEARSAL_STEP_MS = 50
REHEARSAL_STEPS = 20_000
"""Several times what the rarest victim needs; a stream that the platform does not have never finds one."""


class Message(NamedTuple):
    """One message: `event` is what it says, or for a bad one what it would have said without its fault."""

    stream: str
    kind: str
    event: dict[str, Any]
    record: Record


def messages(scenario: Scenario, contracts: Registry) -> Iterator[Message]:
    """Yield the messages of a scenario in sending order, keyed and broken as the contracts say; the position in this order is a message's number."""
    deliveries = _Deliveries(scenario, contracts)
    for number in count() if scenario.total is None else range(scenario.total):
        yield deliveries.next(scenario.clock(number))


class _Deliveries:
    """Decides for each moment what arrives: a new event, one that was held up, a repeat or nonsense."""

    def __init__(self, scenario: Scenario, contracts: Registry) -> None:
        self._streams = contracts.streams
        self._faults = {name: faults_of(stream) for name, stream in contracts.streams.items()}
        self._victim_types = {name: victim_of(stream).name for name, stream in contracts.streams.items()}
        world = f"{scenario.seed}:{scenario.start_ms}"
        self._platform = Platform(f"{world}:platform", scenario.tenants)
        self._dice = Dice(f"{world}:faults")
        self._delays = self._dice.durations(LATE_MEDIAN_MS, 1.5)
        self._late_share = scenario.late
        self._conflicts_from = scenario.duplicates
        self._bad_from = self._conflicts_from + scenario.conflicts
        self._good_from = self._bad_from + scenario.malformed
        self._held: list[tuple[int, int, Message]] = []
        self._sent: list[Message] = []
        self._victims = _rehearse(Platform(f"{world}:rehearsal", scenario.tenants), scenario.start_ms, self._victim_types)
        self._numbers = count()

    def next(self, now: int) -> Message:
        draw = self._dice.share()
        if draw < self._bad_from and self._sent:
            original = self._dice.pick(self._sent)
            return original._replace(kind=DUPLICATE) if draw < self._conflicts_from else self._conflict(original)
        if self._bad_from <= draw < self._good_from:
            return self._bad(*self._dice.pick(list(self._victims.items())))
        message = self._good(now)
        self._remember(message)
        return message

    def _good(self, now: int) -> Message:
        if self._held and self._held[0][0] <= now:
            return heappop(self._held)[2]
        while True:
            stream, event = self._platform.event_at(now)
            message = Message(stream, GOOD, event, self._encode(stream, event))
            if not self._late_share or self._dice.share() >= self._late_share:
                return message
            heappush(self._held, (now + self._dice.pick(self._delays), next(self._numbers), message))

    def _remember(self, message: Message) -> None:
        if len(self._sent) < REMEMBERED:
            self._sent.append(message)
        else:
            self._sent[self._dice.below(REMEMBERED)] = message
        if message.event["event_type"] == self._victim_types[message.stream]:
            self._victims[message.stream] = message.event

    def _conflict(self, original: Message) -> Message:
        """Tell the same event again with another number in it, valid by its contract."""
        changed = dict(original.event)
        if "output_tokens" in changed:
            changed["output_tokens"] += 1
        else:
            changed["span_id"] = self._dice.digits(16)
        if "attempt" in changed:
            changed["attempt"] += 1
        return Message(original.stream, CONFLICTING, changed, self._encode(original.stream, changed))

    def _bad(self, stream: str, victim: Event) -> Message:
        fault = self._dice.pick(self._faults[stream])
        event = {**victim, "event_id": self._dice.digits(32)}
        record = self._encode(stream, event)
        return Message(stream, BAD + fault, event, Record(record.key, broken(fault, self._streams[stream], event), record.headers))

    def _encode(self, stream: str, event: Event) -> Record:
        return encode(event, self._streams[stream].entities)


def _rehearse(platform: Platform, now: int, types: Mapping[str, str]) -> dict[str, Event]:
    """Return one victim per stream, so that bad messages can come from the first message on; none where its type does not occur."""
    found: dict[str, Event] = {}
    for step in range(REHEARSAL_STEPS):
        stream, event = platform.event_at(now + step * REHEARSAL_STEP_MS)
        if event["event_type"] == types[stream]:
            found.setdefault(stream, event)
            if len(found) == len(types):
                break
    return dict(sorted(found.items()))
