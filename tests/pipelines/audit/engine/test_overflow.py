"""Sums that outgrow 64 bits: one measure of one window, told apart from every other difference."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from connectors.instants import instant
from contracts.model import DECODED
from contracts.types import landed_type
from pipelines.audit.decisions.lake import Comparison
from pipelines.audit.engine.deliveries import Deliveries
from pipelines.audit.engine.streamed_partials import Streamed
from tests.statements import CONTRACTS, PLAN

STREAM = CONTRACTS.streams["model_calls"]
TABLE = PLAN["kpis"]
LANE = "main"
START_MS = 1_790_000_000_000
ARROW = {
    "string": pa.string(),
    "long": pa.int64(),
    "int": pa.int32(),
    "boolean": pa.bool_(),
    "double": pa.float64(),
    "money": pa.decimal128(18, 9),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}
JOURNAL = pa.schema([(field.name, ARROW[landed_type(field)]) for field in [*STREAM.fields.values(), *DECODED.values(), *STREAM.landing.values()]])
PARTIALS = pa.schema([(name, ARROW[column.type]) for name, column in TABLE.columns.items()])
DEAREST = Decimal(1_000_000)
CALLS = 9_300


def call(offset: int, after_ms: int, cost: Decimal) -> dict[str, Any]:
    """A leaf call, appended so long after the start."""
    at = instant(START_MS + after_ms)
    event = {"event_id": f"e-{offset}", "event_type": "model.completed", "event_time": at, "source": "test", "tenant_id": "acme", "is_leaf": True}
    return {**event, "cost_usd": cost, "partition": 0, "offset": offset, "appended_at": at}


class Audited:
    """A window in which the costs outgrow 64 bits and a window in which they do not, and what the stream wrote of them."""

    def __init__(self, folder: Path) -> None:
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        self.deliveries = Deliveries(self.connection, STREAM, [TABLE], JOURNAL.empty_table())
        self.streamed = Streamed(self.connection, TABLE, PARTIALS.empty_table(), LANE)
        rows = [call(offset, 0, DEAREST) for offset in range(CALLS)] + [call(CALLS, 10_000, DEAREST)]
        pq.write_table(pa.Table.from_pylist(rows, schema=JOURNAL), folder / "journal.parquet")
        self.deliveries.load([str(folder / "journal.parquet")], "TRUE", fresh=True)
        written = self.connection.sql(self.deliveries.recompute(TABLE, "TRUE", LANE)).to_arrow_table()
        pq.write_table(written.cast(PARTIALS), folder / "partials.parquet")
        self.streamed.load([str(folder / "partials.parquet")], fresh=True)
        self.connection.execute(f"UPDATE {self.streamed.name} SET sum_cost_usd = {CALLS * 10**15 - 2**64} WHERE sum_cost_usd IS NULL")

    def compare(self) -> list[Comparison]:
        return list(self.streamed.compare(self.deliveries, STREAM.name, START_MS - 1, START_MS + 60_000, set))


@pytest.fixture
def audited(tmp_path: Path) -> Iterator[Audited]:
    audited = Audited(tmp_path)
    yield audited
    audited.connection.close()


def test_the_measure_is_named_and_its_window_is_equal_otherwise(audited: Audited) -> None:
    found = [(one.window_end - START_MS, one.equal_raw, one.overflowed, one.equal_otherwise) for one in audited.compare()]
    assert found == [(10_000, False, ("sum_cost_usd",), True), (20_000, True, (), True)]


def test_another_difference_in_the_same_window_stays_one(audited: Audited) -> None:
    audited.connection.execute(f"UPDATE {audited.streamed.name} SET n = n + 1")
    assert [(one.overflowed, one.equal_otherwise) for one in audited.compare()] == [(("sum_cost_usd",), False), ((), False)]
