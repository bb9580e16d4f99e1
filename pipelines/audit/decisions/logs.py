"""What the broker's logs say of a stream: lost, lagging or gone, known from their start and end alone, also while nothing is committed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from pipelines.audit.decisions.lake import Log, Stretch
from pipelines.audit.incidents import LAG, LOST, NEW_LOG, NO_TOPIC, Incident, merged
from pipelines.audit.publication import Epoch, Position, StreamFrontier, epoch_of, key_of, partition_of

NOWHERE = Position(0, 0)
MOST_LOSSES = 50
"""So many lost stretches of a partition are told one by one."""
AppendedAt = Callable[[int, int], int | None]
"""Append time, epoch ms, of the first record at or past an offset of a partition."""


def is_another(frontier: StreamFrontier, log: Log) -> bool:
    """True when a log is not the one whose offsets the frontier has: created anew, another topic, or shorter than what is published."""
    last = frontier.epochs[-1]
    is_shorter = any(log.ends.get(partition, position.next_offset) < position.next_offset for partition, position in frontier.current.items())
    return (last.topic, last.topic_id) != (log.topic, log.topic_id) or is_shorter


def begun_anew(
    frontier: StreamFrontier,
    log: Log,
    before: Log | None,
    *,
    now_ms: int,
    window_ms: int,
    appended_at: AppendedAt,
    offsets_since: Callable[[int], Mapping[int, int]],
) -> StreamFrontier:
    """The frontier with a new epoch for a log that is another one, and the incident that says so; unchanged while that log is empty.

    `before`: the log as it was last seen. The window of `window_ms` in which the new one begins is a seam: a job that starts again
    at the new log does not count what it had read of the old one.
    """
    last, current = frontier.epochs[-1], frontier.current
    is_gone = (log.topic, log.topic_id) != (last.topic, last.topic_id)
    if not is_gone:
        begun_ms = max(position.reach_ms for position in current.values()) + 1
        starts = offsets_since(begun_ms)
        what = f"{log.topic} is shorter than what is published of it"
    else:
        first = [moment for partition, start in log.starts.items() if (moment := appended_at(partition, start)) is not None]
        if not first:
            return frontier
        begun_ms, starts = min(first), dict.fromkeys(log.starts, 0)
        what = f"{log.topic} ({log.topic_id}) is not the log that was read before ({last.topic}, {last.topic_id})"
    epoch = len(frontier.epochs)
    reached = {partition: current[partition].reach_ms if partition in current else -1 for partition in starts}
    begun = {key_of(epoch, partition): Position(start, start, reached[partition]) for partition, start in starts.items()}
    seen = before.ends if before else {}
    ends = {key_of(epoch - 1, partition): end for partition, end in seen.items() if is_gone or log.ends[partition] < end}
    incident = Incident(NEW_LOG, f"{what}: positions begin anew with what was appended from {begun_ms} on", now_ms)
    return replace(
        frontier,
        positions={**frontier.positions, **begun},
        epochs=(*frontier.epochs, Epoch(begun_ms, log.topic, log.topic_id, ends)),
        incidents=merged(frontier.incidents, [incident]),
        seam_ms=max(frontier.seam_ms, begun_ms + window_ms),
    )


def acknowledged(frontier: StreamFrontier) -> StreamFrontier:
    """The frontier after an operator has seen its incidents: they are closed, and of logs that are no more nothing is awaited."""
    epochs = tuple(replace(epoch, ends={}) for epoch in frontier.epochs)
    return replace(frontier, incidents=(), epochs=epochs)


def watch(frontier: StreamFrontier, log: Log | None, journaled: Mapping[int, int] | None, now_ms: int, appended_at: AppendedAt) -> StreamFrontier:
    """The frontier with the incidents of its log as they are now.

    `journaled`: next offset after the journal's newest row per key, where that is past the position; None when the journal has not
    been looked at to its end, so that what is lost cannot be told. Without a log nothing but that can be said.
    """
    if log is None:
        return replace(frontier, incidents=merged(frontier.incidents, [Incident(NO_TOPIC, "the topic does not exist", now_ms)]))
    over = {LAG, NO_TOPIC}
    kept = [one for one in frontier.incidents if one.kind not in over and (journaled is None or not _is_unexplained_loss(one, frontier))]
    expired = _expired(frontier, log, journaled, now_ms) if journaled is not None else ()
    found = [*expired, *_lagging(frontier, log, now_ms, appended_at)]
    known = {incident.key: incident for incident in frontier.incidents}
    return replace(frontier, incidents=merged(kept, merged((known[one.key] for one in found if one.key in known), found)))


def loss(topic: str, lost: Stretch, now_ms: int) -> Incident:
    """The incident of offsets that left the log before they were journaled."""
    partition = partition_of(lost.key)
    detail = f"offsets {lost.first} to {lost.last} of {topic}/{partition} left the log before they were journaled"
    return Incident(LOST, detail, now_ms, topic, partition, lost.first, lost.last, epoch_of(lost.key))


def with_losses(frontier: StreamFrontier, lost: tuple[Stretch, ...], now_ms: int) -> tuple[Incident, ...]:
    """Known incidents and those of newly lost stretches; one that goes on where another ends makes that longer.

    Where a partition has many of them they become one over the whole range: every publication carries them.
    """
    known = frontier.incidents
    by_key: dict[int, list[Stretch]] = {}
    for stretch in lost:
        by_key.setdefault(stretch.key, []).append(stretch)
    for key, stretches in by_key.items():
        topic = topic_of(frontier, key)
        before = [one for one in known if _is_loss_in(one, topic, key)]
        if len(before) + len(stretches) > MOST_LOSSES:
            known = (*(one for one in known if one not in before), _whole(topic, stretches, before, now_ms))
            continue
        for stretch in stretches:
            first = next((one.first_offset for one in known if _is_loss_in(one, topic, key) and _goes_on(one, stretch)), stretch.first)
            known = merged(known, [loss(topic, Stretch(key, first, stretch.last), now_ms)])
    return known


def topic_of(frontier: StreamFrontier, key: int) -> str:
    """Name of the topic that a key is a partition of."""
    return frontier.epochs[epoch_of(key)].topic


def _is_unexplained_loss(incident: Incident, frontier: StreamFrontier) -> bool:
    """True of a loss that may yet turn out to be none."""
    position = frontier.positions.get(key_of(incident.epoch, incident.partition), NOWHERE)
    return incident.kind == LOST and incident.first_offset >= position.explained


def _expired(frontier: StreamFrontier, log: Log, journaled: Mapping[int, int], now_ms: int) -> Iterator[Incident]:
    gone = {key_of(frontier.epoch, partition): start for partition, start in log.starts.items()}
    for epoch in frontier.epochs:
        gone |= epoch.ends
    for key, end in gone.items():
        first = max(frontier.positions.get(key, NOWHERE).explained, journaled.get(key, 0))
        if end > first:
            yield loss(topic_of(frontier, key), Stretch(key, first, end - 1), now_ms)


def _lagging(frontier: StreamFrontier, log: Log, now_ms: int, appended_at: AppendedAt) -> Iterator[Incident]:
    patience_ms = log.retention_ms // 2
    for partition, end in log.ends.items() if log.retention_ms >= 0 else ():
        position = frontier.current.get(partition, NOWHERE)
        if end <= position.next_offset or now_ms - position.reach_ms <= patience_ms:
            continue
        oldest = appended_at(partition, position.next_offset)
        if oldest is not None and now_ms - oldest > patience_ms:
            detail = f"{log.topic}/{partition} has records not accounted for that are older than half of the topic's retention"
            yield Incident(LAG, detail, now_ms, log.topic, partition, epoch=frontier.epoch)


def _is_loss_in(incident: Incident, topic: str, key: int) -> bool:
    return (incident.kind, incident.topic, incident.epoch, incident.partition) == (LOST, topic, epoch_of(key), partition_of(key))


def _goes_on(incident: Incident, stretch: Stretch) -> bool:
    return incident.first_offset <= stretch.first <= incident.last_offset + 1


def _whole(topic: str, stretches: list[Stretch], before: list[Incident], now_ms: int) -> Incident:
    first = min([*(stretch.first for stretch in stretches), *(one.first_offset for one in before)])
    last = max([*(stretch.last for stretch in stretches), *(one.last_offset for one in before)])
    whole = loss(topic, Stretch(stretches[0].key, first, last), min([now_ms, *(one.since_ms for one in before)]))
    return replace(whole, detail=f"many of the {whole.detail}")
