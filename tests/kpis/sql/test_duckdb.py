"""The second computation in DuckDB."""

from __future__ import annotations

import math
from fractions import Fraction

import duckdb
import pytest

from contracts.model import CANARY
from kpis.model import Kpi
from kpis.partials import bucket_sql, column, plan, stored_kpi
from kpis.registry import Definitions
from kpis.sql.duckdb import overflow_query, recompute_query, window_end_of
from tests import statements

LAST_MS = 10**12


def exact_bucket(value: int) -> int:
    """The bucket by integer arithmetic: the least b with value < 1.02^b."""
    low, high = 0, 1500
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if value * 100**middle < 102**middle else (middle + 1, high)
    return low


def buckets(values: list[int]) -> list[int]:
    rows = duckdb.execute(f"SELECT {bucket_sql(column('value')).sql('duckdb')} FROM (SELECT unnest(?) AS value)", [values]).fetchall()
    return [int(row[0]) for row in rows]


def is_at_boundary(value: int) -> bool:
    """True for a value so close above a power of 1.02 that doubles cannot tell them apart."""
    low = exact_bucket(value) - 1
    return Fraction(value) / Fraction(102, 100) ** low - 1 < Fraction(1, 10**12)


def test_the_integers_beside_every_boundary_are_in_the_right_bucket() -> None:
    boundaries = [102**bucket // 100**bucket for bucket in range(exact_bucket(LAST_MS))]
    values = sorted({value for boundary in boundaries for value in (boundary - 1, boundary, boundary + 1) if 0 <= value <= LAST_MS})
    wrong = [value for value, bucket in zip(values, buckets(values), strict=True) if bucket != exact_bucket(value)]
    assert [value for value in wrong if not is_at_boundary(value)] == []


def test_a_bucket_is_read_back_within_one_percent() -> None:
    values = [1, 2, 49, 50, 51, 999, 1000, 86_400_000, LAST_MS]
    middles = [math.pow(1.02, bucket - 0.5) for bucket in buckets(values)]
    assert middles == [pytest.approx(value, rel=0.01) for value in values]


def test_what_is_below_one_is_in_the_lowest_bucket() -> None:
    assert buckets([-5, 0]) == [0, 0]


@pytest.mark.parametrize(("appended_ms", "end"), [(0, 10_000), (9_999, 10_000), (10_000, 20_000)])
def test_a_delivery_at_the_end_of_a_window_belongs_to_the_next(appended_ms: int, end: int) -> None:
    assert window_end_of(appended_ms) == end


def calls(*costs: int) -> str:
    """Relation of completed leaf calls with these costs, all in one cell of one window."""
    fields = (field.name for field in statements.CONTRACTS.streams["model_calls"].fields.values())
    told = {"event_type": "'model.completed'", "event_time": "60000::BIGINT", "tenant_id": "'acme'", "is_leaf": "TRUE", "cost_usd": "cost::BIGINT"}
    columns = ", ".join(f"{told.get(name, 'NULL')} AS {name}" for name in fields)
    return f"(SELECT {columns}, 12000::BIGINT AS appended_ms FROM (SELECT unnest({list(costs)}) AS cost))"


def recomputed(table: str, relation: str) -> list[dict[str, object]]:
    found = duckdb.execute(recompute_query(statements.PLAN[table], "model_calls", relation, "main"))
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_a_sum_of_more_than_64_bits_is_empty_and_nothing_else_is() -> None:
    (row,) = recomputed("kpis", calls(*[10**15] * 9300))
    assert (row["n"], row["sum_cost_usd"]) == (9300, None)


def test_a_sum_of_64_bits_is_kept() -> None:
    (row,) = recomputed("kpis", calls(2**62, 2**62 - 1))
    assert row["sum_cost_usd"] == 2**63 - 1


@pytest.mark.parametrize(("costs", "found"), [((2**62, 2**62), [(20_000, "sum_cost_usd")]), ((2**62, 2**62 - 1), [])])
def test_the_sums_that_outgrow_64_bits_are_told_by_window(costs: tuple[int, ...], found: list[tuple[int, str]]) -> None:
    query = overflow_query(statements.PLAN["kpis"], "model_calls", calls(*costs))
    assert query
    assert duckdb.execute(query).fetchall() == found


def test_a_stream_that_sums_nothing_cannot_outgrow_anything() -> None:
    assert overflow_query(statements.PLAN["histograms"], "runs", "delivered") is None


def test_an_event_is_counted_for_each_histogram_that_counts_it() -> None:
    rows = recomputed("histograms", calls(1).replace("NULL AS duration_ms", "100 AS duration_ms"))
    assert [(row["kpi"], row["bucket"], row["n"]) for row in rows] == [(stored_kpi(statements.DEFINITIONS.kpis["model_latency"]), exact_bucket(100), 1)]


def test_a_value_that_is_taken_from_another_field_is_counted_and_a_canary_is_not() -> None:
    told = dict.fromkeys(("title", "description", "owner"), "told") | {"unit": "ms", "better": "lower", "stream": "model_calls"}
    wait = Kpi.model_validate(told | {"kpi": "wait", "histogram": "COALESCE(duration_ms, time_to_first_token_ms, 7)"})
    table = plan(statements.CONTRACTS, Definitions({"wait": wait}, {}))["histograms"]
    relation = f"({calls(1)[1:-1]} UNION ALL {calls(1)[1:-1].replace('model.completed', CANARY)})"
    rows = duckdb.execute(f"SELECT kpi, bucket, n FROM ({recompute_query(table, 'model_calls', relation, 'main')})").fetchall()
    assert sorted(rows) == [(CANARY, 0, 1), (stored_kpi(wait), exact_bucket(7), 1)]
