"""Identities of every published delivery of a stream, on disk by event day: the memory of duplicates.

A day is a few segments sorted by the upper half, which grow like a binary counter: adding costs a merge of equals now and then,
looking up a few binary searches over mapped files. The index is derived: what it lacks is read from the journal again.
"""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

ENTRY = np.dtype([("high", "u8"), ("low", "u8"), ("payload", "u8"), ("partition", "i4"), ("offset", "i8")])
"""Identity as two halves of 128 bits, hash of the payload, place of the delivery that counts."""
COLUMNS = ENTRY.names or ()
HIGH, LOW = 0, 1
"""A segment is a matrix with one row per column of an entry, so that a search touches few pages of a mapped file."""
LARGEST_MERGE = 2_000_000
"""Segments of so many entries are not merged any more: a merge holds both in memory."""
MANIFEST = "manifest.json"


class IdentityIndex:
    """Index of one stream below a folder; one process writes it. `version` names the hash functions: another one starts anew."""

    def __init__(self, folder: Path, version: str) -> None:
        """Read the manifest; a folder of another version is emptied."""
        self._folder = folder
        self._version = version
        self._opened: dict[str, NDArray[Any]] = {}
        manifest = self._read_manifest()
        if manifest.get("version") != version:
            shutil.rmtree(folder, ignore_errors=True)
            manifest = {}
        self.positions: dict[int, int] = {int(partition): offset for partition, offset in manifest.get("positions", {}).items()}
        self._segments: dict[str, list[str]] = manifest.get("segments", {})
        self._next = int(manifest.get("next", 0))

    def find(self, day: int, wanted: NDArray[Any]) -> NDArray[Any]:
        """Entries for the identities `wanted` (ENTRY; only high and low are read) of one event day.

        Returns an array of the same length, `partition` -1 where the identity is unknown.
        """
        found = np.zeros(len(wanted), ENTRY)
        found["partition"] = -1
        high, low = np.ascontiguousarray(wanted["high"]), wanted["low"]
        for name in self._segments.get(str(day), ()):
            segment = self._segment(name)
            first, after = np.searchsorted(segment[HIGH], high), np.searchsorted(segment[HIGH], high, side="right")
            for place in range(int(np.max(after - first, initial=0))):
                candidates = np.flatnonzero(first + place < after)
                at = first[candidates] + place
                is_same = segment[LOW][at] == low[candidates]
                _fill(found, candidates[is_same], segment, at[is_same])
        return found

    def add(self, entries: Mapping[int, NDArray[Any]], positions: Mapping[int, int]) -> None:
        """Enter published deliveries by event day and remember that the index reaches `positions` (next offset per partition).

        Durable once it returns. May be repeated with the same entries: equal identities keep one place.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        replaced: list[str] = []
        for day, rows in entries.items():
            if len(rows):
                replaced += self._add_to_day(str(day), np.stack([rows[name].astype("u8") for name in COLUMNS]))
        self.positions |= dict(positions)
        self._write_manifest()
        for name in replaced:
            self._opened.pop(name, None)
            (self._folder / name).unlink(missing_ok=True)

    def _add_to_day(self, day: str, rows: NDArray[Any]) -> list[str]:
        segments = self._segments.setdefault(day, [])
        merged: list[str] = []
        while segments and self._segment(segments[-1]).shape[1] <= 2 * rows.shape[1] <= LARGEST_MERGE:
            name = segments.pop()
            rows = np.concatenate([self._segment(name), rows], axis=1)
            merged.append(name)
        name = f"{day}-{self._next}.npy"
        self._next += 1
        with (self._folder / name).open("wb") as file:
            np.save(file, rows.take(np.argsort(rows[HIGH], kind="stable"), axis=1))
            os.fsync(file.fileno())
        segments.append(name)
        return merged

    def _segment(self, name: str) -> NDArray[Any]:
        if name not in self._opened:
            self._opened[name] = np.load(self._folder / name, mmap_mode="r")
        return self._opened[name]

    def _read_manifest(self) -> dict[str, Any]:
        try:
            manifest: dict[str, Any] = json.loads((self._folder / MANIFEST).read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        names = [name for segments in manifest["segments"].values() for name in segments]
        return manifest if all((self._folder / name).exists() for name in names) else {}

    def _write_manifest(self) -> None:
        manifest = {"version": self._version, "positions": self.positions, "segments": self._segments, "next": self._next}
        fresh = self._folder / f"{MANIFEST}.new"
        with fresh.open("w") as file:
            json.dump(manifest, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._folder / MANIFEST)


def _fill(found: NDArray[Any], places: NDArray[Any], segment: NDArray[Any], at: NDArray[Any]) -> None:
    for row, name in enumerate(COLUMNS):
        found[name][places] = segment[row][at]
