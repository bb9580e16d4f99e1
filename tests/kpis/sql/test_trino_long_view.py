"""The long view says the same as the view of each KPI."""

from __future__ import annotations

import pytest

from kpis.partials import stored_kpi
from tests.kpis.sql.reader_views import BASE, read
from tests.statements import DEFINITIONS

CALLS = BASE | {"stream": "model_calls", "event_type": "model.completed", "is_leaf": True, "n": 4, "provider": "p", "sum_input_tokens": 10, "sum_cost_usd": 5}
FAILED = CALLS | {"event_type": "model.failed", "n": 1, "sum_input_tokens": None, "sum_cost_usd": None}
ROWS = {"nothing failed": [CALLS], "one failed": [CALLS, FAILED], "all failed": [FAILED]}


def long(kpi: str, rows: list[dict[str, object]]) -> list[object]:
    return [row["value"] for row in read("serving.kpis", rows) if row["kpi"] == kpi]


@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("kpi", ["model_error_rate", "rate_limited_share"])
def test_a_rate_is_the_same_in_both_forms(kpi: str, rows: list[dict[str, object]]) -> None:
    (short,) = read(f"serving.kpi_{kpi}", rows)
    assert long(kpi, rows) == [short["value"]]


@pytest.mark.parametrize("kpi", ["cache_hit_ratio", "model_cost"])
def test_a_sum_is_the_same_in_both_forms(kpi: str) -> None:
    (short,) = read(f"serving.kpi_{kpi}", [CALLS])
    assert long(kpi, [CALLS]) == [float(short["value"])]


def test_a_percentile_is_the_same_in_both_forms() -> None:
    rows = [BASE | {"stream": "model_calls", "kpi": stored_kpi(DEFINITIONS.kpis["model_latency"]), "bucket": 90, "n": 3}]
    (short,) = read("serving.kpi_model_latency", rows, table="histograms")
    assert {row["measure"]: row["value"] for row in read("serving.kpis", rows, table="histograms")} == {rank: short[rank] for rank in ("p50", "p95", "p99")}
