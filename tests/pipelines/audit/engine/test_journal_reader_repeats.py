"""One stream's journal in real tables: what is told again is found, on whatever day and after whatever restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from connectors.iceberg.files import completed, head_of, planned_paths
from connectors.iceberg.tables import ensure_table
from contracts.datasets import DUPLICATES, duplicates_of
from pipelines.audit.engine import journal_reader
from pipelines.audit.engine.journal_reader import JournalReader
from pipelines.audit.engine.tagged_tables import TaggedTables
from pipelines.audit.publication import Position, StreamFrontier
from pipelines.tables import dataset_tables, journal_table
from tests.statements import CONTRACTS, PLAN

if TYPE_CHECKING:
    from pathlib import Path

    from pyiceberg.table import Table

STREAM = CONTRACTS.streams["runs"]
AT = datetime(2026, 3, 1, 23, 59, 59, tzinfo=UTC)


def delivery(offset: int, event_id: str, **fields: Any) -> dict[str, Any]:
    event = {"event_type": "run.started", "event_time": AT, "source": "test", "tenant_id": "acme", "region": "eu", "run_id": "r", "event_id": event_id}
    place = {"topic": STREAM.topic, "partition": 0, "offset": offset, "appended_at": AT + timedelta(seconds=offset)}
    return {**event, **place, **fields}


class Audit:
    """A journal, its table of duplicates, and the reader that a process of the audit has of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        catalog = SqlCatalog("lake", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}")
        for spec in (journal_table(STREAM), *dataset_tables(CONTRACTS.datasets[DUPLICATES], [STREAM.name])):
            ensure_table(catalog, spec)
        self.catalog = TaggedTables(catalog)
        self.journal = catalog.load_table(STREAM.journal)
        self.published = head_of(self.journal)
        self.positions: dict[int, Position] = {}
        self.reader = self.start()

    def start(self) -> JournalReader:
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        return JournalReader(self.catalog, connection, STREAM, tuple(PLAN.values()), self.folder / "identities")

    def publish(self, *deliveries: dict[str, Any]) -> list[dict[str, Any]]:
        """Journal some deliveries, publish them, and return the rows of the duplicates among them."""
        self.journal.append(completed(pa.Table.from_pylist(list(deliveries)), self.journal.schema().as_arrow()))
        self.catalog.look(STREAM.journal)
        head = head_of(self.journal)
        self.reader.open(self.frontier, self.published, head)
        self.reader.find_duplicates()
        rows: list[dict[str, Any]] = self.reader.duplicates.to_pylist()
        self._stage()
        self.published = head
        for one in deliveries:
            self.positions[one["partition"]] = Position(one["offset"] + 1, one["offset"] + 1)
        self.reader.remember(self.frontier)
        return rows

    def _stage(self) -> None:
        name = duplicates_of(STREAM.name)
        before = self.catalog.tag(name)
        self.catalog.append(name, before, self.reader.duplicates.append_column("cycle", pa.array([1] * len(self.reader.duplicates))))
        with self.catalog.changing(name) as table:
            table.manage_snapshots().create_tag(head_of(table), "audited").commit()

    @property
    def frontier(self) -> StreamFrontier:
        return StreamFrontier(self.positions, {})


@pytest.fixture
def audit(tmp_path: Path) -> Audit:
    return Audit(tmp_path)


def places(rows: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(row["offset"], row["winner_offset"]) for row in rows]


def test_an_event_that_is_told_again_with_the_time_of_the_next_day_is_a_repeat(audit: Audit) -> None:
    assert places(audit.publish(delivery(0, "a"), delivery(1, "a", event_time=AT + timedelta(seconds=1)))) == [(1, 0)]


def test_a_repeat_of_what_was_published_on_another_day_is_found(audit: Audit) -> None:
    audit.publish(delivery(0, "a"))
    (found,) = audit.publish(delivery(1, "b"), delivery(2, "a", event_time=AT + timedelta(seconds=1)))
    assert (found["offset"], found["winner_offset"], found["differing_fields"]) == (2, 0, "event_time")


def test_a_repeat_of_long_ago_is_found_though_its_fields_are_not_compared(audit: Audit) -> None:
    audit.publish(delivery(0, "a", event_time=AT - timedelta(days=300)))
    (found,) = audit.publish(delivery(1, "a"))
    assert (found["winner_offset"], found["conflicting"], found["differing_fields"]) == (0, True, None)


def test_a_repeat_of_a_delivery_that_was_journaled_without_a_hash_is_compared(audit: Audit) -> None:
    audit.publish(delivery(0, "a"), delivery(1, "b"))
    found = audit.publish(delivery(2, "a", payload_hash=7), delivery(3, "b", payload_hash=8, region="us"))
    assert [(row["winner_offset"], row["conflicting"], row["differing_fields"]) for row in found] == [(0, False, None), (1, True, "region")]


def test_a_new_process_knows_what_was_published(audit: Audit) -> None:
    audit.publish(delivery(0, "a"))
    audit.reader = audit.start()
    assert places(audit.publish(delivery(1, "a"))) == [(1, 0)]


def test_an_index_that_is_lost_is_read_from_the_journal_again(audit: Audit) -> None:
    audit.publish(delivery(0, "a"), delivery(1, "b"))
    audit.publish(delivery(2, "a"))
    audit.folder = audit.folder / "elsewhere"
    audit.reader = audit.start()
    assert places(audit.publish(delivery(3, "a"), delivery(4, "b"))) == [(3, 0), (4, 1)]


def test_a_repeat_does_not_become_the_delivery_that_counts_when_the_index_is_lost(audit: Audit) -> None:
    audit.publish(delivery(0, "a", appended_at=AT + timedelta(seconds=9)), delivery(0, "a", partition=1))
    audit.folder = audit.folder / "elsewhere"
    audit.reader = audit.start()
    (found,) = audit.publish(delivery(1, "a"))
    assert (found["winner_partition"], found["winner_offset"]) == (1, 0)


def test_an_index_that_is_lost_is_built_anew_from_the_first_offset_that_is_journaled(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    audit.publish(delivery(5_000_000_000, "e-1", appended_at=AT))
    audit.folder = audit.folder / "elsewhere"
    planned: list[str] = []

    def plan(table: Table, snapshot: int, condition: str) -> list[str]:
        planned.append(condition)
        return planned_paths(table, snapshot, condition)

    monkeypatch.setattr(journal_reader, "planned_paths", plan)
    audit.reader = audit.start()
    repeats = audit.publish(delivery(5_000_000_001, "e-1", appended_at=AT + timedelta(seconds=1)))
    assert [row["winner_offset"] for row in repeats] == [5_000_000_000]
    assert len(planned) < 10
