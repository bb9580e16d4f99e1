"""The memory of duplicates, held against a dictionary, through restarts and what crashes leave behind."""

from __future__ import annotations

import os
import tempfile
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.audit.engine import identity_index, identity_segment
from pipelines.audit.engine.identity_index import MANIFEST, UNKNOWN, IdentityIndex, packed, unpacked
from pipelines.audit.engine.identity_segment import ENTRY, Merge, write_segment
from pipelines.audit.publication import key_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

VERSION = "md5"
HIGHS = st.integers(0, 3) | st.integers(0, 2**64 - 1)
LOWS = st.integers(0, 3) | st.integers(0, 2**32 - 1)
Identity = tuple[int, int]
BATCHES = st.lists(st.tuples(st.dictionaries(st.tuples(HIGHS, LOWS), st.integers(0, 2**62), max_size=30), st.booleans()), max_size=12)
"""Batches of identity -> place, each with whether the index is opened anew after it."""
FILE_OPERATIONS = ("open", "pwrite", "fsync", "replace", "unlink")


class Killed(BaseException):
    """The process dies here."""


def entries(places: dict[Identity, int]) -> NDArray[Any]:
    return np.array([(high, place, low, 7) for (high, low), place in places.items()], ENTRY)


def random_entries(count: int, first: int) -> NDArray[Any]:
    """Entries of identities that `first` alone decides, at the places from there on."""
    random = np.random.default_rng(first)
    found = np.zeros(count, ENTRY)
    found["high"], found["low"] = random.integers(0, 2**64, count, dtype="u8"), random.integers(0, 2**32, count, dtype="u4")
    found["place"] = np.arange(first, first + count)
    return found


def places_of(index: IdentityIndex, identities: list[Identity]) -> list[int | None]:
    found = index.find(entries(dict.fromkeys(identities, 0)))
    return [int(place) if place != UNKNOWN else None for place in found["place"]]


