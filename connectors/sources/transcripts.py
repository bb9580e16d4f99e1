"""Where transcript records come from: a history of deliveries, or transcript files as the agent writes them.

A transcript is delivered again whenever it has grown. `events.jsonl.gz` holds every record once, with its number `rid`;
`deliveries.jsonl.gz` says which numbers each delivery contained, -1 for a line that was no JSON. Without the latter every
`*.jsonl` or `*.jsonl.gz` file is one delivery.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from connectors.sources.adapter import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RECORDS, DELIVERIES = "events.jsonl.gz", "deliveries.jsonl.gz"
BROKEN = -1


@dataclass(frozen=True, slots=True)
class Line:
    """One line as delivered: the record's number, or None when the line is broken."""

    where: str
    line: int
    number: int | None
    done: float


@dataclass(frozen=True, slots=True)
class Unread:
    """A whole delivery without lines to read; `reason` is a short code."""

    where: str
    line: int
    reason: str


class Transcripts(Protocol):
    """Records by number, and the deliveries that contained them."""

    def records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield every record once, with its number, in order of first appearance."""
        ...

    def deliveries(self) -> Iterator[Iterator[Line] | Unread]:
        """Yield each delivery as its lines."""
        ...


def open_transcripts(path: Path) -> Transcripts:
    """Return what is at a folder or file.

    Raises:
        SourceError: there are no transcripts.
    """
    if (path / DELIVERIES).exists():
        return _History(path)
    files = [path] if path.is_file() else sorted(chain(path.rglob("*.jsonl"), path.rglob("*.jsonl.gz")))
    if not files:
        message = f"{path}: no transcript files"
        raise SourceError(message)
    return _Files(path if path.is_dir() else path.parent, files)


class _History:
    """A recorded history of deliveries."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        for record in _parsed(self._folder / RECORDS):
            if record is not None and isinstance(record.get("rid"), int):
                yield record["rid"], record

    def deliveries(self) -> Iterator[Iterator[Line] | Unread]:
        deliveries = list(_parsed(self._folder / DELIVERIES))
        for line, delivery in enumerate(deliveries, start=1):
            if delivery is None:
                yield iter([Line(DELIVERIES, line, None, line / len(deliveries))])
            elif "rids" not in delivery:
                yield Unread(DELIVERIES, line, "unavailable" if delivery.get("unavailable") else "other_format")
            else:
                yield _lines(f"{delivery['path']}@{delivery['blob']}", delivery["rids"], line / len(deliveries))


class _Files:
    """Transcript files, each one delivery. A record's number is its place among all lines of all files."""

    def __init__(self, folder: Path, files: list[Path]) -> None:
        self._folder = folder
        self._files = files

    def records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        lines = chain.from_iterable(_parsed(file) for file in self._files)
        return ((number, record) for number, record in enumerate(lines) if record is not None)

    def deliveries(self) -> Iterator[Iterator[Line] | Unread]:
        first = 0
        for count, file in enumerate(self._files, start=1):
            records = [record is not None for record in _parsed(file)]
            name = str(file.relative_to(self._folder))
            done = count / len(self._files)
            yield iter([Line(name, at + 1, first + at if good else None, done) for at, good in enumerate(records)])
            first += len(records)


def _lines(where: str, ranges: list[list[int]], done: float) -> Iterator[Line]:
    numbers = chain.from_iterable(range(first, last + 1) for first, last in ranges)
    for line, number in enumerate(numbers, start=1):
        yield Line(where, line, None if number == BROKEN else number, done)


def _parsed(file: Path) -> Iterator[dict[str, Any] | None]:
    """Yield each line of a file as a JSON object, or None when it is none; empty lines are left out."""
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
        for line in lines:
            if line.strip():
                yield _object(line)


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None
