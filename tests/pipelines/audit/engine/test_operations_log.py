"""Status and log rows of publications, on a catalog in one file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.catalog.sql import SqlCatalog

from connectors.iceberg.tables import ensure_table
from contracts.datasets import AUDITS, DATASET_STATUS
from pipelines.audit.engine.operations_log import OperationsLog
from pipelines.audit.engine.tagged_tables import TaggedTables
from pipelines.audit.publication import STATUS
from pipelines.tables import all_tables
from tests.statements import CONTRACTS, DEFINITIONS

BATCH_MS = 60_000
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[SqlCatalog]:
    catalog = SqlCatalog("lake", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"file://{tmp_path}")
    for spec in all_tables(CONTRACTS, DEFINITIONS):
        if spec.name in {AUDITS, DATASET_STATUS}:
            ensure_table(catalog, spec)
    yield catalog
    catalog.close()


def write(catalog: SqlCatalog, cycle: int, now_ms: int, *, at_once: bool = False) -> None:
    """Write a publication with one log row, by a process that has just started."""
    row: dict[str, Any] = {"dataset": "journal.runs", "snapshot_id": cycle, "verdict": "pass", "audited_at": NOON, "cycle": cycle}
    status = [{"dataset": "serving.steps", "facts_through": NOON, "kpis_through": None, "cycle": cycle}]
    OperationsLog(TaggedTables(catalog), BATCH_MS).write(cycle, status, {AUDITS: [row]}, now_ms, at_once=at_once)


def logged(catalog: SqlCatalog) -> list[int]:
    return sorted(catalog.load_table(AUDITS).scan().to_arrow()["cycle"].to_pylist())


def test_the_status_is_that_of_the_last_publication_and_costs_no_snapshot(catalog: SqlCatalog) -> None:
    before = catalog.load_table(DATASET_STATUS).metadata.snapshots
    write(catalog, 1, 0)
    write(catalog, 2, 1)
    table = catalog.load_table(DATASET_STATUS)
    noon_ms = round(NOON.timestamp() * 1000)
    assert json.loads(table.properties[STATUS]) == [{"dataset": "serving.steps", "facts_through": noon_ms, "kpis_through": None, "cycle": 2}]
    assert table.metadata.snapshots == before


def test_log_rows_wait_for_others(catalog: SqlCatalog) -> None:
    write(catalog, 1, 0)
    write(catalog, 2, BATCH_MS - 1)
    assert logged(catalog) == []
    write(catalog, 3, BATCH_MS)
    assert logged(catalog) == [1, 2, 3]


def test_rows_that_are_logged_are_not_pending_any_more(catalog: SqlCatalog) -> None:
    write(catalog, 1, 0, at_once=True)
    write(catalog, 2, 1, at_once=True)
    assert logged(catalog) == [1, 2]


def test_a_time_is_logged_as_it_was(catalog: SqlCatalog) -> None:
    write(catalog, 1, 0, at_once=True)
    assert catalog.load_table(AUDITS).scan().to_arrow()["audited_at"].to_pylist() == [NOON]


def test_a_publication_that_is_written_again_after_a_crash_is_logged_once(catalog: SqlCatalog, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    write(catalog, 1, 0)
    monkeypatch.setattr("pipelines.audit.engine.operations_log.set_properties", die)
    with pytest.raises(KeyboardInterrupt):
        write(catalog, 2, BATCH_MS)
    monkeypatch.undo()
    write(catalog, 2, BATCH_MS + 1)
    assert logged(catalog) == [1, 2]
