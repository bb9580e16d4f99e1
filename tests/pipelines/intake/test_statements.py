"""The intake job as one statement set: from nothing, and taken up where the tables stop."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from contracts.identifiers import literal
from contracts.rules import rules_json
from pipelines.intake.statements import StatementSet, StreamStart, statement_set
from tests.statements import CONTRACTS, DEFINITIONS, PLAN

if TYPE_CHECKING:
    from contracts.model import Stream

KAFKA, CATALOG = "kafka:9092", "http://catalog:8181"
RESUMED = StreamStart({0: 90, 1: 80}, {0: 100, 1: 0}, {"kpis": "2026-06-01 00:00:10"})
FRESH_JOB = statement_set(CONTRACTS, DEFINITIONS, KAFKA, CATALOG)
RESUMED_JOB = statement_set(CONTRACTS, DEFINITIONS, KAFKA, CATALOG, {"runs": RESUMED})


def source_of(job: tuple[str, ...], stream: str) -> str:
    return next(text for text in job if text.startswith(f"CREATE TEMPORARY TABLE {stream}_source"))


def changed(field: str, **told: Any) -> StatementSet:
    """The job after one field of the runs has been told otherwise."""
    runs = CONTRACTS.streams["runs"]
    other = runs.model_copy(update={"fields": {**runs.fields, field: runs.fields[field].model_copy(update=told)}})
    contracts = replace(CONTRACTS, streams={**CONTRACTS.streams, "runs": other})
    return statement_set(contracts, DEFINITIONS, KAFKA, CATALOG)


def test_the_job_writes_every_journal_and_every_partial_table() -> None:
    wanted = {stream.journal for stream in CONTRACTS.streams.values()} | {f"partials.{name}" for name in PLAN}
    assert set(FRESH_JOB.inserts) == wanted


def test_nothing_is_defined_after_it_is_read() -> None:
    kinds = [text.split()[1] if text.startswith("CREATE CATALOG") else text.split()[2] for text in FRESH_JOB.declarations]
    assert kinds == sorted(kinds, key=["CATALOG", "TABLE", "VIEW"].index)


@pytest.mark.parametrize("table", FRESH_JOB.inserts)
def test_operators_are_named_by_their_table_so_that_a_restart_finds_their_state(table: str) -> None:
    suffix = table.replace(".", "-")
    assert f"'uid-suffix' = '{suffix}'" in FRESH_JOB.inserts[table]


def test_a_new_job_reads_from_the_beginning() -> None:
    assert "'scan.startup.mode' = 'earliest-offset'" in source_of(FRESH_JOB.declarations, "runs")


def test_a_resumed_job_reads_where_its_open_windows_begin() -> None:
    assert "'scan.startup.specific-offsets' = 'partition:0,offset:90;partition:1,offset:80'" in source_of(RESUMED_JOB.declarations, "runs")


def test_a_resumed_job_journals_nothing_again() -> None:
    assert "WHERE `offset` >= CASE `partition` WHEN 0 THEN 100 ELSE 0 END" in RESUMED_JOB.inserts["journal.runs"]


def test_a_resumed_job_emits_no_window_again() -> None:
    emitted = RESUMED_JOB.inserts["partials.kpis"]
    assert emitted.count("window_start >= TIMESTAMP '2026-06-01 00:00:10'") == 1


def test_a_stream_without_a_start_is_read_as_if_the_job_were_new() -> None:
    assert source_of(RESUMED_JOB.declarations, "model_calls") == source_of(FRESH_JOB.declarations, "model_calls")


def test_no_job_begins_where_a_group_of_consumers_was() -> None:
    sources = [source_of(FRESH_JOB.declarations, name) for name in CONTRACTS.streams]
    assert all("'properties.commit.offsets.on.checkpoint' = 'false'" in source for source in sources)
    assert not any("group-offsets" in source for source in sources)


def test_uncommitted_transactions_are_not_read() -> None:
    assert all("'properties.isolation.level' = 'read_committed'" in source_of(FRESH_JOB.declarations, name) for name in CONTRACTS.streams)


def test_the_hash_changes_with_the_sql() -> None:
    assert FRESH_JOB.statements_hash != RESUMED_JOB.statements_hash


def test_another_decoder_has_another_hash() -> None:
    assert statement_set(CONTRACTS, DEFINITIONS, KAFKA, CATALOG, decoder="0" * 12).statements_hash != FRESH_JOB.statements_hash


def test_a_narrower_limit_has_another_hash() -> None:
    assert changed("attempt", max=3).statements_hash != FRESH_JOB.statements_hash


def test_another_description_has_the_same_hash() -> None:
    assert changed("attempt", description="Told otherwise.").statements_hash == FRESH_JOB.statements_hash


@pytest.mark.parametrize("stream", CONTRACTS.streams.values(), ids=lambda stream: stream.name)
def test_records_are_judged_by_the_rules_of_their_stream(stream: Stream) -> None:
    assert f"'daybook-json.rules' = {literal(rules_json(stream))}" in source_of(FRESH_JOB.declarations, stream.name)


def test_the_same_definitions_have_the_same_hash() -> None:
    assert statement_set(CONTRACTS, DEFINITIONS, KAFKA, CATALOG).statements_hash == FRESH_JOB.statements_hash
