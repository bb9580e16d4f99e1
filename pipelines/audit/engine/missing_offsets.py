"""Offsets that the journal lacks: read again from the broker, judged by the validator, kept as quarantine rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from connectors.instants import instant
from connectors.kafka.reader import Absent, Found, OffsetReader, Range
from contracts.decoding import decode
from contracts.validator import ARRAY, Validator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from contracts.model import Stream
    from contracts.registry import Registry
    from pipelines.audit.engine.quarantine_encryption import QuarantineCipher

REFUSED_BY_GATE = "refused_by_gate"
ABSENT = "absent"


@dataclass
class Explained:
    """What one opening of a stream has explained: next offset per partition, quarantine rows, counts."""

    through: dict[int, int] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    absent: dict[int, int] = field(default_factory=dict)

    def count(self, *, refused: bool) -> int:
        """Rows that the validator accepts though they are not journaled, or the others."""
        return sum((row["reason"] == REFUSED_BY_GATE) == refused for row in self.rows)


class MissingOffsetReader:
    """Explains missing offsets of any stream; reading is repeatable and commits nothing."""

    def __init__(self, contracts: Registry, bootstrap: str, cipher: QuarantineCipher) -> None:
        """Connects lazily to `bootstrap` (host:port)."""
        self._validator = Validator(contracts)
        self._reader = OffsetReader(bootstrap)
        self._cipher = cipher

    def explain(self, stream: Stream, missing: Mapping[int, list[Range]], through: Mapping[int, int], budget: int) -> Explained:
        """Read the missing offsets again, lowest first per partition, at most `budget` in all.

        `through` is the next offset per partition once nothing is left.
        """
        explained = Explained(dict(through))
        left = budget
        for partition, ranges in sorted(missing.items()):
            wanted, rest = _within(ranges, left)
            left -= sum(part.last - part.first + 1 for part in wanted)
            if rest is not None:
                explained.through[partition] = rest
            for answer in self._reader.read(stream.topic, partition, wanted):
                self._enter(explained, stream, partition, answer)
        return explained

    def texts(self, stream: Stream, partition: int, offsets: list[int]) -> Iterator[tuple[int, dict[str, str] | None]]:
        """Text form of records that are journaled; None for one that the validator refuses.

        Left out: what the broker no longer has, and arrays, of which the decoder may have accepted a part.
        """
        for answer in self._reader.read(stream.topic, partition, [Range(offset, offset) for offset in offsets]):
            if isinstance(answer, Absent):
                continue
            violation = self._validator.check(stream.name, answer.value, answer.appended_ms)
            if violation is None and answer.value is not None:
                yield answer.offset, decode(answer.value)
            elif violation is None or violation.reason != ARRAY:
                yield answer.offset, None

    def close(self) -> None:
        """Let go of the broker."""
        self._reader.close()

    def _enter(self, explained: Explained, stream: Stream, partition: int, answer: Found | Absent) -> None:
        if isinstance(answer, Absent):
            explained.absent[partition] = explained.absent.get(partition, 0) + answer.last - answer.first + 1
            return
        violation = self._validator.check(stream.name, answer.value, answer.appended_ms)
        explained.rows.append(
            {
                "topic": stream.topic,
                "partition": partition,
                "offset": answer.offset,
                "appended_at": instant(answer.appended_ms),
                "reason": violation.reason if violation else REFUSED_BY_GATE,
                "field": violation.field if violation else None,
                "contract_version": stream.version,
                "key": self._cipher.seal(answer.key),
                "value": self._cipher.seal(answer.value),
                "quarantined_at": datetime.now(UTC),
            }
        )


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
