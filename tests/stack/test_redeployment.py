"""Changed contracts, KPIs and entities are deployed under load: what was counted before stays, what is counted from then on is exact."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
import pytest

from connectors.instants import now_ms
from connectors.kafka.records import canonical
from tests.stack.comparison import assert_fact, assert_percentiles, assert_runs, assert_sums
from tests.stack.load import TENANTS, counted, deliveries, load_going_on
from tests.stack.nonsense import good
from tests.stack.oracle import FACTS, PERCENTILES, SUMS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.trino.client import TrinoClient
    from tests.stack.local_stack import Place, Stack

pytestmark = pytest.mark.stack
RATE = 200
PATIENCE_S = 420
FIELD = "  colour: {type: string, max_length: 16, description: A field that producers have sent since before it was in the contract.}\n"
KPI_OF_THE_FIELD = """\
kpi: runs_red
title: Red runs
description: Runs that were started in red.
owner: run-platform
unit: runs
better: lower
stream: runs
count: event_type = 'run.started' AND colour = 'red'
dimensions: [run_kind]
"""
KPI = """\
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
ENTITY = """\
entity: attempts
title: Attempts
description: One row per run with how often it was started.
owner: run-platform
key: run_id
freshness_seconds: 30
columns:
  starts: {type: integer, description: Starts.}
  newest_event_at: {type: time, description: Time of the newest event.}
streams:
  runs:
    starts: {count: event_type = 'run.started'}
    newest_event_at: {max: event_time}
"""


