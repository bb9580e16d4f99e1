"""Rows of the audit beside those of the stream: added up, and hidden where a window is replaced or held."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from kpis.partials import stored_kpi
from tests.kpis.sql.reader_views import BASE, read
from tests.statements import DEFINITIONS

STARTED = BASE | {"stream": "runs", "event_type": "run.started", "run_kind": "agent"}
LATENCY = BASE | {"stream": "model_calls", "kpi": stored_kpi(DEFINITIONS.kpis["model_latency"])}
RUN = {"stream": "runs", "is_canary": False, "tenant_id": "acme"}


def row(like: dict[str, Any], n: int, **parts: Any) -> dict[str, Any]:
    return like | {"n": n} | parts


@pytest.mark.parametrize(("kind", "value"), [("supplement", 5), ("adjustment", 5), ("replacement", 2)])
def test_only_what_replaces_a_window_hides_the_streams_rows(kind: str, value: int) -> None:
    found = read("serving.kpi_runs_started", [row(STARTED, 3)], [row(STARTED, 2, kind=kind)])
    assert [one["value"] for one in found] == [value]


def test_a_held_window_shows_nothing() -> None:
    assert read("serving.kpi_runs_started", [row(STARTED, 3)], [row(STARTED, 0, kind="held")]) == []


def test_a_duplicate_is_taken_out_again() -> None:
    found = read("serving.kpi_runs_started", [row(STARTED, 3)], [row(STARTED, -1, kind="adjustment")])
    assert [one["value"] for one in found] == [2]


@pytest.mark.parametrize("view", ["serving.kpi_runs_started", "serving.kpi_runs_started_hourly"])
def test_a_cell_of_which_nothing_is_left_is_not_shown(view: str) -> None:
    assert read(view, [row(STARTED, 3)], [row(STARTED, -3, kind="adjustment")]) == []


def test_a_bucket_of_which_nothing_is_left_is_no_percentile() -> None:
    streamed = [row(LATENCY, 1, bucket=10), row(LATENCY, 9, bucket=400)]
    (found,) = read("serving.kpi_model_latency", streamed, [row(LATENCY, -9, bucket=400, kind="adjustment")], "histograms")
    assert (found["n"], found["p99"]) == (1, pytest.approx(1.02**9.5))


def test_percentiles_of_nothing_are_not_shown() -> None:
    assert read("serving.kpi_model_latency", [row(LATENCY, 2, bucket=10)], [row(LATENCY, -2, bucket=10, kind="adjustment")], "histograms") == []


def test_an_entity_of_which_nothing_is_left_is_not_shown() -> None:
    streamed = [row(RUN, 1, run_id="a"), row(RUN, 1, run_id="b")]
    found = read("serving.runs", streamed, [row(RUN, -1, run_id="a", kind="adjustment")], "runs")
    assert [one["run_id"] for one in found] == ["b"]


def test_sums_of_a_cell_may_outgrow_64_bits() -> None:
    call = BASE | {"stream": "model_calls", "event_type": "model.completed", "is_leaf": True, "sum_cost_usd": 2**63 - 1, "sum_input_tokens": 2**63 - 1}
    (cost,) = read("serving.kpi_model_cost", [row(call, 1), row(call, 1)])
    (tokens,) = read("serving.kpi_tokens", [row(call, 1), row(call, 1)])
    assert cost["value"] == Decimal(2**64 - 2) / 10**9
    assert (tokens["input_tokens"], tokens["output_tokens"]) == (None, 0)
