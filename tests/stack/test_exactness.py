"""Repeats, conflicting repeats, late and disordered events and nonsense: what readers see is exact to the last row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from tests.stack import oracle
from tests.stack.comparison import assert_fact, assert_percentiles, assert_runs, assert_same_rows, assert_sums
from tests.stack.load import NANO, TENANTS, counted, deliveries, repeats, send_load
from tests.stack.oracle import FACTS, GRAINS, PERCENTILES, SUMS
from tests.stack.readings import ask

if TYPE_CHECKING:
    from connectors.trino.client import TrinoClient
    from tests.stack.local_stack import Stack

pytestmark = pytest.mark.stack
Events = dict[str, pl.DataFrame]


@pytest.fixture(scope="module")
def sent(stack: Stack) -> pl.DataFrame:
    """Everything that was simulated, audited."""
    stack.await_audited(send_load(stack, seed=11, rate=1200, count=15_000))
    return deliveries(stack)


@pytest.fixture(scope="module")
def events(sent: pl.DataFrame) -> Events:
    return {stream: counted(sent, stream) for stream in ("runs", "model_calls")}


@pytest.fixture(scope="module")
def trino(stack: Stack) -> TrinoClient:
    return stack.trino()


@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_is_the_first_delivery_of_each_identity_field_by_field(trino: TrinoClient, events: Events, fact: str) -> None:
    assert_fact(trino, events, fact)


@pytest.mark.parametrize("stream", ["runs", "model_calls"])
def test_every_repeat_is_listed_and_told_apart_from_a_conflict(stack: Stack, sent: pl.DataFrame, stream: str) -> None:
    table = stack.catalog.load_table(f"audit.duplicates_{stream}")
    columns = ("partition", "offset", "conflicting")
    listed = pl.DataFrame(table.scan(selected_fields=columns, snapshot_id=table.metadata.refs["audited"].snapshot_id).to_arrow())
    wanted = repeats(sent.filter(stream=stream)).drop("stream")
    assert_same_rows(listed.select(columns).join(sent.filter(stream=stream), on=columns[:2], how="semi"), wanted)


@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize("kpi", SUMS)
def test_sums_of_a_kpi_are_exact(trino: TrinoClient, events: Events, kpi: str, grain: str) -> None:
    assert_sums(trino, events, kpi, grain)


@pytest.mark.parametrize("kpi", [name for name, definition in SUMS.items() if definition.is_ratio])
def test_a_ratio_is_its_numerator_over_its_denominator(trino: TrinoClient, sent: pl.DataFrame, kpi: str) -> None:
    assert sent.height
    wrong = "value IS DISTINCT FROM CAST(numerator AS DOUBLE) / NULLIF(denominator, 0)"
    assert ask(trino, f"SELECT * FROM serving.kpi_{kpi} WHERE {wrong}").rows() == []


@pytest.mark.parametrize("grain", GRAINS)
@pytest.mark.parametrize("kpi", PERCENTILES)
def test_percentiles_are_within_one_percent(trino: TrinoClient, events: Events, kpi: str, grain: str) -> None:
    assert_percentiles(trino, events, kpi, grain)


def test_runs_are_folded_exactly_from_both_streams(trino: TrinoClient, events: Events) -> None:
    assert_runs(trino, events)


@pytest.mark.parametrize("kpi", SUMS)
def test_the_long_view_has_the_same_values(trino: TrinoClient, events: Events, kpi: str) -> None:
    definition = SUMS[kpi]
    wanted = oracle.sums(definition, events[definition.stream], GRAINS[""])
    if definition.is_ratio:
        ratio = wanted.filter(pl.col("denominator") > 0).select(value=pl.col("numerator") / pl.col("denominator"))
        totals = {"value": ratio["value"].sum()}
    else:
        totals = {name: wanted[name].sum() / (NANO if kpi == "model_cost" else 1) for name in definition.values}
    found = trino.query(f"SELECT measure, SUM(value) FROM serving.kpis WHERE kpi = '{kpi}' AND {TENANTS} GROUP BY measure")[1]
    assert dict(found) == {measure: pytest.approx(total, rel=1e-9) for measure, total in totals.items() if total}


@pytest.mark.parametrize("kpi", PERCENTILES)
def test_the_long_view_has_the_same_percentiles(trino: TrinoClient, sent: pl.DataFrame, kpi: str) -> None:
    assert sent.height
    long = f"SELECT COUNT(*), SUM(value) FROM serving.kpis WHERE kpi = '{kpi}' AND measure = 'p95'"
    (found,), (wanted,) = trino.query(long)[1], trino.query(f"SELECT COUNT(*), SUM(p95) FROM serving.kpi_{kpi}")[1]
    assert found == pytest.approx(wanted, rel=1e-9)


def test_no_window_was_left_unexplained(trino: TrinoClient, sent: pl.DataFrame) -> None:
    assert sent.height
    assert trino.query("SELECT * FROM ops.reconciliation WHERE verdict NOT IN ('stand', 'duplicate', 'clash', 'supplement', 'late', 'double_commit')")[1] == []
