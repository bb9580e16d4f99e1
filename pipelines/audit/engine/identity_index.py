"""Identities of every published delivery of a stream, on disk: the memory of duplicates, as far back as the journal is kept.

An addition is a sorted segment; segments of about one size are merged, a bounded number of entries per addition, so that there
are few of them and no addition pays for the age of the index. It is derived: what it lacks is read from the journal again.
"""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.audit.engine.identity_segment import ENTRY, Merge, Segment, write_segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

UNKNOWN = np.uint64(2**64 - 1)
"""The place of an identity that is not in the index."""
EPOCH_BITS, PARTITION_BITS, OFFSET_BITS = 6, 14, 44
WORK = 500_000
"""Entries that an addition may move at least."""
SMALL = 4_096
"""Segments below this many entries are of one size."""
WIDTH = 4
"""Segments of one size that become one."""
MANIFEST = "manifest.json"


def packed(key: NDArray[Any], offset: NDArray[Any]) -> NDArray[Any]:
    """Places as single numbers that ascend with key (epoch and partition) and offset.

    Raises:
        OverflowError: a number is too great.
    """
    limits = {"key": (np.max(key, initial=0), EPOCH_BITS + PARTITION_BITS), "offset": (np.max(offset, initial=0), OFFSET_BITS)}
    for name, (greatest, bits) in limits.items():
        if greatest >= 2**bits - 1:
            message = f"{name} {greatest}: the identity index has room for {2**bits - 2}"
            raise OverflowError(message)
    places: NDArray[Any] = key.astype("u8") << np.uint64(OFFSET_BITS) | offset.astype("u8")
    return places


def unpacked(places: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Keys and offsets of places."""
    return (places >> np.uint64(OFFSET_BITS)).astype("i8"), (places & np.uint64(2**OFFSET_BITS - 1)).astype("i8")


class IdentityIndex:
    """Index of one stream below a folder; one process uses it. `version` names the hash functions: another one starts anew."""

    def __init__(self, folder: Path, version: str) -> None:
        """Read the manifest; a folder of another version is emptied, files of an addition that did not end are removed."""
        self._folder = folder
        self._version = version
        manifest = self._read_manifest()
        if manifest.get("version") != version:
            shutil.rmtree(folder, ignore_errors=True)
            manifest = {}
        self.positions: dict[int, int] = {int(partition): offset for partition, offset in manifest.get("positions", {}).items()}
        self._segments = {name: Segment(folder / name, size) for name, size in manifest.get("segments", {}).items()}
        self._merges = [self._merge(**merge) for merge in manifest.get("merges", ())]
        self._next = int(manifest.get("next", 0))
        self._remove(path.name for path in (folder.iterdir() if folder.exists() else ()) if path.name not in {*self._names(), MANIFEST})

    def find(self, wanted: NDArray[Any]) -> NDArray[Any]:
        """Entries for the identities `wanted` (ENTRY; only high and low are read).

        Returns an array of the same length, with `place` UNKNOWN where the identity is not known.
        """
        found = np.zeros(len(wanted), ENTRY)
        found["place"] = UNKNOWN
        order = np.argsort(wanted["high"])
        high, low = wanted["high"][order], wanted["low"][order]
        for segment in self._segments.values() if len(wanted) else ():
            asked, entries = segment.find(high, low)
            found[order[asked]] = entries
        return found

    def add(self, entries: NDArray[Any], positions: Mapping[int, int]) -> int:
        """Enter published deliveries (ENTRY) and remember that the index reaches `positions` (next offset per partition).

        Durable once it returns. May be repeated with the same entries. Returns how many entries were moved meanwhile: never more
        than WORK, or than the addition as often as there are segments.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        if len(entries):
            name = self._new_name()
            self._segments[name] = write_segment(self._folder / name, entries)
        self.positions |= dict(positions)
        moved, replaced = self._merge_some(max(WORK, len(self._segments) * len(entries)))
        self._write_manifest()
        self._remove(replaced)
        return moved

    def _merge_some(self, limit: int) -> tuple[int, list[str]]:
        """Move at most about `limit` entries, into the smallest merges first; how many, and the files that are replaced."""
        moved = 0
        replaced: list[str] = []
        self._begin_merges()
        while self._merges and moved < limit:
            merge = min(self._merges, key=lambda one: one.result.size)
            moved += merge.advance(limit - moved)
            if merge.is_done:
                self._merges.remove(merge)
                replaced += [source.path.name for source in merge.sources]
                self._segments[merge.result.path.name] = merge.result
                for source in merge.sources:
                    del self._segments[source.path.name]
                self._begin_merges()
        return moved, replaced

    def _begin_merges(self) -> None:
        """Begin to merge the segments of every size of which there are enough."""
        busy = {source.path.name for merge in self._merges for source in merge.sources}
        sizes: dict[int, list[Segment]] = {}
        for name, segment in self._segments.items():
            if name not in busy:
                sizes.setdefault((max(segment.size // SMALL, 1).bit_length() - 1) // 2, []).append(segment)
        self._merges += [Merge(equals, [0] * len(equals), self._folder / self._new_name()) for equals in sizes.values() if len(equals) >= WIDTH]

    def _merge(self, sources: list[str], taken: list[int], result: str) -> Merge:
        """A merge as the manifest tells it; it starts again where its file is gone."""
        path = self._folder / result
        return Merge([self._segments[name] for name in sources], taken if path.exists() else [0] * len(taken), path)

    def _new_name(self) -> str:
        self._next += 1
        return f"{self._next}.entries"

    def _names(self) -> set[str]:
        return {*self._segments, *(merge.result.path.name for merge in self._merges)}

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            (self._folder / name).unlink()

    def _read_manifest(self) -> dict[str, Any]:
        try:
            manifest: dict[str, Any] = json.loads((self._folder / MANIFEST).read_text("utf-8"))
            segments = [Segment(self._folder / name, size) for name, size in manifest["segments"].items()]
        except (FileNotFoundError, ValueError, KeyError):
            return {}
        return manifest if all(segment.is_whole for segment in segments) else {}

    def _write_manifest(self) -> None:
        manifest = {
            "version": self._version,
            "positions": self.positions,
            "segments": {name: segment.size for name, segment in self._segments.items()},
            "merges": [{"sources": [source.path.name for source in one.sources], "taken": one.taken, "result": one.result.path.name} for one in self._merges],
            "next": self._next,
        }
        fresh = self._folder / f"{MANIFEST}.new"
        with fresh.open("w") as file:
            json.dump(manifest, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._folder / MANIFEST)
        handle = os.open(self._folder, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
