"""What the broker's logs say of a stream: lost, lagging or gone, known from their start and end alone, also while nothing is committed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from pipelines.audit.decisions.lake import Log, Stretch
from pipelines.audit.incidents import LAG, LOST, NO_TOPIC, Incident, merged
from pipelines.audit.publication import Position, StreamFrontier

NOWHERE = Position(0, 0)


def watch(
    frontier: StreamFrontier, log: Log | None, journaled: Mapping[int, int] | None, now_ms: int, appended_at: Callable[[int, int], int | None]
) -> StreamFrontier:
    """The frontier with the incidents of its log as they are now.

    `journaled`: next offset after the journal's newest row per partition, where that is past the position; None when the journal
    has not been looked at. `appended_at` gives the
    append time (epoch ms) of the record at an offset of a partition. Without a log nothing but that can be said.
    """
    if log is None:
        return replace(frontier, incidents=merged(frontier.incidents, [Incident(NO_TOPIC, "the topic does not exist", now_ms)]))
    if journaled is None:
        return frontier
    kept = [incident for incident in frontier.incidents if not _is_provisional(incident, frontier)]
    found = [*_expired(frontier, log, journaled, now_ms), *_lagging(frontier, log, now_ms, appended_at)]
    known = {incident.key: incident for incident in frontier.incidents}
    return replace(frontier, incidents=merged(kept, merged((known[one.key] for one in found if one.key in known), found)))


def loss(topic: str, lost: Stretch, now_ms: int) -> Incident:
    """The incident of offsets that passed out of retention before they were journaled."""
    detail = f"offsets {lost.first} to {lost.last} of {topic}/{lost.partition} left the log before they were journaled"
    return Incident(LOST, detail, now_ms, topic, lost.partition, lost.first, lost.last)


def with_losses(known: tuple[Incident, ...], topic: str, lost: tuple[Stretch, ...], now_ms: int) -> tuple[Incident, ...]:
    """Known incidents and those of newly lost stretches; one that goes on where another ends makes that longer."""
    for stretch in lost:
        first = next((one.first_offset for one in known if _goes_on(one, topic, stretch)), stretch.first)
        known = merged(known, [loss(topic, Stretch(stretch.partition, first, stretch.last), now_ms)])
    return known


def _is_provisional(incident: Incident, frontier: StreamFrontier) -> bool:
    """True of what is over when its cause is: also of a loss whose offsets are not explained yet."""
    position = frontier.positions.get(incident.partition, NOWHERE)
    return incident.kind in {LAG, NO_TOPIC} or (incident.kind == LOST and incident.first_offset >= position.explained)


def _expired(frontier: StreamFrontier, log: Log, journaled: Mapping[int, int], now_ms: int) -> Iterator[Incident]:
    for partition, start in log.starts.items():
        first = max(frontier.positions.get(partition, NOWHERE).explained, journaled.get(partition, 0))
        if start > first:
            yield loss(log.topic, Stretch(partition, first, start - 1), now_ms)


def _lagging(frontier: StreamFrontier, log: Log, now_ms: int, appended_at: Callable[[int, int], int | None]) -> Iterator[Incident]:
    patience_ms = log.retention_ms // 2
    for partition, end in log.ends.items() if log.retention_ms >= 0 else ():
        position = frontier.positions.get(partition, NOWHERE)
        if end <= position.next_offset or now_ms - position.reach_ms <= patience_ms:
            continue
        oldest = appended_at(partition, position.next_offset)
        if oldest is not None and now_ms - oldest > patience_ms:
            detail = f"{log.topic}/{partition} has records not accounted for that are older than half of the topic's retention"
            yield Incident(LAG, detail, now_ms, log.topic, partition)


def _goes_on(incident: Incident, topic: str, stretch: Stretch) -> bool:
    place = incident.kind, incident.topic, incident.partition
    return place == (LOST, topic, stretch.partition) and incident.first_offset <= stretch.first <= incident.last_offset + 1