def files_in(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*.entries")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def index(folder: Path) -> IdentityIndex:
    return IdentityIndex(folder, VERSION)


@pytest.fixture
def _is_merged_often(monkeypatch: pytest.MonkeyPatch) -> None:
    merge_often(monkeypatch)


def merge_often(patch: pytest.MonkeyPatch) -> None:
    """Let the smallest segments be merged, a few entries at a time, and nothing wait for the disk."""
    patch.setattr(identity_index, "SMALL", 1)
    patch.setattr(identity_index, "WORK", 15)
    patch.setattr(identity_segment, "PIECE", 7)
    patch.setattr(os, "fsync", lambda _: None)


@settings(max_examples=60, deadline=None)
@given(BATCHES, st.lists(st.tuples(HIGHS, LOWS), max_size=10, unique=True))
def test_the_index_knows_exactly_what_was_entered(batches: list[tuple[dict[Identity, int], bool]], strangers: list[Identity]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        merge_often(patch)
        index, known = IdentityIndex(Path(folder), VERSION), dict[Identity, int]()
        for batch, is_reopened in batches:
            fresh = {identity: place for identity, place in batch.items() if identity not in known}
            index.add(entries(fresh), {0: len(known)})
            known |= fresh
            index = IdentityIndex(Path(folder), VERSION) if is_reopened else index
        wanted = [*dict.fromkeys([*known, *strangers])]
        assert places_of(index, wanted) == [known.get(identity) for identity in wanted]


def test_entering_again_changes_nothing(index: IdentityIndex) -> None:
    for _ in range(9):
        index.add(entries({(1, 1): 5, (1, 2): 6}), {0: 7})
    assert places_of(index, [(1, 1), (1, 2)]) == [5, 6]


def test_positions_survive_a_restart(index: IdentityIndex, folder: Path) -> None:
    index.add(entries({}), {0: 7})
    index.add(entries({}), {1: 9})
    assert IdentityIndex(folder, VERSION).positions == {0: 7, 1: 9}


def test_an_event_takes_24_bytes(index: IdentityIndex, folder: Path) -> None:
    for number in range(20):
        index.add(random_entries(1_000, 1_000 * number), {})
    assert sum((folder / name).stat().st_size for name in files_in(folder)) == 20 * 1_000 * 24


@pytest.mark.usefixtures("_is_merged_often")
def test_segments_are_few_however_many_additions_there_were(index: IdentityIndex, folder: Path) -> None:
    counts = []
    for number in range(1_100):
        index.add(random_entries(3, 3 * number), {})
        counts.append(len(files_in(folder)))
    assert max(counts[:64]) <= 20
    assert max(counts) <= 40


@pytest.mark.usefixtures("_is_merged_often")
def test_no_addition_moves_more_than_its_share(index: IdentityIndex, folder: Path) -> None:
    for number in range(600):
        segments = len(files_in(folder)) + 1
        assert index.add(random_entries(3, 3 * number), {}) <= max(identity_index.WORK, 3 * segments)


def test_a_merge_of_many_entries_holds_few_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identity_segment, "PIECE", 4_096)
    segments = [write_segment(tmp_path / f"{number}", random_entries(100_000, 100_000 * number)) for number in range(4)]
    merge = Merge(segments, [0] * 4, tmp_path / "merged")
    tracemalloc.start()
    merge.advance(400_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert merge.is_done
    assert peak < 10 * 4_096 * ENTRY.itemsize


def kills() -> Iterator[int]:
    """A number for each file operation while an index grows through some merges."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        merge_often(patch)
        steps = die_at(-1, patch)
        grow(IdentityIndex(Path(folder) / "runs", VERSION))
    yield from range(1, len(steps) + 1)


def die_at(step: int, patch: pytest.MonkeyPatch) -> list[str]:
    """Let the process die at a file operation; the operations so far."""
    done: list[str] = []

    def dying(name: str) -> Any:
        call = getattr(os, name)

        def operation(*words: Any, **options: Any) -> Any:
            done.append(name)
            if len(done) == step:
                raise Killed
            return call(*words, **options)

        return operation

    for name in FILE_OPERATIONS:
        patch.setattr(os, name, dying(name))
    return done


def grow(index: IdentityIndex) -> None:
    """Enter what the positions say is missing of 9 additions of 5."""
    for number in range(index.positions.get(0, 0) // 5, 9):
        index.add(random_entries(5, 5 * number), {0: 5 * number + 5})


@pytest.mark.parametrize("step", kills())
@pytest.mark.usefixtures("_is_merged_often")
def test_an_index_killed_at_any_file_operation_finds_what_it_says_and_goes_on(folder: Path, index: IdentityIndex, step: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        die_at(step, patch)
        with pytest.raises(Killed):
            grow(index)
    again = IdentityIndex(folder, VERSION)
    known = again.positions.get(0, 0) // 5
    assert all((again.find(random_entries(5, 5 * n))["place"] == random_entries(5, 5 * n)["place"]).all() for n in range(known))
    grow(again)
    assert all((again.find(random_entries(5, 5 * n))["place"] == random_entries(5, 5 * n)["place"]).all() for n in range(9))


@pytest.mark.usefixtures("_is_merged_often")
def test_no_file_is_left_that_no_manifest_names(folder: Path, index: IdentityIndex) -> None:
    grow(index)
    (folder / "77.entries").write_bytes(b"half a file")
    IdentityIndex(folder, VERSION)
    assert sum((folder / name).stat().st_size for name in files_in(folder)) < 3 * 45 * ENTRY.itemsize
    assert "77.entries" not in files_in(folder)


@pytest.mark.usefixtures("_is_merged_often")
def test_a_merge_goes_on_after_a_restart(folder: Path) -> None:
    moved = 0
    for number in range(64):
        moved += IdentityIndex(folder, VERSION).add(random_entries(5, 5 * number), {})
    while more := IdentityIndex(folder, VERSION).add(entries({}), {}):
        moved += more
    assert moved <= 3 * 64 * 5


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-1])])
def test_an_index_without_a_whole_segment_starts_anew(index: IdentityIndex, folder: Path, damage: Any) -> None:
    index.add(entries({(1, 1): 5}), {0: 6})
    damage(folder / files_in(folder).pop())
    assert IdentityIndex(folder, VERSION).positions == {}


@pytest.mark.parametrize("content", ["", "{", "{}"])
def test_an_unreadable_manifest_starts_anew(index: IdentityIndex, folder: Path, content: str) -> None:
    index.add(entries({(1, 1): 5}), {0: 6})
    (folder / MANIFEST).write_text(content)
    assert places_of(IdentityIndex(folder, VERSION), [(1, 1)]) == [None]


def test_other_hash_functions_start_anew(index: IdentityIndex, folder: Path) -> None:
    index.add(entries({(1, 1): 5}), {0: 6})
    assert (IdentityIndex(folder, "sha").positions, files_in(folder)) == ({}, set())


def test_a_place_is_packed_and_unpacked() -> None:
    keys, offsets = np.array([0, key_of(62, 16_383), 3]), np.array([0, 2**44 - 2, 1])
    assert [part.tolist() for part in unpacked(packed(keys, offsets))] == [keys.tolist(), offsets.tolist()]


@pytest.mark.parametrize(("key", "offset"), [(2**20 - 1, 0), (0, 2**44 - 1)])
def test_a_place_that_has_no_room_is_refused(key: int, offset: int) -> None:
    with pytest.raises(OverflowError, match="the identity index has room for"):
        packed(np.array([key]), np.array([offset]))
