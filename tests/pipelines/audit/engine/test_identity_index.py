"""The memory of duplicates, held against a dictionary, through restarts and what crashes leave behind."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipelines.audit.engine.identity_index import ENTRY, MANIFEST, IdentityIndex

VERSION = "md5"
DAY = 20_000
HALVES = st.integers(0, 3) | st.integers(0, 2**64 - 1)
Identity = tuple[int, int]
BATCHES = st.lists(st.tuples(st.dictionaries(st.tuples(HALVES, HALVES), st.integers(0, 2**62), max_size=30), st.booleans()), max_size=12)
"""Batches of identity -> offset, each with whether the index is opened anew after it."""


def entries(places: dict[Identity, int]) -> NDArray[Any]:
    return np.array([(high, low, 7, 1, offset) for (high, low), offset in places.items()], ENTRY)


def offsets_of(index: IdentityIndex, identities: list[Identity], day: int = DAY) -> list[int | None]:
    found = index.find(day, entries(dict.fromkeys(identities, 0)))
    return [int(row["offset"]) if row["partition"] >= 0 else None for row in found]


@pytest.fixture
def index(tmp_path: Path) -> IdentityIndex:
    return IdentityIndex(tmp_path / "runs", VERSION)


@settings(max_examples=60, deadline=None)
@given(BATCHES, st.lists(st.tuples(HALVES, HALVES), max_size=10, unique=True))
def test_the_index_knows_exactly_what_was_entered(batches: list[tuple[dict[Identity, int], bool]], strangers: list[Identity]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        index, known = IdentityIndex(Path(folder), VERSION), dict[Identity, int]()
        for batch, is_reopened in batches:
            fresh = {identity: offset for identity, offset in batch.items() if identity not in known}
            index.add({DAY: entries(fresh)}, {0: len(known)})
            known |= fresh
            index = IdentityIndex(Path(folder), VERSION) if is_reopened else index
        wanted = [*dict.fromkeys([*known, *strangers])]
        assert offsets_of(index, wanted) == [known.get(identity) for identity in wanted]


def test_days_do_not_know_each_other(index: IdentityIndex) -> None:
    index.add({DAY: entries({(1, 1): 5})}, {})
    assert offsets_of(index, [(1, 1)], DAY + 1) == [None]


def test_entering_again_changes_nothing(index: IdentityIndex) -> None:
    for _ in range(3):
        index.add({DAY: entries({(1, 1): 5, (1, 2): 6})}, {0: 7})
    assert offsets_of(index, [(1, 1), (1, 2)]) == [5, 6]


def test_positions_survive_a_restart(index: IdentityIndex, tmp_path: Path) -> None:
    index.add({}, {0: 7})
    index.add({}, {1: 9})
    assert IdentityIndex(tmp_path / "runs", VERSION).positions == {0: 7, 1: 9}


def test_a_segment_that_no_manifest_names_is_not_there(index: IdentityIndex, tmp_path: Path) -> None:
    index.add({DAY: entries({(1, 1): 5})}, {0: 6})
    manifest = (tmp_path / "runs" / MANIFEST).read_text()
    index.add({DAY: entries({(1, 2): 6, (1, 3): 7, (1, 4): 8})}, {0: 9})
    (tmp_path / "runs" / f"{DAY}-9.npy").write_bytes(b"half a file")
    (tmp_path / "runs" / MANIFEST).write_text(manifest)
    again = IdentityIndex(tmp_path / "runs", VERSION)
    assert again.positions in ({0: 6}, {})


def test_an_index_without_one_of_its_segments_starts_anew(index: IdentityIndex, tmp_path: Path) -> None:
    index.add({DAY: entries({(1, 1): 5})}, {0: 6})
    next((tmp_path / "runs").glob("*.npy")).unlink()
    assert IdentityIndex(tmp_path / "runs", VERSION).positions == {}


@pytest.mark.parametrize("content", ["", "{"])
def test_an_unreadable_manifest_starts_anew(index: IdentityIndex, tmp_path: Path, content: str) -> None:
    index.add({DAY: entries({(1, 1): 5})}, {0: 6})
    (tmp_path / "runs" / MANIFEST).write_text(content)
    assert offsets_of(IdentityIndex(tmp_path / "runs", VERSION), [(1, 1)]) == [None]


def test_other_hash_functions_start_anew(index: IdentityIndex, tmp_path: Path) -> None:
    index.add({DAY: entries({(1, 1): 5})}, {0: 6})
    other = IdentityIndex(tmp_path / "runs", "sha")
    assert (other.positions, list((tmp_path / "runs").glob("*.npy"))) == ({}, [])


def test_many_small_additions_leave_few_files(index: IdentityIndex, tmp_path: Path) -> None:
    for number in range(200):
        index.add({DAY: entries({(number, 0): number})}, {})
    assert len(list((tmp_path / "runs").glob("*.npy"))) <= 9