class Redeployed(NamedTuple):
    """What counts of everything that was sent, where the red runs are, and the rows of `ops.deployments`, oldest first."""

    events: dict[str, pl.DataFrame]
    red: list[Place]
    deployments: list[dict[str, Any]]

    @property
    def starts(self) -> dict[str, Any]:
        """Where the newest job began to read the runs."""
        return dict(json.loads(self.deployments[-1]["starts"])["runs"])

    def since(self, table: str) -> pl.DataFrame:
        """Events of the runs that are in the windows which the newest job was the first to make of a table."""
        first = self.starts["windows_from"][table]
        since_ms = datetime.strptime(first, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp() * 1000
        return self.events["runs"].filter(pl.col("appended_ms") >= since_ms)


@pytest.fixture(scope="module")
def redeployed(stack: Stack) -> Redeployed:
    with load_going_on(stack, seed=31, rate=RATE), red_runs_going_on(stack) as red:
        stack.await_audited(now_ms(), PATIENCE_S)
        insert(stack.contracts / "events" / "runs" / "stream.yaml", "fields:\n", FIELD)
        insert(stack.contracts / "events" / "runs" / "run.started.yaml", "optional:\n", "  - colour\n")
        (stack.definitions / "definitions" / "runs_red.yaml").write_text(KPI_OF_THE_FIELD)
        (stack.definitions / "definitions" / "runs_retried.yaml").write_text(KPI)
        (stack.definitions / "entities" / "attempts.yaml").write_text(ENTITY)
        stack.run_daybook("apply")
        stack.kill("audit")
        stack.run_daybook("deploy")
        stack.await_audited(now_ms(), PATIENCE_S)
    sent = deliveries(stack)
    stack.await_audited(max(int(sent["appended_ms"].max()), *(place[2] for place in red)), PATIENCE_S)  # type: ignore[arg-type]
    rows = stack.catalog.load_table("ops.deployments").scan().to_arrow().to_pylist()
    events = {"runs": counted(sent, "runs").with_columns(colour=pl.lit(None, pl.String)), "model_calls": counted(sent, "model_calls")}
    return Redeployed(events, red, sorted(rows, key=lambda row: row["deployed_at"]))


@pytest.fixture(scope="module")
def trino(stack: Stack) -> TrinoClient:
    return stack.trino()


@contextmanager
def red_runs_going_on(stack: Stack) -> Iterator[list[Place]]:
    """Send a red run every now and then; where they are, once the block has ended."""
    places: list[Place] = []
    stop = Event()

    def send() -> None:
        while not stop.wait(0.2):
            number = len(places)
            event = {**good("runs", f"red-{number}", now_ms()), "event_type": "run.started", "colour": "red"}
            places.extend(stack.produce_raw("runs", [canonical(event)], key=f"red-{number}".encode()))

    sender = Thread(target=send)
    sender.start()
    try:
        yield places
    finally:
        stop.set()
        sender.join()


def insert(path: Path, after: str, text: str) -> None:
    source = path.read_text()
    assert after in source
    path.write_text(source.replace(after, after + text, 1))


def test_another_definition_is_deployed(redeployed: Redeployed) -> None:
    before, after = redeployed.deployments[-2:]
    assert before["statements_hash"] != after["statements_hash"]


def test_the_added_kpi_counts_from_the_first_window_of_the_new_job(trino: TrinoClient, redeployed: Redeployed) -> None:
    wanted = redeployed.since("kpis").filter(event_type="run.started").filter(pl.col("attempt") > 1).height
    assert trino.query(f"SELECT SUM(value) FROM serving.kpi_runs_retried WHERE {TENANTS}")[1] == [(wanted,)]
    assert wanted


def test_the_added_field_counts_from_the_first_record_that_the_new_job_journaled(trino: TrinoClient, redeployed: Redeployed) -> None:
    first = redeployed.starts["journal_from"]
    wanted = sum(offset >= first[str(partition)] for partition, offset, _ in redeployed.red)
    assert trino.query("SELECT SUM(value) FROM serving.kpi_runs_red")[1] == [(wanted,)]
    assert trino.query("SELECT COUNT(*) FROM serving.run_events WHERE colour = 'red'")[1] == [(wanted,)]
    assert 0 < wanted < len(redeployed.red)


def test_the_added_entity_is_told_about_from_the_first_window_of_the_new_job(trino: TrinoClient, redeployed: Redeployed) -> None:
    told = redeployed.since("attempts").group_by("tenant_id", "run_id").agg(pl.col("event_type").eq("run.started").sum(), pl.col("event_time").max())
    found = trino.query(f"SELECT tenant_id, run_id, starts, to_unixtime(newest_event_at) * 1000 FROM serving.attempts WHERE {TENANTS}")[1]
    assert sorted(found) == sorted(told.iter_rows())
    assert told["event_type"].sum()


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


@pytest.fixture(scope="module")
def reduced(stack: Stack, redeployed: Redeployed) -> Redeployed:
    """The stack after what was added to the KPIs and entities has been taken away again."""
    for name in ("definitions/runs_red", "definitions/runs_retried", "entities/attempts"):
        (stack.definitions / f"{name}.yaml").unlink()
    stack.run_daybook("deploy")
    # What a publication says of itself is complete when the next one is made.
    for _ in range(2):
        stack.await_audited(now_ms(), PATIENCE_S)
    return redeployed


def test_what_is_removed_is_not_served_any_more(trino: TrinoClient, reduced: Redeployed) -> None:
    assert reduced.events
    gone = "table_name LIKE '%runs_retried%' OR table_name LIKE '%runs_red%' OR table_name LIKE '%attempts%'"
    assert trino.query(f"SELECT table_name FROM lake.information_schema.tables WHERE table_schema IN ('serving', 'audited') AND ({gone})")[1] == []
    assert trino.query("SELECT dataset FROM serving.dataset_status WHERE dataset LIKE '%attempts%' OR verdict <> 'pass'")[1] == []


@pytest.mark.parametrize("kpi", SUMS)
def test_sums_are_exact_after_a_removal(trino: TrinoClient, reduced: Redeployed, kpi: str) -> None:
    assert_sums(trino, reduced.events, kpi, "")


def test_runs_are_exact_after_a_removal(trino: TrinoClient, reduced: Redeployed) -> None:
    assert_runs(trino, reduced.events)
