"""Calls that cost more in one cell than 64 bits of billionths hold: an incident of one measure, and everything goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import confluent_kafka as kafka
import pytest

from connectors.instants import now_ms
from connectors.kafka.records import canonical

if TYPE_CHECKING:
    from connectors.trino.client import TrinoClient
    from tests.stack.local_stack import Stack

pytestmark = pytest.mark.stack
TENANT = "dear"
CALLS = 9_300
WINDOW_MS = 10_000
SENDING_MS = 5_000
"""All of them must be appended within one window."""
STATUS = "SELECT verdict, reason FROM serving.dataset_status WHERE dataset = 'serving.kpi_model_cost'"


def call(number: int, at_ms: int) -> dict[str, Any]:
    """A leaf call of a million dollars; all are of one minute and one model."""
    event = {"event_id": f"dear-{number}", "event_type": "model.completed", "schema_version": 1, "event_time": at_ms, "source": "demo-platform"}
    event |= {"tenant_id": TENANT, "region": "eu", "environment": "dev", "call_id": f"dear-{number}", "provider": "p", "request_model": "m"}
    return event | {"operation": "chat", "is_leaf": True, "duration_ms": 1, "cost_usd": 1_000_000, "input_tokens": 1}


@pytest.fixture(scope="module")
def answers(stack: Stack) -> Iterator[TrinoClient]:
    """A session that sees all of them; the incident is acknowledged in the end."""
    at_ms = now_ms() - 3_600_000
    events = [canonical(call(number, at_ms)) for number in range(CALLS)]
    producer = kafka.Producer({"bootstrap.servers": stack.endpoints["kafka"]})
    topic = stack.topics["model_calls"]
    while now_ms() % WINDOW_MS > WINDOW_MS - SENDING_MS:
        time.sleep(0.1)
    for event in events:
        producer.produce(topic, event, key=f"{TENANT}:one".encode())
    assert producer.flush(20) == 0
    stack.await_audited(now_ms())
    yield stack.trino()
    stack.run_daybook("audit", "--release", "model_calls")


def test_every_call_is_published(answers: TrinoClient) -> None:
    assert answers.query(f"SELECT COUNT(*) FROM serving.model_calls WHERE tenant_id = '{TENANT}'")[1] == [(CALLS,)]


def test_the_other_measures_of_the_cell_are_right(answers: TrinoClient) -> None:
    assert answers.query(f"SELECT input_tokens FROM serving.kpi_tokens WHERE tenant_id = '{TENANT}'")[1] == [(CALLS,)]


def test_the_measure_is_left_empty_rather_than_wrong(answers: TrinoClient) -> None:
    assert answers.query(f"SELECT value FROM serving.kpi_model_cost WHERE tenant_id = '{TENANT}'")[1] == [(0,)]


def test_readers_are_told(answers: TrinoClient) -> None:
    assert answers.query(STATUS)[1] == [("incomplete", "overflow")]


def test_the_other_stream_is_not_concerned(answers: TrinoClient) -> None:
    assert answers.query("SELECT verdict FROM serving.dataset_status WHERE dataset = 'serving.kpi_runs_started'")[1] == [("pass",)]
