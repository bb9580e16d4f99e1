"""Sorted files of identities: written once, mapped for searches, merged piece by piece."""

from __future__ import annotations

import mmap
import os
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

ENTRY = np.dtype([("high", "u8"), ("place", "u8"), ("low", "u4"), ("payload", "u4")])
"""96 bits of an identity's hash (`high`, `low`), the packed place of the delivery that counts, 32 bits of its payload's hash."""
NO_PAYLOAD = 0
"""Payload of a delivery whose hash is not known, because it was journaled before journals had one."""
PIECE = 262_144
"""Entries that a merge holds in memory."""


class Segment:
    """An immutable file of entries sorted by `high`, column after column, so that a search touches few pages."""

    def __init__(self, path: Path, size: int) -> None:
        """`size` in entries; the file is opened when it is first searched."""
        self.path = path
        self.size = size
        self._mapped: dict[str, NDArray[Any]] = {}

    @property
    def is_whole(self) -> bool:
        """True when the file has the length of its entries."""
        return self.path.is_file() and self.path.stat().st_size == self.size * ENTRY.itemsize

    def find(self, high: NDArray[Any], low: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Which of the identities (sorted by `high`) are here, as indices into them, and their entries."""
        column = self._columns()["high"]
        at = np.searchsorted(column, high)
        asked = np.arange(len(high))
        found: list[tuple[NDArray[Any], NDArray[Any]]] = []
        while len(asked):
            is_near = at < self.size
            asked, at = asked[is_near], at[is_near]
            is_near = column[at] == high[asked]
            asked, at = asked[is_near], at[is_near]
            is_same = self._columns()["low"][at] == low[asked]
            found.append((asked[is_same], at[is_same]))
            at = at + 1
        places = np.concatenate([one for _, one in found])
        entries = np.empty(len(places), ENTRY)
        for name, mapped in self._columns().items():
            entries[name] = mapped[places]
        return np.concatenate([one for one, _ in found]), entries

    def read(self, first: int, count: int) -> NDArray[Any]:
        """Some entries, read without mapping them."""
        entries = np.empty(min(count, self.size - first), ENTRY)
        for name, kind, start in _columns(self.size):
            entries[name] = np.fromfile(self.path, kind, len(entries), offset=start + first * kind.itemsize)
        return entries

    def _columns(self) -> dict[str, NDArray[Any]]:
        if not self._mapped:
            with self.path.open("rb") as file:
                content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            content.madvise(mmap.MADV_RANDOM)
            self._mapped = {name: np.frombuffer(content, kind, self.size, start) for name, kind, start in _columns(self.size)}
        return self._mapped


class Merge:
    """Several segments on their way to become one, which is there when `is_done`.

    `taken` says how many entries of each source are in it: with them it goes on after a restart.
    """

    def __init__(self, sources: Sequence[Segment], taken: Sequence[int], path: Path) -> None:
        """Touches nothing yet."""
        self.sources = tuple(sources)
        self.taken = list(taken)
        self.result = Segment(path, sum(source.size for source in sources))

    @property
    def is_done(self) -> bool:
        """True when every entry is in the result."""
        return sum(self.taken) == self.result.size

    def advance(self, limit: int) -> int:
        """Move at most about `limit` entries; how many. Durable once it returns."""
        handle = os.open(self.result.path, os.O_WRONLY | os.O_CREAT, 0o644)
        moved = 0
        try:
            while moved < limit and not self.is_done:
                begin = sum(self.taken)
                entries = self._next(min(PIECE, limit - moved))
                _write(handle, self.result.size, begin, entries)
                moved += len(entries)
            os.fsync(handle)
        finally:
            os.close(handle)
        return moved

    def _next(self, count: int) -> NDArray[Any]:
        """The least entries that are left, about `count`: hashes are even, so that each source gives its share."""
        left = self.result.size - sum(self.taken)
        windows = [
            source.read(taken, -(-count * (source.size - taken) // left)) if taken < source.size else np.empty(0, ENTRY)
            for source, taken in zip(self.sources, self.taken, strict=True)
        ]
        ends = [
            window["high"][-1]
            for window, source, taken in zip(windows, self.sources, self.taken, strict=True)
            if len(window) and taken + len(window) < source.size
        ]
        if ends:
            windows = [window[: np.searchsorted(window["high"], min(ends), side="right")] for window in windows]
        for number, window in enumerate(windows):
            self.taken[number] += len(window)
        return in_order(np.concatenate(windows))


def in_order(entries: NDArray[Any]) -> NDArray[Any]:
    """Entries sorted by `high`."""
    return entries[np.argsort(entries["high"], kind="stable")]


def write_segment(path: Path, entries: NDArray[Any]) -> Segment:
    """Write a new segment; durable once it returns."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        _write(handle, len(entries), 0, in_order(entries))
        os.fsync(handle)
    finally:
        os.close(handle)
    return Segment(path, len(entries))


def _write(handle: int, size: int, first: int, entries: NDArray[Any]) -> None:
    for name, kind, start in _columns(size):
        content = memoryview(entries[name].tobytes())
        offset = start + first * kind.itemsize
        while content:
            written = os.pwrite(handle, content, offset)
            content, offset = content[written:], offset + written


def _columns(size: int) -> Iterator[tuple[str, np.dtype[Any], int]]:
    """Name, type and first byte of each column in a file of so many entries."""
    start = 0
    for name in ENTRY.names or ():
        kind = ENTRY[name]
        yield name, kind, start
        start += size * kind.itemsize
