"""A topic that is deleted and created again starts at offset 0: no row is taken for one that had its offset before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connectors.instants import now_ms
from connectors.kafka.records import canonical
from connectors.kafka.topics import Topics
from contracts import registry
from pipelines.deployment.provisioning import topic_specs
from tests.stack.nonsense import good

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.trino.client import TrinoClient
    from tests.stack.local_stack import Stack

pytestmark = pytest.mark.stack
TENANT = "renewed"
COUNT = 300
REPEATED = 40


def events(first: int, count: int) -> list[bytes]:
    return [canonical({**good("runs", f"renewed-{number}", now_ms()), "tenant_id": TENANT}) for number in range(first, first + count)]


@pytest.fixture(scope="module")
def answers(stack: Stack) -> Iterator[TrinoClient]:
    """A session that sees everything that was sent to both topics; some of the old events were told to the new one again."""
    told = events(0, COUNT)
    places = stack.produce_raw("runs", told, key=None)
    stack.await_audited(max(place[2] for place in places))
    topics, name = Topics(stack.endpoints["kafka"]), stack.topics["runs"]
    partitions = len(topics.partitions(name))
    topics.delete([name])
    topics.ensure(topic_specs(registry.load(), partitions))
    places = stack.produce_raw("runs", [*told[:REPEATED], *events(COUNT, COUNT)], key=None)
    stack.await_audited(max(place[2] for place in places), 420)
    yield stack.trino()
    stack.run_daybook("audit", "--release", "runs")


def test_every_event_is_served_once(answers: TrinoClient) -> None:
    found = answers.query(f"SELECT COUNT(*), COUNT(DISTINCT event_id) FROM serving.run_events WHERE tenant_id = '{TENANT}'")[1]
    assert found == [(2 * COUNT, 2 * COUNT)]


def test_what_was_told_again_is_a_duplicate(answers: TrinoClient) -> None:
    assert answers.query(f"SELECT COUNT(*) FROM lake.audit.duplicates_runs WHERE tenant_id = '{TENANT}'")[1] == [(REPEATED,)]


def test_the_numbers_are_those_of_the_events(answers: TrinoClient) -> None:
    wanted = answers.query(f"SELECT COUNT(*) FROM serving.run_events WHERE tenant_id = '{TENANT}' AND event_type = 'run.started'")[1]
    assert answers.query(f"SELECT COALESCE(SUM(value), 0) FROM serving.kpi_runs_started WHERE tenant_id = '{TENANT}'")[1] == wanted


def test_the_new_log_is_an_incident_and_the_stream_goes_on(answers: TrinoClient) -> None:
    kinds = answers.query("SELECT kind FROM lake.ops.incidents WHERE stream = 'runs' AND kind = 'new_log' AND closed_at IS NULL")[1]
    assert kinds == [("new_log",)]
    assert answers.query("SELECT COUNT(*) FROM serving.dataset_status WHERE verdict = 'held'")[1] == [(0,)]
