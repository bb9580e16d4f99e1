"""Changed contracts, KPIs and entities are deployed under load: what was counted before stays, what is counted from then on is exact."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl
import pytest

from connectors.instants import now_ms
from connectors.kafka.records import canonical
from contracts import registry
from tests.stack.comparison import assert_fact, assert_percentiles, assert_runs, assert_sums
from tests.stack.generated import valid_event
from tests.stack.load import TENANTS, counted, deliveries, load_going_on
from tests.stack.local_stack import DAYBOOK, PROCESSES
from tests.stack.oracle import FACTS, PERCENTILES, SUMS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.trino.client import TrinoClient
    from tests.stack.local_stack import Place, Stack

pytestmark = pytest.mark.stack
RATE = 200
RUNS = registry.load().streams["runs"]
PATIENCE_S = 420
FIELD = "  colour: {type: string, max_length: 16, description: A field that producers have sent since before it was in the contract.}\n"
ATTEMPT = "attempt: {type: integer, min: 1, max: 1000000"
KINDS = "enum: [process, workflow, plan, implement, critic, analyze, agent, job"
PRODUCT = ("contracts", "transforms", "kpis", "connectors", "pipelines", "deploy")
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
    with load_going_on(stack, seed=31, rate=RATE), runs_going_on(stack, "red", colour="red") as red:
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
    return all_of(stack, *red)


def all_of(stack: Stack, *places: Place) -> Redeployed:
    """Everything that was sent by now, audited, the runs at `places` with it."""
    sent = deliveries(stack)
    stack.await_audited(max(int(sent["appended_ms"].max()), *(place[2] for place in places), 0), PATIENCE_S)  # type: ignore[arg-type]
    rows = stack.catalog.load_table("ops.deployments").scan().to_arrow().to_pylist()
    events = {"runs": counted(sent, "runs").with_columns(colour=pl.lit(None, pl.String)), "model_calls": counted(sent, "model_calls")}
    return Redeployed(events, [*places], sorted(rows, key=lambda row: row["deployed_at"]))


@pytest.fixture(scope="module")
def trino(stack: Stack) -> TrinoClient:
    return stack.trino()


@contextmanager
def runs_going_on(stack: Stack, name: str, **told: Any) -> Iterator[list[Place]]:
    """Start a run that tells this every now and then; where they are, once the block has ended."""
    places: list[Place] = []
    stop = Event()

    def send() -> None:
        while not stop.wait(0.2):
            number = len(places)
            event = {**valid_event(RUNS, RUNS.event_types["run.started"], 1, now_ms()), "tenant_id": name, "event_id": f"{name}-{number}", **told}
            places.extend(stack.produce_raw("runs", [canonical(event)], key=f"{name}-{number}".encode()))

    sender = Thread(target=send)
    sender.start()
    try:
        yield places
    finally:
        stop.set()
        sender.join()


def replaced(path: Path, before: str, after: str) -> None:
    source = path.read_text()
    assert before in source
    path.write_text(source.replace(before, after, 1))


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


class Narrowed(NamedTuple):
    """What counts after a field's limit was narrowed and an enumeration widened; runs that only the old contract takes, and only the new one."""

    redeployed: Redeployed
    old: list[Place]
    new: list[Place]

    def since(self, places: list[Place], *, is_new: bool) -> int:
        """How many of these the new job was the first to judge, or the old one was."""
        first = self.redeployed.starts["journal_from"]
        return sum((offset >= first[str(partition)]) == is_new for partition, offset, _ in places)


@pytest.fixture(scope="module")
def narrowed(stack: Stack, reduced: Redeployed) -> Narrowed:
    assert reduced.events
    contract = stack.contracts / "events" / "runs" / "stream.yaml"
    with load_going_on(stack, seed=32, rate=RATE), runs_going_on(stack, "old", attempt=5000) as old, runs_going_on(stack, "new", run_kind="review") as new:
        stack.await_audited(now_ms(), PATIENCE_S)
        replaced(contract, ATTEMPT, ATTEMPT.replace("1000000", "1000"))
        replaced(contract, KINDS, f"{KINDS}, review")
        stack.run_daybook("deploy")
        stack.await_audited(now_ms(), PATIENCE_S)
    return Narrowed(all_of(stack, *old, *new), old, new)


