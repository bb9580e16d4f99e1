"""Records that the broker stamps with a time long past: the stream drops them, the audit adds them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import confluent_kafka as kafka
import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType  # type: ignore[attr-defined]

from connectors.instants import now_ms
from connectors.kafka.records import canonical
from tests.stack.nonsense import good

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.trino.client import TrinoClient
    from tests.stack.local_stack import Stack

pytestmark = pytest.mark.stack
LATE_MS = 45_000
COUNT = 25
TENANT = "latecomers"


@pytest.fixture(scope="module")
def answers(stack: Stack) -> TrinoClient:
    """A session that sees everything that was sent late."""
    sent_ms = now_ms()
    stack.await_audited(sent_ms)
    events = [
        {**good("runs", f"late-{number}", sent_ms), "event_type": "run.started", "tenant_id": TENANT, "run_id": f"late-{number}"} for number in range(COUNT)
    ]
    with producers_tell_the_time(stack, "runs"):
        producer = kafka.Producer({"bootstrap.servers": stack.endpoints["kafka"]})
        for event in events:
            producer.produce(stack.topics["runs"], canonical(event), key=b"late:runs", timestamp=sent_ms - LATE_MS)
        assert producer.flush(20) == 0
    stack.await_audited(now_ms())
    return stack.trino()


@contextmanager
def producers_tell_the_time(stack: Stack, stream: str) -> Iterator[None]:
    """Let a topic take the producers' timestamps, as one does whose leader's clock was wrong."""
    set_timestamp_type(stack, stream, "CreateTime")
    try:
        yield
    finally:
        set_timestamp_type(stack, stream, "LogAppendTime")


def set_timestamp_type(stack: Stack, stream: str, value: str) -> None:
    entry = ConfigEntry("message.timestamp.type", value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, stack.topics[stream], incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": stack.endpoints["kafka"]})
    admin.incremental_alter_configs([resource])[resource].result(20)


def test_late_records_are_facts(answers: TrinoClient) -> None:
    assert answers.query(f"SELECT COUNT(*) FROM serving.run_events WHERE tenant_id = '{TENANT}'")[1] == [(COUNT,)]


def test_late_records_are_counted(answers: TrinoClient) -> None:
    assert answers.query(f"SELECT SUM(value) FROM serving.kpi_runs_started WHERE tenant_id = '{TENANT}'")[1] == [(COUNT,)]
    assert answers.query(f"SELECT COUNT(*) FROM serving.runs WHERE tenant_id = '{TENANT}' AND started_at IS NOT NULL")[1] == [(COUNT,)]


def test_the_stream_has_dropped_them(answers: TrinoClient) -> None:
    assert answers.query(f"SELECT COALESCE(SUM(n), 0) FROM partials.kpis WHERE tenant_id = '{TENANT}'")[1] == [(0,)]
    assert answers.query(f"SELECT SUM(n) FROM audit.kpis WHERE tenant_id = '{TENANT}' AND kind = 'supplement'")[1] == [(COUNT,)]


def test_nothing_is_held_for_it(answers: TrinoClient) -> None:
    assert answers.query("SELECT COUNT(*) FROM serving.dataset_status WHERE verdict <> 'pass'")[1] == [(0,)]
