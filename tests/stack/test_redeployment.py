"""A changed set of KPIs is deployed under load: what was counted before stays, what is counted from then on is exact."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
import pytest

from tests.stack.comparison import assert_fact, assert_percentiles, assert_runs, assert_sums
from tests.stack.load import TENANTS, counted, deliveries, load_going_on
from tests.stack.oracle import FACTS, PERCENTILES, SUMS

if TYPE_CHECKING:
    from connectors.trino.client import TrinoClient
    from tests.stack.local_stack import Stack

pytestmark = pytest.mark.stack
RATE = 200
PATIENCE_S = 420
ADDED = """\
kpi: runs_retried
title: Runs retried
description: Runs that were started again.
owner: run-platform
unit: runs
better: lower
stream: runs
count: event_type = 'run.started' AND attempt > 1
dimensions: [run_kind, queue]
"""


class Redeployed(NamedTuple):
    """What counts of everything that was sent, and the rows of `ops.deployments`, oldest first."""

    events: dict[str, pl.DataFrame]
    deployments: list[dict[str, Any]]


@pytest.fixture(scope="module")
def redeployed(stack: Stack) -> Redeployed:
    with load_going_on(stack, seed=31, rate=RATE):
        stack.await_audited(now_ms(), PATIENCE_S)
        (stack.definitions / "definitions" / "runs_retried.yaml").write_text(ADDED)
        stack.run_daybook("apply")
        stack.run_daybook("deploy")
        stack.await_audited(now_ms(), PATIENCE_S)
    sent = deliveries(stack)
    stack.await_audited(int(sent["appended_ms"].max()), PATIENCE_S)  # type: ignore[arg-type]
    rows = stack.catalog.load_table("ops.deployments").scan().to_arrow().to_pylist()
    return Redeployed({stream: counted(sent, stream) for stream in ("runs", "model_calls")}, sorted(rows, key=lambda row: row["deployed_at"]))


@pytest.fixture(scope="module")
def trino(stack: Stack) -> TrinoClient:
    return stack.trino()


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_another_definition_is_deployed(redeployed: Redeployed) -> None:
    before, after = redeployed.deployments[-2:]
    assert before["definition_hash"] != after["definition_hash"]


def test_the_added_kpi_counts_from_the_first_window_of_the_new_job(trino: TrinoClient, redeployed: Redeployed) -> None:
    first = json.loads(redeployed.deployments[-1]["starts"])["runs"]["windows_from"]["kpis"]
    since_ms = datetime.strptime(first, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp() * 1000
    wanted = redeployed.events["runs"].filter(event_type="run.started").filter(pl.col("attempt") > 1, pl.col("appended_ms") >= since_ms).height
    assert trino.query(f"SELECT SUM(value) FROM serving.kpi_runs_retried WHERE {TENANTS}")[1] == [(wanted,)]
    assert wanted


@pytest.mark.parametrize("fact", FACTS)
def test_facts_are_exact_after_a_deployment(trino: TrinoClient, redeployed: Redeployed, fact: str) -> None:
    assert_fact(trino, redeployed.events, fact)


@pytest.mark.parametrize("kpi", SUMS)
def test_sums_are_exact_after_a_deployment(trino: TrinoClient, redeployed: Redeployed, kpi: str) -> None:
    assert_sums(trino, redeployed.events, kpi, "")


@pytest.mark.parametrize("kpi", PERCENTILES)
def test_percentiles_are_right_after_a_deployment(trino: TrinoClient, redeployed: Redeployed, kpi: str) -> None:
    assert_percentiles(trino, redeployed.events, kpi, "_hourly")


def test_runs_are_exact_after_a_deployment(trino: TrinoClient, redeployed: Redeployed) -> None:
    assert_runs(trino, redeployed.events)


def test_a_deployment_holds_no_stream(trino: TrinoClient, redeployed: Redeployed) -> None:
    assert redeployed.events
    assert trino.query("SELECT dataset, reason FROM serving.dataset_status WHERE verdict <> 'pass'")[1] == []