def test_what_the_old_contract_takes_counts_until_the_new_one_is_deployed(trino: TrinoClient, narrowed: Narrowed) -> None:
    wanted = narrowed.since(narrowed.old, is_new=False)
    assert trino.query("SELECT COUNT(*) FROM serving.run_events WHERE tenant_id = 'old'")[1] == [(wanted,)]
    assert 0 < wanted < len(narrowed.old)


def test_what_the_new_contract_takes_counts_from_then_on(trino: TrinoClient, narrowed: Narrowed) -> None:
    wanted = narrowed.since(narrowed.new, is_new=True)
    assert trino.query("SELECT COUNT(*) FROM serving.run_events WHERE tenant_id = 'new'")[1] == [(wanted,)]
    assert trino.query("SELECT SUM(value) FROM serving.kpi_runs_started WHERE run_kind = 'review'")[1] == [(wanted,)]
    assert 0 < wanted < len(narrowed.new)


def test_what_a_contract_does_not_take_is_quarantined(trino: TrinoClient, narrowed: Narrowed) -> None:
    refused = {("attempt", "out_of_range", narrowed.since(narrowed.old, is_new=True)), ("run_kind", "not_allowed", narrowed.since(narrowed.new, is_new=False))}
    # Where test_new_log ran before, an offset alone does not say which record is meant.
    since_ms = min(appended_ms for _, _, appended_ms in (*narrowed.old, *narrowed.new))
    places = ", ".join(f"({partition}, {offset})" for partition, offset, _ in (*narrowed.old, *narrowed.new))
    told = f"""topic = '{RUNS.topic}' AND appended_at >= from_unixtime({since_ms / 1000}) AND ("partition", "offset") IN ({places})"""
    assert {*trino.query(f"SELECT field, reason, COUNT(*) FROM ops.quarantine WHERE {told} GROUP BY 1, 2")[1]} == refused


@pytest.mark.parametrize("fact", FACTS)
def test_facts_are_exact_after_another_contract(trino: TrinoClient, narrowed: Narrowed, fact: str) -> None:
    assert_fact(trino, narrowed.redeployed.events, fact)


@pytest.mark.parametrize("kpi", SUMS)
def test_sums_are_exact_after_another_contract(trino: TrinoClient, narrowed: Narrowed, kpi: str) -> None:
    assert_sums(trino, narrowed.redeployed.events, kpi, "")


@pytest.fixture(scope="module")
def rebuilt(stack: Stack, narrowed: Narrowed, tmp_path_factory: pytest.TempPathFactory) -> Redeployed:
    """The stack after a release whose decoder is another one was deployed: its source differs in a comment."""
    assert narrowed.redeployed.events
    release = tmp_path_factory.mktemp("release")
    for name in PRODUCT:
        shutil.copytree(stack.root / name, release / name, ignore=shutil.ignore_patterns("__pycache__"))
    with (release / "connectors" / "flink" / "DaybookJson.java").open("a") as source:
        source.write("// Another release.\n")
    other = replace(stack, root=release)
    with load_going_on(stack, seed=33, rate=RATE):
        stack.await_audited(now_ms(), PATIENCE_S)
        other.run_local("fetch")
        other.run_daybook("deploy")
        stack.run_local("stop", "audit")
        other.run_local("start", "audit", "--", *DAYBOOK, *PROCESSES["audit"])
        stack.await_audited(now_ms(), PATIENCE_S)
    return all_of(stack)


def test_another_decoder_is_another_deployment(rebuilt: Redeployed) -> None:
    before, after = rebuilt.deployments[-2:]
    assert before["sources_hash"] == after["sources_hash"]
    assert before["statements_hash"] != after["statements_hash"]


@pytest.mark.parametrize("fact", FACTS)
def test_facts_are_exact_after_another_decoder(trino: TrinoClient, rebuilt: Redeployed, fact: str) -> None:
    assert_fact(trino, rebuilt.events, fact)


@pytest.mark.parametrize("kpi", SUMS)
def test_sums_are_exact_after_another_decoder(trino: TrinoClient, rebuilt: Redeployed, kpi: str) -> None:
    assert_sums(trino, rebuilt.events, kpi, "")


def test_runs_are_exact_after_another_decoder(trino: TrinoClient, rebuilt: Redeployed) -> None:
    assert_runs(trino, rebuilt.events)


def test_another_decoder_holds_no_stream(trino: TrinoClient, rebuilt: Redeployed) -> None:
    assert rebuilt.events
    assert trino.query("SELECT dataset, reason FROM serving.dataset_status WHERE verdict <> 'pass'")[1] == []
