"""A journal in a catalog on this disk, as a cycle opens and repairs it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pyiceberg.catalog.memory import InMemoryCatalog

from connectors.iceberg.files import head_of
from connectors.iceberg.tables import ensure_table
from contracts.datasets import QUARANTINE, duplicates_of, journal_of
from pipelines.audit.decisions.lake import Offsets, TagMove
from pipelines.audit.engine.journal_reader import JournalReader
from pipelines.audit.engine.tagged_tables import TaggedTables
from pipelines.audit.publication import Position, StreamFrontier
from pipelines.tables import all_tables
from tests.statements import CONTRACTS, DEFINITIONS, PLAN

STREAM = CONTRACTS.streams["runs"]
JOURNAL = journal_of("runs")
START_MS = 1_790_000_000_000


class Journal:
    """The tables of one stream, and the reader of its journal; everything that was ever appended is in `since` but for the last rows."""

    def __init__(self, folder: Path) -> None:
        catalog = InMemoryCatalog("lake", warehouse=str(folder / "lake"))
        for spec in all_tables(CONTRACTS, DEFINITIONS):
            if spec.name in {JOURNAL, QUARANTINE, duplicates_of("runs")}:
                ensure_table(catalog, spec)
        self.tables = TaggedTables(catalog)
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        self.reader = JournalReader(self.tables, self.connection, STREAM, tuple(PLAN.values()), folder / "identities")

    def append(self, *offsets: int, after_ms: int = 0) -> int:
        """Journal started runs at these offsets of partition 0, a file for all; the new head."""
        table = self.tables.look(JOURNAL)
        table.append(pa.Table.from_pylist([_delivery(offset, after_ms) for offset in offsets], schema=table.schema().as_arrow()))
        return head_of(table)

    def quarantine(self, offset: int) -> None:
        """Quarantine an offset for readers."""
        table = self.tables.look(QUARANTINE)
        row = {"topic": STREAM.topic, "partition": 0, "offset": offset, "reason": "refused_by_gate"}
        before = head_of(table)
        table.append(pa.Table.from_pylist([row], schema=table.schema().as_arrow()))
        self.tables.move_tags([TagMove(QUARANTINE, before, head_of(table))])

    def open(self, since: int, position: Position) -> Offsets | None:
        """Open what was appended after `since`."""
        self.tables.look(JOURNAL)
        found = self.reader.open(StreamFrontier({0: position}, {}), since, self.head, {0: position.next_offset})
        return found.get(0)

    @property
    def head(self) -> int:
        """The journal's head."""
        return head_of(self.tables.look(JOURNAL))

    @property
    def offsets(self) -> list[int]:
        """Offsets of all rows of the head."""
        return sorted(self.tables.look(JOURNAL).scan().to_arrow()["offset"].to_pylist())


def _delivery(offset: int, after_ms: int) -> dict[str, Any]:
    at = datetime.fromtimestamp((START_MS + after_ms + offset) / 1000, UTC)
    event = {"event_id": f"e-{offset}", "event_type": "run.started", "event_time": at, "source": "test", "tenant_id": "acme", "run_id": "r", "run_kind": "job"}
    return {**event, "is_canary": False, "topic": STREAM.topic, "partition": 0, "offset": offset, "appended_at": at}


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path)
    yield journal
    journal.connection.close()


def test_rows_committed_again_below_the_position_are_taken_out(journal: Journal) -> None:
    since = journal.append(0, 1, 2)
    journal.append(1, 2)
    assert journal.open(since, Position(3, 3)) == Offsets(0, 0, 2, 2, -1)
    journal.reader.drop_double_commits()
    assert journal.offsets == [0, 1, 2]


@pytest.mark.parametrize("position", [Position(3, 3), Position(0, 3, quarantined=1)], ids=["published", "explained"])
def test_a_row_committed_after_its_offset_was_quarantined_is_taken_out(journal: Journal, position: Position) -> None:
    since = journal.append(0, 2) if position.next_offset else journal.head
    if not position.next_offset:
        journal.append(0, 2)
    journal.quarantine(1)
    journal.append(1, 3)
    found = journal.open(since, position)
    assert found
    assert found.repeated == 1
    journal.reader.drop_double_commits()
    assert journal.offsets == [0, 2, 3]


def test_a_quarantined_offset_that_is_not_journaled_repeats_nothing(journal: Journal) -> None:
    since = journal.append(0, 2)
    journal.quarantine(1)
    journal.append(2, 3)
    found = journal.open(since, Position(3, 3))
    assert found
    assert (found.repeated, found.rows) == (1, 1)
