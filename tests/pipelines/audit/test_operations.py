"""What a publication leaves behind in the operations tables."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.audit.incidents import LAG, LOST, Incident
from pipelines.audit.operations import audit_rows, completeness_rows, incident_rows, quality_rows, reconciliation_rows, status_rows
from pipelines.audit.publication import (
    MISMATCH,
    OTHER_KEYS,
    UNEXPLAINED,
    Account,
    Epoch,
    Hold,
    Position,
    Publication,
    StreamFrontier,
    StreamReport,
    UndeclaredKey,
    WindowFrontier,
    facts_through,
    kpis_through,
)
from tests.statements import CONTRACTS, DEFINITIONS, PLAN

WINDOWS = {name: WindowFrontier(20_000, 20_000, {0: 5, 1: 5}) for name in PLAN}
FRONTIER = StreamFrontier({0: Position(5, 5, 25_000), 1: Position(7, 7, 26_000)}, WINDOWS, epochs=(Epoch(-1, "runs.v1", "id"),))
TARGETS = {table: 3 for stream in CONTRACTS.streams.values() for table in (stream.journal, stream.duplicates)} | {f"partials.{name}": 4 for name in PLAN}
ACCOUNTS = Account(0, 5, 9, journaled=1, quarantined=2, absent=0, lost=1), Account(2, 0, 3, journaled=3, quarantined=0, absent=0, lost=0)
REPORT = StreamReport(windows={"kpis": {"stand": 2, "late": 0}}, supplemented={"kpis": 9}, accounts=ACCOUNTS)
BEFORE = Publication(4, dict.fromkeys(CONTRACTS.streams, FRONTIER), TARGETS, TARGETS)
MOVED = replace(FRONTIER, positions={0: Position(9, 9, 30_000), 1: Position(7, 7, 26_000), 2: Position(3, 3, 30_000)})
AFTER = replace(BEFORE, cycle=5, streams={**BEFORE.streams, "runs": MOVED}, targets={**TARGETS, "journal.runs": 8}, reports={"runs": REPORT})


def test_completeness_has_a_row_for_each_partition_that_moved() -> None:
    rows = completeness_rows(AFTER)
    assert [(row["topic"], row["partition"], row["first_offset"], row["next_offset"]) for row in rows] == [("runs.v1", 0, 5, 9), ("runs.v1", 2, 0, 3)]


def test_completeness_says_what_became_of_each_offset() -> None:
    row = completeness_rows(AFTER)[0]
    assert (row["journaled"], row["quarantined"], row["absent"], row["lost"]) == (1, 2, 0, 1)


def test_audits_name_the_tables_whose_tag_moved() -> None:
    assert [(row["dataset"], row["snapshot_id"], row["cycle"]) for row in audit_rows(AFTER)] == [("journal.runs", 8, 5)]


def test_reconciliation_leaves_out_verdicts_that_nothing_got() -> None:
    assert [(row["verdict"], row["windows"]) for row in reconciliation_rows(AFTER)] == [("stand", 2), ("supplement", 9)]


def test_every_served_dataset_has_a_status() -> None:
    served = {f"serving.{fact}" for stream in CONTRACTS.streams.values() for fact in stream.facts}
    served |= {f"serving.kpi_{kpi}" for kpi in DEFINITIONS.kpis} | {f"serving.{entity}" for entity in DEFINITIONS.entities}
    assert {row["dataset"] for row in status_rows(CONTRACTS, DEFINITIONS, AFTER)} >= served


def test_a_stream_that_waits_for_its_budget_is_not_held() -> None:
    waiting = replace(AFTER, streams={**AFTER.streams, "runs": replace(MOVED, hold=Hold(UNEXPLAINED, 0, 0))})
    assert {row["verdict"] for row in status_rows(CONTRACTS, DEFINITIONS, waiting)} == {"pass"}


def test_a_held_stream_says_why() -> None:
    held = replace(AFTER, streams={**AFTER.streams, "runs": replace(MOVED, hold=Hold(MISMATCH, 0, 0))})
    found = {row["stream"]: (row["verdict"], row["reason"]) for row in status_rows(CONTRACTS, DEFINITIONS, held)}
    assert found == {"runs": ("held", MISMATCH), "model_calls": ("pass", None)}


@pytest.mark.parametrize(("kind", "verdict"), [(LOST, "incomplete"), (LAG, "alarm")])
def test_readers_of_a_stream_with_an_incident_are_told(kind: str, verdict: str) -> None:
    troubled = replace(AFTER, streams={**AFTER.streams, "runs": replace(MOVED, incidents=(Incident(kind, "", 0),))})
    assert {(row["verdict"], row["reason"]) for row in status_rows(CONTRACTS, DEFINITIONS, troubled) if row["stream"] == "runs"} == {(verdict, kind)}


def test_incidents_leave_a_row_when_they_open_and_one_when_they_close() -> None:
    lost, lag = Incident(LOST, "gone", 1_000, "runs.v1", 0, 5, 9), Incident(LAG, "far behind", 2_000)
    rows = incident_rows(replace(AFTER, reports={"runs": replace(REPORT, opened=(lost,), closed=(lag,))}))
    assert [(row["kind"], row["first_offset"], row["last_offset"], row["closed_at"] is None) for row in rows] == [
        ("lost", 5, 9, True),
        ("lag", None, None, False),
    ]


def test_quality_results_name_the_keys_that_are_not_carried() -> None:
    told = (UndeclaredKey("billing", "run.started", "colour", 2), UndeclaredKey(None, None, OTHER_KEYS, 9))
    rows = quality_rows(replace(AFTER, reports={"runs": replace(REPORT, undeclared=told)}))
    assert [(row["dataset"], row["check_name"], row["source"], row["event_type"], row["subject"], row["records"], row["cycle"]) for row in rows] == [
        ("journal.runs", "undeclared_key", "billing", "run.started", "colour", 2, 5),
        ("journal.runs", "undeclared_key", None, None, "*", 9, 5),
    ]


def test_facts_reach_as_far_as_the_slowest_partition() -> None:
    assert facts_through(FRONTIER) == 25_000


def test_facts_of_a_silent_partition_reach_nowhere() -> None:
    assert facts_through(replace(FRONTIER, positions={0: Position(5, 5, 25_000), 1: Position(0, 0)})) is None


def test_kpis_reach_as_far_as_the_slowest_table() -> None:
    assert kpis_through(replace(FRONTIER, windows={**WINDOWS, "kpis": WindowFrontier(10_000, 20_000, {})})) == 10_000


def test_a_dataset_says_how_many_repeats_its_stream_has_left_out() -> None:
    repeated = replace(AFTER, streams={**AFTER.streams, "runs": replace(MOVED, repeats=9, conflicting=2)})
    found = {(row["stream"], row["repeats"], row["conflicting"]) for row in status_rows(CONTRACTS, DEFINITIONS, repeated)}
    assert found == {("runs", 9, 2), ("model_calls", 0, 0)}
