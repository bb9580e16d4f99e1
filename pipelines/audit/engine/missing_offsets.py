"""Offsets that the journal lacks: read again from the broker, judged by the validator, kept as quarantine rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from connectors.instants import instant
from connectors.kafka.reader import Absent, Found, OffsetReader, Range
from contracts.validator import Decoded, Validator, Violation
from pipelines.audit.decisions.lake import Stretch
from pipelines.audit.publication import epoch_of, partition_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from contracts.model import Stream
    from contracts.registry import Registry
    from pipelines.audit.engine.quarantine_encryption import QuarantineCipher
    from pipelines.audit.publication import Epoch

NOT_JOURNALED = "not_journaled"
"""Reason code of a valid record that a release took for not journaled."""


@dataclass
class Explained:
    """What one opening of a stream has explained: next offset per key, quarantine rows, counts per key, what left the log.

    `refused` are rows that the validator accepts though they are not journaled, `quarantined` the others.
    """

    through: dict[int, int] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    quarantined: Counter[int] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    absent: Counter[int] = field(default_factory=Counter)
    lost: list[Stretch] = field(default_factory=list)


class MissingOffsetReader:
    """Explains missing offsets of any stream; reading is repeatable and commits nothing."""

    def __init__(self, contracts: Registry, bootstrap: str, cipher: QuarantineCipher) -> None:
        """Connects lazily to `bootstrap` (host:port)."""
        self._validator = Validator(contracts)
        self._reader = OffsetReader(bootstrap)
        self._cipher = cipher

    def explain(self, stream: Stream, epochs: tuple[Epoch, ...], missing: Mapping[int, list[Range]], through: Mapping[int, int], budget: int) -> Explained:
        """Read the missing offsets again, lowest first per partition, at most `budget` in all; those below the log's start cost nothing.

        `through` is the next offset per partition once nothing is left.
        """
        explained = Explained(dict(through))
        left = budget
        for key, ranges in sorted(missing.items()):
            partition = partition_of(key)
            if _is_gone(epochs, key):
                explained.lost += [Stretch(key, part.first, part.last) for part in ranges]
                continue
            start = self._reader.log_start(stream.topic, partition) if ranges else 0
            explained.lost += [Stretch(key, part.first, min(part.last, start - 1)) for part in ranges if part.first < start]
            kept = [Range(max(part.first, start), part.last) for part in ranges if part.last >= start]
            wanted, rest = _within(kept, left)
            left -= sum(part.last - part.first + 1 for part in wanted)
            if rest is not None:
                explained.through[key] = rest
            for answer in self._reader.read(stream.topic, partition, wanted):
                self._enter(explained, stream, epochs, key, answer)
        return explained

    def decoded(self, stream: Stream, partition: int, offsets: list[int]) -> Iterator[tuple[int, Decoded | None]]:
        """What the validator decodes records that are journaled to; None for one that it refuses.

        Left out: what the broker no longer has.
        """
        for answer in self._reader.read(stream.topic, partition, [Range(offset, offset) for offset in offsets]):
            if isinstance(answer, Absent):
                continue
            found = self._validator.decode(stream.name, answer.value, answer.appended_ms)
            yield answer.offset, None if isinstance(found, Violation) else found

    def appended_at(self, stream: Stream, partition: int, offset: int) -> int | None:
        """Append time, epoch ms, of the first record at or past an offset; None when there is none."""
        found = self._reader.first_at(stream.topic, partition, offset)
        return found.appended_ms if found else None

    def close(self) -> None:
        """Let go of the broker."""
        self._reader.close()

    def _enter(self, explained: Explained, stream: Stream, epochs: tuple[Epoch, ...], key: int, answer: Found | Absent) -> None:
        if isinstance(answer, Absent) and answer.reason == "log_start":
            explained.lost.append(Stretch(key, answer.first, answer.last))
            return
        if isinstance(answer, Absent):
            explained.absent[key] += answer.last - answer.first + 1
            return
        if _epoch_at(epochs, answer.appended_ms) > epoch_of(key):
            # Another record is where this one was.
            explained.lost.append(Stretch(key, answer.offset, answer.offset))
            return
        violation = self._validator.check(stream.name, answer.value, answer.appended_ms)
        (explained.quarantined if violation else explained.refused)[key] += 1
        explained.rows.append(
            {
                "topic": stream.topic,
                "partition": partition_of(key),
                "offset": answer.offset,
                "appended_at": instant(answer.appended_ms),
                "reason": violation.reason if violation else NOT_JOURNALED,
                "field": violation.field if violation else None,
                "contract_version": stream.version,
                "key": self._cipher.seal(answer.key),
                "value": self._cipher.seal(answer.value),
                "quarantined_at": datetime.now(UTC),
            }
        )


def _is_gone(epochs: tuple[Epoch, ...], key: int) -> bool:
    """True when the log of a key is no more."""
    return bool(epochs) and (epochs[epoch_of(key)].topic, epochs[epoch_of(key)].topic_id) != (epochs[-1].topic, epochs[-1].topic_id)


def _epoch_at(epochs: tuple[Epoch, ...], appended_ms: int) -> int:
    return sum(epoch.begun_ms <= appended_ms for epoch in epochs[1:])


def gaps(present: NDArray[Any], first: int, last: int) -> list[Range]:
    """Stretches of offsets from `first` to `last` (included) that are not among the ascending offsets `present`.

    >>> gaps(np.array([2, 3, 7]), 0, 8)
    [Range(first=0, last=1), Range(first=4, last=6), Range(first=8, last=8)]
    """
    edges = np.concatenate([[first - 1], present[(present >= first) & (present <= last)], [last + 1]])
    holes = np.flatnonzero(np.diff(edges) > 1)
    return [Range(int(edges[hole]) + 1, int(edges[hole + 1]) - 1) for hole in holes]


def _within(ranges: list[Range], budget: int) -> tuple[list[Range], int | None]:
    """The ranges cut to `budget` offsets, and the first offset left out (None when nothing is)."""
    wanted: list[Range] = []
    for part in ranges:
        size = part.last - part.first + 1
        if size > budget:
            if budget > 0:
                wanted.append(Range(part.first, part.first + budget - 1))
            return wanted, part.first + budget
        wanted.append(part)
        budget -= size
    return wanted, None
