"""Records that leave the log before they are journaled are lost, and everybody is told exactly which."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import confluent_kafka as kafka
import pytest
from confluent_kafka.admin import AdminClient

from connectors.flink.rest import FlinkRest
from connectors.instants import now_ms
from connectors.kafka.records import canonical
from pipelines.intake.statements import JOB_NAME
from tests.stack.local_stack import DAYBOOK, PROCESSES, await_that
from tests.stack.nonsense import good

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stack.local_stack import Stack

pytestmark = pytest.mark.stack
COUNT = 40
TENANT = "losers"
PROMISE_S = 60.0
"""An incident is open so soon after the records are gone, though nothing is committed."""


class Lost(NamedTuple):
    """Where the lost records were: they are the last ones of `offsets` first to last, before which canaries may be lost as well.

    `since`: when it began.
    """

    partition: int
    first: int
    last: int
    since: datetime


def incidents(stack: Stack, since: datetime) -> list[dict[str, Any]]:
    """Rows of the losses since then, oldest first."""
    condition = f"kind = 'lost' AND opened_at >= '{since.isoformat()}'"
    rows = stack.catalog.load_table("ops.incidents").scan(row_filter=condition).to_arrow().to_pylist()
    return sorted(rows, key=lambda row: row["cycle"])


@pytest.fixture(scope="module")
def lost(stack: Stack) -> Iterator[Lost]:
    """Records that were deleted while no job ran, after a new job has gone on; everything is as before afterwards."""
    stack.await_audited(now_ms())
    since = datetime.now(UTC)
    stack.run_local("stop", "intake")
    flink = FlinkRest(stack.endpoints["flink"])
    for job in flink.jobs(JOB_NAME):
        flink.cancel(job.id)
    events = [{**good("runs", f"lost-{number}", now_ms()), "tenant_id": TENANT} for number in range(COUNT)]
    partition, last, _ = max(stack.produce_raw("runs", [canonical(event) for event in events], key=b"lost:runs"))
    admin = AdminClient({"bootstrap.servers": stack.endpoints["kafka"]})
    for future in admin.delete_records([kafka.TopicPartition(stack.topics["runs"], partition, last + 1)]).values():
        future.result(20)
    await_that(lambda: bool(incidents(stack, since)), "an incident while nothing is committed", PROMISE_S)
    first = incidents(stack, since)[0]["first_offset"]
    stack.run_local("start", "intake", "--", *DAYBOOK, *PROCESSES["intake"])
    stack.await_audited(now_ms())
    yield Lost(partition, first, last, since)
    stack.run_daybook("audit", "--release", "runs")


def test_the_incident_names_the_exact_range(stack: Stack, lost: Lost) -> None:
    rows = incidents(stack, lost.since)
    assert {(row["stream"], row["topic"], row["partition"]) for row in rows} == {("runs", stack.topics["runs"], lost.partition)}
    assert (rows[-1]["first_offset"], rows[-1]["last_offset"], rows[-1]["closed_at"]) == (lost.first, lost.last, None)


def test_lost_offsets_are_counted_as_such(stack: Stack, lost: Lost) -> None:
    rows = stack.catalog.load_table("ops.completeness").scan(row_filter="lost > 0").to_arrow().to_pylist()
    assert [(row["topic"], row["partition"], row["lost"]) for row in rows] == [(stack.topics["runs"], lost.partition, lost.last - lost.first + 1)]
    assert lost.last - lost.first + 1 >= COUNT


def test_readers_go_on_and_are_told(stack: Stack, lost: Lost) -> None:
    assert lost
    told = stack.trino().query("SELECT DISTINCT stream, verdict, reason FROM serving.dataset_status WHERE verdict <> 'pass'")[1]
    assert told == [("runs", "incomplete", "lost")]
