"""Commits to the real catalog that hold only on top of what their writer has seen."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import pyarrow as pa
import pytest
from pyiceberg.exceptions import CommitFailedException

from connectors.iceberg.expiry import expire_snapshots
from connectors.iceberg.files import StaleHeadError, append_on, head_of, replace_files, reset_main
from connectors.iceberg.tables import AUDITED, ColumnSpec, TableSpec, ensure_table
from connectors.iceberg.tags import SEVERAL, TagMove, move_tags
from pipelines.tables import ONE_WRITER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyiceberg.table import Table

    from tests.stack.local_stack import Stack

pytestmark = pytest.mark.stack
EVERYTHING = 10**15


@contextmanager
def made(stack: Stack) -> Iterator[Table]:
    """An empty table with one column `n`, written by one process only."""
    name = f"scratch.try_{uuid4().hex[:8]}"
    ensure_table(stack.catalog, TableSpec(name, (ColumnSpec("n", "long"),), properties=ONE_WRITER))
    yield stack.catalog.load_table(name)
    stack.catalog.purge_table(name)


@pytest.fixture
def table(stack: Stack) -> Iterator[Table]:
    with made(stack) as table:
        yield table


@pytest.fixture
def moves(stack: Stack) -> Iterator[list[TagMove]]:
    """The tags of two tables that are to move to a row each."""
    with made(stack) as first, made(stack) as second:
        yield [TagMove(table, head_of(table), append_on(table, head_of(table), row(1))) for table in (first, second)]


def tags_of(stack: Stack, moves: list[TagMove]) -> list[int]:
    return [stack.catalog.load_table(move.table.name()).metadata.refs[AUDITED].snapshot_id for move in moves]


def row(n: int) -> pa.Table:
    """One row."""
    return pa.table({"n": [n]})


def test_an_append_planned_on_a_head_that_has_moved_is_refused_with_its_properties(stack: Stack, table: Table) -> None:
    first = head_of(table)
    other = stack.catalog.load_table(table.name())
    head = append_on(other, first, row(1))
    with pytest.raises(StaleHeadError):
        append_on(table, first, row(2), {"second": "yes"})
    table.refresh()
    assert head_of(table) == head
    assert "second" not in table.properties
    assert table.scan().to_arrow()["n"].to_pylist() == [1]


def test_a_table_is_known_as_its_own_commits_left_it_without_another_look(stack: Stack, table: Table) -> None:
    first = head_of(table)
    head = append_on(table, first, row(1))
    move_tags(stack.catalog, [TagMove(table, first, head)])
    assert head_of(table) == table.metadata.refs[AUDITED].snapshot_id == head
    reset_main(table, head, first)
    assert head_of(table) == first
    move_tags(stack.catalog, [TagMove(table, head, first)])
    second = append_on(table, first, row(2))
    move_tags(stack.catalog, [TagMove(table, first, second)])
    assert expire_snapshots(table, EVERYTHING) == 2
    assert table.metadata == stack.catalog.load_table(table.name()).metadata
    assert table.scan().to_arrow()["n"].to_pylist() == [2]


@pytest.mark.parametrize("takes_several", [True, False])
def test_the_tags_of_several_tables_move(stack: Stack, moves: list[TagMove], *, takes_several: bool) -> None:
    catalog = stack.catalog
    assert SEVERAL in catalog._supported_endpoints  # noqa: SLF001
    catalog._supported_endpoints -= set() if takes_several else {SEVERAL}  # noqa: SLF001
    move_tags(catalog, moves)
    assert tags_of(stack, moves) == [move.after for move in moves]
    assert all(move.is_done for move in moves)


def test_a_tag_moves_while_others_commit_to_its_table(stack: Stack) -> None:
    name = f"scratch.busy_{uuid4().hex[:8]}"
    ensure_table(stack.catalog, TableSpec(name, (ColumnSpec("n", "long"),)))
    stop = threading.Event()

    def append() -> None:
        table = stack.catalog.load_table(name)
        while not stop.is_set():
            table.append(row(1))

    writer = threading.Thread(target=append)
    writer.start()
    try:
        for _ in range(30):
            table = stack.catalog.load_table(name)
            after = head_of(table)
            move_tags(stack.catalog, [TagMove(table, table.metadata.refs[AUDITED].snapshot_id, after)])
            assert stack.catalog.load_table(name).metadata.refs[AUDITED].snapshot_id == after
    finally:
        stop.set()
        writer.join()
        stack.catalog.purge_table(name)


def test_tags_do_not_move_past_one_that_is_elsewhere(stack: Stack, moves: list[TagMove]) -> None:
    stale = stack.catalog.load_table(moves[1].table.name())
    move_tags(stack.catalog, moves[1:])
    with pytest.raises(CommitFailedException):
        move_tags(stack.catalog, [moves[0], TagMove(stale, moves[1].before, moves[1].before + 1)])
    assert tags_of(stack, moves) == [moves[0].before, moves[1].after]


def test_a_table_that_is_replaced_again_and_again_keeps_nothing_of_before(table: Table) -> None:
    for n in range(5):
        everything = [task.file for task in table.scan().plan_files()]
        replace_files(table, everything, (), row(n), properties={"round": str(n)})
    snapshot = table.current_snapshot()
    assert snapshot
    live = [one for one in snapshot.manifests(table.io) if one.has_added_files() or one.has_existing_files()]
    assert (len(live), len(snapshot.manifests(table.io))) == (1, 2)
    assert snapshot.summary
    assert snapshot.summary["total-records"] == "1"
    assert (table.properties["round"], table.scan().to_arrow()["n"].to_pylist()) == ("4", [4])


def test_manifests_of_many_appends_are_merged(table: Table) -> None:
    for n in range(120):
        append_on(table, head_of(table), row(n))
    snapshot = table.current_snapshot()
    assert snapshot
    assert len(snapshot.manifests(table.io)) < 50
    assert sorted(table.scan().to_arrow()["n"].to_pylist()) == list(range(120))
