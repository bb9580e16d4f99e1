"""What stored rows mean to readers: the status of a run from time and rank, and nothing of what a KPI meant before."""

from __future__ import annotations

import pytest

from kpis.partials import RANKS, stored_column
from tests.kpis.sql.reader_views import BASE, read
from tests.statements import DEFINITIONS

MOMENT = 1_790_000_000_000
RUN = {"stream": "runs", "is_canary": False, "tenant_id": "acme", "run_id": "a", "n": 1}
STATUS = stored_column("status", DEFINITIONS.entities["runs"].measures_of("status")[0])
CREATED, STARTED, SUCCEEDED, CANCELLED, TIMED_OUT, FAILED = range(1, 7)


def status_of(*told: tuple[int, int]) -> str:
    """Status of a run whose rows tell these (milliseconds after the moment, rank)."""
    (found,) = read("serving.runs", [RUN | {STATUS: (MOMENT + after) * RANKS + rank} for after, rank in told], table="runs")
    return str(found["status"])


@pytest.mark.parametrize(("end", "status"), [(SUCCEEDED, "succeeded"), (CANCELLED, "cancelled"), (TIMED_OUT, "timed_out"), (FAILED, "failed")])
def test_an_end_outranks_a_start_of_the_same_millisecond(end: int, status: str) -> None:
    assert status_of((0, end), (0, STARTED)) == status_of((0, STARTED), (0, end)) == status


def test_the_worse_of_two_ends_at_once_is_told() -> None:
    assert status_of((0, FAILED), (0, SUCCEEDED)) == "failed"


def test_a_later_event_is_newer_whatever_its_rank() -> None:
    assert status_of((1, SUCCEEDED), (0, FAILED)) == "succeeded"


def test_the_same_event_again_changes_nothing() -> None:
    assert status_of((0, STARTED), (5, FAILED), (0, STARTED)) == "failed"


def test_values_that_a_histogram_counted_before_it_was_redefined_are_not_mixed_in() -> None:
    earlier = BASE | {"stream": "model_calls", "kpi": "model_latency:00000000", "bucket": 10, "n": 5}
    assert read("serving.kpi_model_latency", [earlier], table="histograms") == []
