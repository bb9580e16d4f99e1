"""A survey is judged: what is down, held, doubled or older than promised is a finding."""

from dataclasses import replace

import pytest

from pipelines.audit.incidents import LOST, Incident
from pipelines.audit.publication import MISMATCH, UNEXPLAINED, Hold
from pipelines.cli.status import findings
from pipelines.cli.survey import JobState, PartitionState, StreamState, Survey

NOW = 1_800_000_000_000
JOB = JobState("4a96", "RUNNING", NOW - 60_000, 11)
STREAM = StreamState(
    name="runs",
    topic="runs.v1",
    promise_s=15,
    facts_through_ms=NOW - 14_000,
    kpis_through_ms=NOW - 29_000,
    rows=100,
    quarantined=1,
    repeats=4,
    conflicting=1,
    committed_ms=NOW - 2_000,
    hold=None,
    incidents=(),
    partitions=(PartitionState(0, 130, 120, 101, NOW - 14_000),),
)
WELL = Survey(NOW, [{"name": "kafka", "state": "ready", "resident_megabytes": 1.0}], (JOB,), is_current=True, streams=(STREAM,), problems=())


def found(survey: Survey) -> str:
    return "; ".join(findings(survey, checkpoint_seconds=5))


def test_what_is_well_gives_no_finding() -> None:
    assert found(WELL) == ""


@pytest.mark.parametrize(
    ("survey", "told"),
    [
        (replace(WELL, services=[{"name": "kafka", "state": "restarting"}]), "kafka is restarting"),
        (replace(WELL, jobs=()), "no intake job runs; `daybook run intake` starts one"),
        (replace(WELL, jobs=(replace(JOB, state="RESTARTING"),)), "intake job 4a96 is restarting"),
        (replace(WELL, jobs=(JOB, JOB)), "2 intake jobs run at once and write every row as often: 4a96, 4a96"),
        (replace(WELL, streams=(replace(STREAM, facts_through_ms=NOW - 16_000),)), "runs: facts are 16 s old, promised are 15 s"),
        (replace(WELL, streams=(replace(STREAM, kpis_through_ms=NOW - 31_000),)), "runs: KPIs are 31 s old, promised are 30 s"),
        (replace(WELL, streams=(replace(STREAM, kpis_through_ms=None),)), "runs: no KPIs are published; `daybook audit --follow` does it"),
    ],
)
def test_what_is_not_well_is_one_sentence(survey: Survey, told: str) -> None:
    assert found(survey) == told


def test_a_hold_that_somebody_must_look_at_is_a_finding() -> None:
    assert "runs is held since" in found(replace(WELL, streams=(replace(STREAM, hold=Hold(MISMATCH, NOW, NOW)),)))


def test_an_open_incident_is_a_finding() -> None:
    lost = Incident(LOST, "offsets 5 to 9 of runs.v1/0 are gone", NOW)
    assert found(replace(WELL, streams=(replace(STREAM, incidents=(lost,)),))).endswith("offsets 5 to 9 of runs.v1/0 are gone")


def test_a_hold_that_heals_by_itself_is_none() -> None:
    assert found(replace(WELL, streams=(replace(STREAM, hold=Hold(UNEXPLAINED, NOW, NOW)),))) == ""


def test_an_engine_that_did_not_answer_is_not_judged() -> None:
    assert found(replace(WELL, services=None, jobs=None, streams=None)) == ""


def test_the_lag_is_what_readers_do_not_see() -> None:
    assert [partition.lag for partition in STREAM.partitions] == [29]
    assert replace(STREAM.partitions[0], end=None).lag is None
