"""Status and logs of every publication without a data file for each: the status is a property, log rows are appended in batches."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from connectors.iceberg.files import head_of
from connectors.iceberg.tables import set_properties
from connectors.instants import epoch_ms, instant
from contracts.datasets import DATASET_STATUS
from pipelines.audit.publication import CYCLE, STATUS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelines.audit.engine.tagged_tables import TaggedTables

Row = dict[str, Any]

PENDING = "daybook.pending"
"""Property of DATASET_STATUS: log rows that are not yet in their tables, by table."""
LARGEST_PENDING = 200_000
"""Characters of pending rows that are appended at once, however young they are: each commit writes them again."""


class OperationsLog:
    """Writes what a publication leaves behind; the pending rows are as durable as the status beside them."""

    def __init__(self, catalog: TaggedTables, batch_ms: int) -> None:
        """`batch_ms`: how long log rows may wait for others."""
        self._catalog = catalog
        self._batch_ms = batch_ms

    def is_written(self, cycle: int) -> bool:
        """True when the status is that of the cycle."""
        return self._catalog.table(DATASET_STATUS).properties.get(CYCLE) == str(cycle)

    def write(self, cycle: int, status: list[Row], logs: Mapping[str, list[Row]], now_ms: int, *, at_once: bool) -> None:
        """Replace the status and log rows by table, each once however often this is repeated for a cycle.

        Columns are those of the tables; times are datetimes. `at_once`: no row may wait.
        """
        pending = self._pending(now_ms)
        for name, rows in logs.items():
            pending["rows"].setdefault(name, []).extend(_plain(row) for row in rows)
        kept = json.dumps(pending, separators=(",", ":"))
        if at_once or now_ms - pending["since_ms"] >= self._batch_ms or len(kept) > LARGEST_PENDING:
            self._append(cycle, pending["rows"])
            kept = ""
        properties = {CYCLE: str(cycle), STATUS: json.dumps([_plain(row) for row in status], separators=(",", ":")), PENDING: kept}
        with self._catalog.changing(DATASET_STATUS) as table:
            set_properties(table, properties)

    def _pending(self, now_ms: int) -> dict[str, Any]:
        text = self._catalog.table(DATASET_STATUS).properties.get(PENDING)
        pending: dict[str, Any] = json.loads(text) if text else {"since_ms": now_ms, "rows": {}}
        return pending

    def _append(self, cycle: int, pending: Mapping[str, list[Row]]) -> None:
        for name, rows in pending.items():
            log = self._catalog.table(name)
            if rows and log.properties.get(CYCLE) != str(cycle):
                self._catalog.append(name, head_of(log), _typed(rows, log.schema().as_arrow()), {CYCLE: str(cycle)})


def _plain(row: Row) -> Row:
    """A row as JSON has it: times in epoch ms."""
    return {name: epoch_ms(value) if hasattr(value, "timestamp") else value for name, value in row.items()}


def _typed(rows: list[Row], schema: pa.Schema) -> pa.Table:
    times = [field.name for field in schema if pa.types.is_timestamp(field.type)]
    read = [{**row, **{name: instant(row[name]) for name in times if row.get(name) is not None}} for row in rows]
    return pa.Table.from_pylist(read, schema=schema)
