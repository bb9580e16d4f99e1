"""Exact re-reading: the records at given offsets of one partition, and the proof that the other offsets hold none."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import confluent_kafka as kafka

from contracts.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

NEAR = 2_000
"""Reading over so many unwanted records is cheaper than a new fetch position."""
BATCH = 500
READ_COMMITTED = {
    "enable.auto.commit": False,
    "enable.partition.eof": True,
    # Records of aborted transactions are absent for every reader of ours, so they must be for this one.
    "isolation.level": "read_committed",
    "auto.offset.reset": "error",
    "fetch.wait.max.ms": 100,
    "queued.max.messages.kbytes": 16_384,
    "log_level": 0,
}


class RereadError(TransientError):
    """Offsets could not be read and not be proved absent; the message is `topic/partition: what`."""


class BeyondEndError(RereadError):
    """An offset lies beyond the end of the log, which is not the log that it was journaled from."""

    is_transient = False


@dataclass(frozen=True, slots=True)
class Range:
    """Offsets `first` to `last`, both included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Found:
    """A record that is there; `appended_ms` is the broker's append time, `value` is None for a null record."""

    offset: int
    appended_ms: int
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Absent:
    """Offsets that hold no record for a `read_committed` reader.

    `log_start`: removed by retention. `no_record`: transaction marker, aborted record or compaction.
    """

    first: int
    last: int
    reason: Literal["log_start", "no_record"]


class OffsetReader:
    """Reads offset ranges again, without a consumer group and without committing anything.

    Never waits longer than `patience_s` for the next sign of progress. May be repeated; a restart forgets nothing, since
    nothing is remembered. One instance serves one thread.
    """

    def __init__(self, bootstrap: str, patience_s: float = 20) -> None:
        """Connect lazily to `bootstrap` (`host:port`)."""
        self._patience_s = patience_s
        self._consumer = kafka.Consumer({"bootstrap.servers": bootstrap, "group.id": "daybook-reread", **READ_COMMITTED})
        self._batch: deque[kafka.Message] = deque()

    def read(self, topic: str, partition: int, ranges: Iterable[Range]) -> Iterator[Found | Absent]:
        """Yield every wanted offset exactly once, ascending: as a record, or within a stretch of absent offsets.

        Raises:
            RereadError: the broker does not answer, or an offset lies beyond the end of the log.
        """
        wanted = merge(ranges)
        if not wanted:
            return
        place = kafka.TopicPartition(topic, partition)
        try:
            yield from self._read(place, wanted)
        finally:
            self._batch.clear()
            self._consumer.unassign()

    def log_start(self, topic: str, partition: int) -> int:
        """Return the first offset that is kept.

        Raises:
            RereadError: the broker does not answer.
        """
        return self._log_start(kafka.TopicPartition(topic, partition))

    def first_at(self, topic: str, partition: int, offset: int) -> Found | None:
        """Return the first record at or past an offset, None when there is none.

        Raises:
            RereadError: the broker does not answer.
        """
        place = kafka.TopicPartition(topic, partition)
        try:
            self._start_at(place, max(offset, self._log_start(place)))
            return self._next(place)[1]
        finally:
            self._batch.clear()
            self._consumer.unassign()

    def close(self) -> None:
        """Let go of the broker."""
        self._consumer.close()

    def __enter__(self) -> Self:
        """Use the reader in a `with` block, whose end closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close, however the block ended."""
        self.close()

    def _read(self, place: kafka.TopicPartition, wanted: Sequence[Range]) -> Iterator[Found | Absent]:
        start = self._log_start(place)
        yield from (Absent(part.first, min(part.last, start - 1), "log_start") for part in wanted if part.first < start)
        left = deque(Range(max(part.first, start), part.last) for part in wanted if part.last >= start)
        position = None
        while left:
            due = left[0].first
            if position is None or due - position > NEAR:
                self._start_at(place, due)
            position, record = self._next(place)
            yield from _passed(left, record.offset if record else position)
            if record and left and left[0].first == record.offset:
                yield record
                _advance(left, record.offset + 1)
            if record is None and left:
                message = f"{_name(place)}: offset {left[0].first} lies beyond the end, {position}"
                raise BeyondEndError(message)

    def _start_at(self, place: kafka.TopicPartition, offset: int) -> None:
        self._batch.clear()
        self._consumer.assign([kafka.TopicPartition(place.topic, place.partition, offset)])

    def _next(self, place: kafka.TopicPartition) -> tuple[int, Found | None]:
        """Return the position after the next record and the record; at the end of the log the end and None."""
        deadline = time.monotonic() + self._patience_s
        while self._batch or time.monotonic() < deadline:
            if not self._batch:
                # Waiting for a whole batch would wait in vain at every end of a range.
                self._batch.extend(self._consumer.consume(1, 0.5))
                self._batch.extend(self._consumer.consume(BATCH, 0))
                continue
            message = self._batch.popleft()
            offset, error = message.offset() or 0, message.error()
            if error is None:
                return offset + 1, Found(offset, message.timestamp()[1], message.key(), message.value())
            if error.code() == kafka.KafkaError._PARTITION_EOF:  # noqa: SLF001 - the client's public name for it
                return offset, None
            if not _may_pass(error):
                text = f"{_name(place)}: {error.str()}"
                raise RereadError(text)
        text = f"{_name(place)}: no record and no end of the log within {self._patience_s:g} s"
        raise RereadError(text)

    def _log_start(self, place: kafka.TopicPartition) -> int:
        try:
            start, _ = self._consumer.get_watermark_offsets(place, timeout=self._patience_s)
        except kafka.KafkaException as error:
            message = f"{_name(place)}: {error.args[0].str()}"
            raise RereadError(message) from error
        return int(start)


def merge(ranges: Iterable[Range]) -> list[Range]:
    """Return the same offsets as ascending ranges that neither overlap nor touch.

    >>> merge([Range(7, 9), Range(1, 2), Range(3, 4)])
    [Range(first=1, last=4), Range(first=7, last=9)]
    """
    merged: list[Range] = []
    for part in sorted(ranges, key=lambda part: part.first):
        if merged and part.first <= merged[-1].last + 1:
            merged[-1] = Range(merged[-1].first, max(merged[-1].last, part.last))
        else:
            merged.append(part)
    return merged


def _passed(left: deque[Range], end: int) -> Iterator[Absent]:
    """Yield the wanted offsets below `end` as absent: the broker went past them."""
    while left and left[0].first < end:
        yield Absent(left[0].first, min(left[0].last, end - 1), "no_record")
        _advance(left, end)


def _advance(left: deque[Range], start: int) -> None:
    """Forget the offsets of the first range that lie below `start`."""
    part = left.popleft()
    if part.last >= start:
        left.appendleft(Range(start, part.last))


def _may_pass(error: kafka.KafkaError) -> bool:
    """Tell whether the client goes on trying by itself; our patience decides for how long."""
    return error.retriable() or error.code() in {kafka.KafkaError._ALL_BROKERS_DOWN, kafka.KafkaError._TRANSPORT}  # noqa: SLF001


def _name(place: kafka.TopicPartition) -> str:
    return f"{place.topic}/{place.partition}"
