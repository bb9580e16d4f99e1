"""What Trino answers against what the oracle says, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polars.testing import assert_frame_equal

from tests.stack import oracle
from tests.stack.load import TENANTS
from tests.stack.oracle import FACTS, GRAINS, PERCENTILES, SUMS
from tests.stack.readings import ask, billionths, milliseconds, read_fact

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from connectors.trino.client import TrinoClient

    Events = Mapping[str, pl.DataFrame]


def assert_same_rows(found: pl.DataFrame, wanted: pl.DataFrame) -> None:
    """The same rows in any order."""
    assert found.height == wanted.height, f"{found.height} rows, not {wanted.height}"
    assert_frame_equal(found, wanted.select(found.columns), check_row_order=False, check_dtypes=False, check_exact=True)


def assert_fact(trino: TrinoClient, events: Events, fact: str) -> None:
    """A fact, field by field."""
    stream, belongs = FACTS[fact]
    assert_same_rows(read_fact(trino, fact, stream, TENANTS), events[stream].filter(belongs))


def assert_sums(trino: TrinoClient, events: Events, kpi: str, grain: str) -> None:
    """A KPI of sums, with every dimension."""
    definition = SUMS[kpi]
    values = [billionths("value")] if kpi == "model_cost" else [*definition.values]
    columns = ", ".join([milliseconds("period_start"), *oracle.BASE, *map('"{}"'.format, definition.dimensions), *values])
    found = ask(trino, f"SELECT {columns} FROM serving.kpi_{kpi}{grain} WHERE {TENANTS}")
    assert_same_rows(found, oracle.sums(definition, events[definition.stream], GRAINS[grain]))


def assert_percentiles(trino: TrinoClient, events: Events, kpi: str, grain: str) -> None:
    """A KPI of percentiles: numbers of values exactly, percentiles within one percent."""
    definition = PERCENTILES[kpi]
    keys = ["period_start", *oracle.BASE, *definition.dimensions]
    wanted = oracle.percentiles(definition, events[definition.stream], GRAINS[grain])
    columns = ", ".join([milliseconds("period_start"), *keys[1:], "n", "p50", "p95", "p99"])
    found = ask(trino, f"SELECT {columns} FROM serving.kpi_{kpi}{grain} WHERE {TENANTS}")
    assert_same_rows(found.select(*keys, "n"), wanted)
    both = found.join(wanted, on=keys, suffix="_exact", nulls_equal=True)
    assert [row for row in both.iter_rows(named=True) for rank in ("p50", "p95", "p99") if not oracle.is_close(row[rank], row[f"{rank}_exact"])] == []


def assert_runs(trino: TrinoClient, events: Events) -> None:
    """Every run, folded from both streams."""
    wanted = oracle.runs(events["runs"], events["model_calls"])
    times = ("created_at", "started_at", "finished_at", "last_event_at")
    special = {name: milliseconds(name) for name in times} | {"cost_usd": billionths("cost_usd")}
    columns = ", ".join(special.get(name, name) for name in wanted.columns)
    assert_same_rows(ask(trino, f"SELECT {columns} FROM serving.runs WHERE {TENANTS}"), wanted)
