"""KPI definitions as values: short forms, and what no definition may say."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from kpis.model import Entity, Kpi, Measure

KPI = {"kpi": "cost", "title": "Cost", "description": "What it cost.", "owner": "team", "unit": "USD", "better": "lower", "stream": "jobs"}
ENTITY = {"entity": "jobs", "title": "Jobs", "description": "A job.", "owner": "team", "key": "job_id", "freshness_seconds": 30}
COLUMNS = {"tries": {"type": "integer", "description": "Attempts."}}


def kpi(**parts: Any) -> Kpi:
    return Kpi(**KPI, **parts)


def test_a_measure_is_named_by_its_kind() -> None:
    assert Measure.model_validate({"sum": "cost_usd", "where": "is_leaf"}) == Measure(kind="sum", value="cost_usd", where="is_leaf")


def test_a_count_is_its_condition() -> None:
    assert Measure.model_validate({"count": "a = 1", "where": "b = 2"}) == Measure(kind="count", where="b = 2 AND a = 1")


def test_two_measures_in_one_are_refused() -> None:
    with pytest.raises(ValidationError, match="must be one measure, not sum and max"):
        Measure.model_validate({"sum": "a", "max": "a"})


@pytest.mark.parametrize("expression", ["a / b", "SQRT(a)", "a % 2", "CAST(a AS INT)", "(SELECT 1)", "COUNT(a)", "a || b", "CURRENT_TIMESTAMP"])
def test_what_engines_compute_differently_is_refused(expression: str) -> None:
    with pytest.raises(ValidationError, match="is not allowed in a definition"):
        Measure(kind="sum", value=expression)


def test_what_is_no_expression_is_refused() -> None:
    with pytest.raises(ValidationError, match="is not an expression"):
        Measure(kind="sum", value="a +")


def test_sums_are_named_by_their_fields() -> None:
    assert kpi(sums=["a", "b"]).measures == {"a": Measure(kind="sum", value="a"), "b": Measure(kind="sum", value="b")}


def test_a_ratio_has_a_numerator_and_a_denominator() -> None:
    with pytest.raises(ValidationError, match="exactly a numerator and a denominator"):
        kpi(numerator={"count": "a"})


def test_a_kpi_without_a_measure_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least one is needed"):
        kpi(measures={})


def test_the_condition_of_a_kpi_narrows_its_measures() -> None:
    found = kpi(where="is_leaf", histogram="duration_ms").histogram
    assert found == Measure(kind="histogram", value="duration_ms", where="is_leaf")


def test_an_entity_has_no_contribution_without_a_column() -> None:
    with pytest.raises(ValidationError, match=r"streams\.jobs: 'retries' is not a column"):
        Entity(**ENTITY, columns=COLUMNS, streams={"jobs": {"retries": {"max": "tries"}}})


def test_streams_fold_a_column_of_an_entity_alike() -> None:
    with pytest.raises(ValidationError, match=r"streams\.other\.tries: must be a max"):
        Entity(**ENTITY, columns=COLUMNS, streams={"jobs": {"tries": {"max": "tries"}}, "other": {"tries": {"sum": "tries"}}})


STATUS = {"status": {"type": "string", "description": "Where it is."}}


def test_only_the_latest_value_is_ranked() -> None:
    with pytest.raises(ValidationError, match="rank: has no meaning for a max"):
        Measure(kind="max", value="status", rank={"done": 1})


@pytest.mark.parametrize("rank", [{"done": 0}, {"done": 16}, {"done": 1, "failed": 1}])
def test_ranks_are_different_numbers_beside_the_time(rank: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="ranks must be different numbers from 1 to 15"):
        Measure(kind="latest", value="status", rank=rank)


def test_streams_rank_a_column_of_an_entity_alike() -> None:
    streams = {"jobs": {"status": {"latest": "a", "rank": {"done": 1}}}, "other": {"status": {"latest": "a"}}}
    with pytest.raises(ValidationError, match=r"streams\.other\.status: must be ranked as in the other streams"):
        Entity(**ENTITY, columns=STATUS, streams=streams)


def test_a_latest_value_is_text() -> None:
    with pytest.raises(ValidationError, match=r"streams\.jobs\.tries: only a column of type string has a latest value"):
        Entity(**ENTITY, columns=COLUMNS, streams={"jobs": {"tries": {"latest": "tries"}}})
