"""Ends that are told before their starts: the status of a run is decided by time and rank, not by the order of arrival."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import confluent_kafka as kafka
import pytest

from connectors.instants import now_ms
from connectors.kafka.records import canonical

if TYPE_CHECKING:
    from connectors.trino.client import TrinoClient
    from tests.stack.local_stack import Stack

pytestmark = pytest.mark.stack
TENANT = "end-told-before-start"


def told(start_ms: int, run: str, event_type: str, after_ms: int, **fields: Any) -> dict[str, Any]:
    """An event of a run that started at `start_ms`."""
    event = {"event_id": f"{run}-{event_type}-{after_ms}", "event_type": event_type, "schema_version": 1, "event_time": start_ms + after_ms}
    return event | {"source": "demo-platform", "tenant_id": TENANT, "region": "eu", "environment": "dev", "run_id": run, "run_kind": "agent"} | fields


def events(start_ms: int) -> list[dict[str, Any]]:
    """In the order in which they are sent: every end before its start, and one start that is told once more, later."""
    started = {"started_at": start_ms}
    return [
        told(start_ms, "same-instant", "run.succeeded", 0, **started),
        told(start_ms, "same-instant", "run.started", 0, **started),
        told(start_ms, "later-end", "run.failed", 5, **started, error_type="timeout"),
        told(start_ms, "later-end", "run.started", 0, **started),
        told(start_ms, "two-ends", "run.failed", 5, **started, error_type="timeout"),
        told(start_ms, "two-ends", "run.succeeded", 5, **started),
        told(start_ms, "two-ends", "run.progressed", 9, **started),
        told(start_ms, "start-unknown", "run.created", 0),
        told(start_ms, "start-from-its-progress", "run.created", 9),
        told(start_ms, "start-from-its-progress", "run.progressed", 9, **started),
    ]


@pytest.fixture(scope="module")
def answers(stack: Stack) -> TrinoClient:
    """A session that sees all of it, the repeats in windows of their own."""
    start_ms = now_ms() - 60_000
    producer = kafka.Producer({"bootstrap.servers": stack.endpoints["kafka"]})
    for _ in range(2):
        for event in events(start_ms):
            producer.produce(stack.topics["runs"], canonical(event), key=f"{TENANT}:{event['run_id']}".encode())
        assert producer.flush(20) == 0
        stack.await_audited(now_ms())
    return stack.trino()


@pytest.mark.parametrize(
    ("run", "status", "took_ms"),
    [
        ("same-instant", "succeeded", 0),
        ("later-end", "failed", 5),
        ("two-ends", "failed", 5),
        ("start-unknown", "created", None),
        ("start-from-its-progress", "created", None),
    ],
)
def test_the_status_is_that_of_the_newest_and_then_the_highest_event(answers: TrinoClient, run: str, status: str, took_ms: int | None) -> None:
    query = f"SELECT status, date_diff('millisecond', started_at, finished_at) FROM serving.runs WHERE tenant_id = '{TENANT}' AND run_id = '{run}'"
    assert answers.query(query)[1] == [(status, took_ms)]


@pytest.mark.parametrize(("run", "is_known"), [("start-unknown", False), ("start-from-its-progress", True)])
def test_a_start_is_told_by_any_event_of_the_run(answers: TrinoClient, run: str, *, is_known: bool) -> None:
    query = f"SELECT started_at IS NOT NULL FROM serving.runs WHERE tenant_id = '{TENANT}' AND run_id = '{run}'"
    assert answers.query(query)[1] == [(is_known,)]
