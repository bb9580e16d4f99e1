"""What somebody has to know about a stream: open in its published state until it heals or an operator acknowledges it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelines.audit.publication import StreamFrontier

LOST = "lost"
LAG = "lag"
NO_TOPIC = "no_topic"
OVERFLOW = "overflow"
NEW_LOG = "new_log"
HELD, INCOMPLETE, ALARM, PASS = "held", "incomplete", "alarm", "pass"
INCOMPLETE_KINDS = frozenset({LOST, OVERFLOW})
"""Kinds after which readers go on with numbers from which something is missing."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing that went wrong: `detail` is a sentence, `since_ms` epoch ms.

    An incident at a place has its topic and partition, and the first and last offset where it is about offsets (else -1). `epoch`
    tells the offsets of a topic from those of one that had its name before.
    """

    kind: str
    detail: str
    since_ms: int
    topic: str = ""
    partition: int = -1
    first_offset: int = -1
    last_offset: int = -1
    epoch: int = 0

    @property
    def key(self) -> tuple[object, ...]:
        """Incidents with the same key are one: its range may grow."""
        return (self.kind, self.topic, self.epoch, self.partition, self.first_offset) if self.topic else (self.kind, self.detail)


def merged(known: Iterable[Incident], found: Iterable[Incident]) -> tuple[Incident, ...]:
    """Known and newly found incidents, oldest first: one that is known already keeps its beginning, and its text while its range stays."""
    incidents = {incident.key: incident for incident in known}
    for incident in found:
        before = incidents.get(incident.key)
        if before is None or before.last_offset != incident.last_offset:
            incidents[incident.key] = replace(incident, since_ms=before.since_ms) if before else incident
    return tuple(incidents.values())


def continued(before: StreamFrontier, after: StreamFrontier) -> StreamFrontier:
    """The published state `after`, in which incidents that were open `before` keep their beginning."""
    since = {incident.key: incident.since_ms for incident in before.incidents}
    return replace(after, incidents=tuple(replace(one, since_ms=since.get(one.key, one.since_ms)) for one in after.incidents))


def open_incidents(frontier: StreamFrontier) -> dict[tuple[object, ...], Incident]:
    """Everything that is wrong with a stream, by what makes it one: its incidents, and its hold if that needs somebody.

    A hold is one for as long as its reason is the same, whatever is found each time it is judged.
    """
    hold = frontier.hold
    held = Incident(hold.reason, hold.detail or "nothing of the stream is published", hold.since_ms) if hold and hold.is_incident else None
    return {**({("hold", held.kind): held} if held else {}), **{one.key: one for one in frontier.incidents}}


def changed(before: StreamFrontier, after: StreamFrontier) -> tuple[tuple[Incident, ...], tuple[Incident, ...]]:
    """Incidents that opened (or tell something else) from one published state to the next, and those that closed."""
    known, left = open_incidents(before), open_incidents(after)
    opened = tuple(one for key, one in left.items() if key not in known or known[key].detail != one.detail)
    return opened, tuple(one for key, one in known.items() if key not in left)


def standing(frontier: StreamFrontier) -> tuple[str, str | None]:
    """Verdict over what readers see of a stream, and its reason: held, incomplete, alarm or pass."""
    if frontier.hold and frontier.hold.is_incident:
        return HELD, frontier.hold.reason
    kinds = [incident.kind for incident in frontier.incidents]
    missing = [kind for kind in kinds if kind in INCOMPLETE_KINDS]
    if missing:
        return INCOMPLETE, missing[0]
    if kinds:
        return ALARM, kinds[0]
    return PASS, frontier.hold.reason if frontier.hold else None
