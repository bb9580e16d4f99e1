"""A journal in a catalog on this disk, and the reader of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from pyiceberg.catalog.memory import InMemoryCatalog
from pyiceberg.io.pyarrow import _dataframe_to_data_files

from connectors.iceberg.files import head_of, replace_files
from connectors.iceberg.tables import ensure_table
from contracts.datasets import QUARANTINE, duplicates_of, journal_of
from pipelines.audit.decisions.lake import Offsets, TagMove
from pipelines.audit.engine.journal_reader import JournalReader
from pipelines.audit.engine.missing_offsets import NOT_JOURNALED
from pipelines.audit.engine.tagged_tables import TaggedTables
from pipelines.audit.publication import Epoch, Position, StreamFrontier
from pipelines.tables import all_tables
from tests.statements import CONTRACTS, DEFINITIONS, PLAN

STREAM = CONTRACTS.streams["runs"]
JOURNAL = journal_of("runs")
EPOCHS = (Epoch(-1, STREAM.topic, "first"),)
START_MS = 1_790_000_000_000
HASH = 77
"""Of whatever is journaled here."""


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
        table.append(pa.Table.from_pylist([delivery(offset, after_ms) for offset in offsets], schema=table.schema().as_arrow()))
        return head_of(table)

    def commit(self, *files: list[dict[str, Any]]) -> int:
        """Journal rows as one checkpoint of the stream does it: a file per event day, all in one snapshot; the new head."""
        table = self.tables.look(JOURNAL)
        rows = [pa.Table.from_pylist(file, schema=table.schema().as_arrow()) for file in files]
        written = [file for each in rows for file in _dataframe_to_data_files(table.metadata, each, table.io)]
        replace_files(table, (), written, None)
        return head_of(table)

    def recommit(self, snapshot: int) -> None:
        """Commit the files of a snapshot again, as they are."""
        table = self.tables.look(JOURNAL)
        replace_files(table, (), [task.file for task in table.scan(snapshot_id=snapshot).plan_files()], None)

    def repair(self, since: int) -> int:
        """Open what came after `since`, and repair it when rows must go; how many rows had to go."""
        found = self.open(since, Position(0, 0))
        if found and found.repeated:
            self.reader.drop_double_commits()
        return found.repeated if found else 0

    def quarantine(self, offset: int, after_ms: int = 0, reason: str = NOT_JOURNALED) -> None:
        """Quarantine an offset for readers."""
        table = self.tables.look(QUARANTINE)
        row = {"topic": STREAM.topic, "partition": 0, "offset": offset, "reason": reason, "appended_at": appended_at(offset, after_ms)}
        before = head_of(table)
        table.append(pa.Table.from_pylist([row], schema=table.schema().as_arrow()))
        self.tables.move_tags([TagMove(QUARANTINE, before, head_of(table))])

    def open(self, since: int, position: Position) -> Offsets | None:
        """Open what was appended after `since`."""
        self.tables.look(JOURNAL)
        found = self.reader.open(StreamFrontier({0: position}, {}, epochs=EPOCHS), since, self.head)
        return found.get(0)

    @property
    def head(self) -> int:
        """The journal's head."""
        return head_of(self.tables.look(JOURNAL))

    @property
    def offsets(self) -> list[int]:
        """Offsets of all rows of the head."""
        return sorted(self.tables.look(JOURNAL).scan().to_arrow()["offset"].to_pylist())


def appended_at(offset: int, after_ms: int = 0) -> datetime:
    """When the record at an offset was appended, and happened."""
    return datetime.fromtimestamp((START_MS + after_ms + offset) / 1000, UTC)


def delivery(offset: int, after_ms: int, **fields: Any) -> dict[str, Any]:
    """A started run as a row of the journal."""
    at = appended_at(offset, after_ms)
    event = {"event_id": f"e-{offset}", "event_type": "run.started", "event_time": at, "source": "test", "tenant_id": "acme", "run_id": "r", "run_kind": "job"}
    place = {"topic": STREAM.topic, "partition": 0, "offset": offset, "appended_at": at}
    return {**event, "is_canary": False, "payload_hash": HASH, **place, **fields}
