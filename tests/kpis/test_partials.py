"""Which columns the streams write: shared between KPIs, split into what is counted in the stream and what is read back."""

from __future__ import annotations

from typing import Any

import pytest

from contracts.model import CANARY
from kpis.expressions import parse
from kpis.model import Kpi, Measure
from kpis.partials import WINDOW_COLUMNS, key_columns, measure_sql, reading, stored_column, stored_kpi, stream_keys
from tests.statements import CONTRACTS, DEFINITIONS, PLAN

HISTOGRAM: dict[str, Any] = {
    "kpi": "wait",
    "title": "How long it took",
    "description": "How long it took.",
    "owner": "team",
    "unit": "ms",
    "better": "lower",
    "stream": "model_calls",
    "histogram": "duration_ms",
}
KEYS = frozenset({"event_type", "is_leaf"})


def test_a_condition_on_keys_is_applied_when_partials_are_read() -> None:
    assert reading(Measure(kind="sum", value="cost_usd", where="is_leaf"), KEYS).column == "sum_cost_usd"


def test_any_other_condition_is_part_of_the_columns_name() -> None:
    read = reading(Measure(kind="sum", value="cost_usd", where="is_leaf AND attempt > 1"), KEYS)
    assert (read.column, read.where) == ("sum_cost_usd_if_attempt_gt_1", parse("is_leaf"))


def test_a_count_by_keys_needs_no_column_of_its_own() -> None:
    assert reading(Measure(kind="count", where="event_type = 'a'"), KEYS).column == "n"


def test_kpis_share_the_column_of_the_same_expression() -> None:
    names = [name for name in PLAN["kpis"].columns if "input_tokens" in name]
    assert names == ["sum_input_tokens"]


def test_a_flag_in_a_condition_becomes_a_key() -> None:
    assert "is_leaf" in stream_keys(CONTRACTS.streams["model_calls"], DEFINITIONS.of_stream("model_calls"))


@pytest.mark.parametrize("table", ["kpis", "histograms"])
def test_no_kpi_is_counted_by_an_id_of_many_values(table: str) -> None:
    assert not {"run_id", "step_id", "call_id", "event_id", "trace_id", "trigger_id"} & set(PLAN[table].keys)


@pytest.mark.parametrize("table", PLAN)
def test_every_table_names_stream_and_window(table: str) -> None:
    assert list(PLAN[table].columns)[: len(WINDOW_COLUMNS)] == list(WINDOW_COLUMNS)


@pytest.mark.parametrize("table", ["kpis", "histograms"])
def test_canaries_of_every_stream_are_counted(table: str) -> None:
    counted = [one.stream for one in PLAN[table].aggregations if CANARY in one.buckets or not (one.where or one.buckets)]
    assert counted == list(CONTRACTS.streams)


@pytest.mark.parametrize(
    ("measure", "sql"),
    [
        (Measure(kind="count"), "COUNT(*)"),
        (Measure(kind="count", where="a"), "COUNT(CASE WHEN a THEN 1 END)"),
        (Measure(kind="sum", value="a"), "SUM(a)"),
        (Measure(kind="min", value="a", where="b"), "MIN(CASE WHEN b THEN a END)"),
    ],
)
def test_a_measure_is_one_aggregate(measure: Measure, sql: str) -> None:
    assert measure_sql(measure).text == sql


def test_a_quote_in_a_ranked_value_stays_part_of_it() -> None:
    assert "WHEN 'it''s' THEN 1" in measure_sql(Measure(kind="latest", value="a", rank={"it's": 1})).sql("flink")


@pytest.mark.parametrize("kind", ["histogram", "presence"])
def test_a_histogram_is_no_aggregate(kind: str) -> None:
    with pytest.raises(ValueError, match="is not an aggregate expression"):
        measure_sql(Measure.model_validate({kind: "a"}))


def test_conditions_may_be_applied_to_base_dimensions() -> None:
    assert "tenant_id" in key_columns(CONTRACTS.streams["runs"])


@pytest.mark.parametrize(
    "change",
    [
        {"stream": "runs"},
        {"histogram": "duration_ms + 1"},
        {"where": "attempt > 1"},
        {"dimensions": ["provider"]},
        {"where": "attempt > 1", "dimensions": ["provider"]},
    ],
)
def test_a_histogram_that_is_told_otherwise_is_stored_under_another_name(change: dict[str, Any]) -> None:
    assert stored_kpi(Kpi(**HISTOGRAM)) != stored_kpi(Kpi(**HISTOGRAM | change))


def test_a_histogram_keeps_its_stored_name_when_only_its_words_change() -> None:
    assert stored_kpi(Kpi(**HISTOGRAM)) == stored_kpi(Kpi(**HISTOGRAM | {"title": "Wait", "owner": "others"}))


@pytest.mark.parametrize("change", [{"kind": "min"}, {"value": "b"}, {"where": "c"}, {"kind": "latest", "rank": {"d": 1}}])
def test_a_column_of_an_entity_that_is_told_otherwise_is_another_column(change: dict[str, Any]) -> None:
    before = {"kind": "max", "value": "a"}
    assert stored_column("status", Measure(**before)) != stored_column("status", Measure(**before | change))


def test_a_dimension_is_kept_on_the_event_types_of_which_a_kpi_needs_it() -> None:
    keys = stream_keys(CONTRACTS.streams["runs"], DEFINITIONS.of_stream("runs"))
    assert keys["workflow_id"].text == "CASE WHEN event_type IN ('run.failed', 'run.succeeded', 'run.timed_out') THEN workflow_id END"


def test_the_histograms_of_a_stream_are_one_aggregation() -> None:
    assert [one.stream for one in PLAN["histograms"].aggregations] == list(CONTRACTS.streams)


def test_only_the_columns_of_its_aggregations_are_read_for_a_table() -> None:
    read = PLAN["histograms"].reads("runs")
    assert read >= {"event_type", "started_at", "queue"}
    assert not read & {"kpi", "bucket", "task_id"}
