"""Keys that an event type does not carry: the record counts, and operators see whose keys they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from connectors.instants import now_ms
from connectors.kafka.records import canonical
from contracts import registry
from tests.stack.generated import valid_event

if TYPE_CHECKING:
    from connectors.trino.client import TrinoClient
    from tests.stack.local_stack import Stack

pytestmark = pytest.mark.stack
ONE, OTHER = "strange-billing", "strange-planner"
RUNS = registry.load().streams["runs"]
NOT_CARRIED = "duration_ms"
SENT: dict[tuple[str, str], list[dict[str, Any]]] = {
    (ONE, "run.started"): [{"flavour": "red"}, {"flavour": None}, {"flavour": {"a": 1}, NOT_CARRIED: 7}, {NOT_CARRIED: 8}, {}],
    (ONE, "step.completed"): [{NOT_CARRIED: 9}, {"flavour": "red", "no name": 1}],
    (OTHER, "run.started"): [{"flavour": "red"}] * 3,
}
"""What the events of a source and an event type have beyond what they carry."""
COUNTED = [
    (ONE, "run.started", NOT_CARRIED, 2),
    (ONE, "run.started", "flavour", 2),
    (ONE, "step.completed", "?", 1),
    (ONE, "step.completed", "flavour", 1),
    (OTHER, "run.started", "flavour", 3),
]


@pytest.fixture(scope="module")
def trino(stack: Stack) -> TrinoClient:
    """A session, once all events are audited."""
    sent_ms = now_ms()
    for (source, event_type), extras in SENT.items():
        events = (valid_event(RUNS, RUNS.event_types[event_type], number, sent_ms) for number in range(len(extras)))
        own = ({"source": source, "event_id": f"{source}-{event_type}-{number}"} for number in range(len(extras)))
        stack.produce_raw("runs", [canonical({**event, **ids, **extra}) for event, ids, extra in zip(events, own, extras, strict=True)])
    stack.await_audited(now_ms())
    return stack.trino()


@pytest.mark.parametrize(("fact", "event_type"), [("run_events", "run.started"), ("steps", "step.completed")])
def test_a_record_with_keys_of_its_own_is_a_fact(trino: TrinoClient, fact: str, event_type: str) -> None:
    wanted = sorted((source, len(extras)) for (source, told), extras in SENT.items() if told == event_type)
    rows = trino.query(f"SELECT source, COUNT(*) FROM serving.{fact} WHERE source LIKE 'strange-%' AND event_type = '{event_type}' GROUP BY 1 ORDER BY 1")[1]
    assert rows == wanted


def test_a_field_that_the_event_type_does_not_carry_lands_nowhere(trino: TrinoClient) -> None:
    landed = trino.query(f"SELECT DISTINCT event_type, {NOT_CARRIED} FROM journal.runs WHERE source = '{ONE}' ORDER BY 1, 2")[1]
    assert [row for row in landed if row[0] == "run.started"] == [("run.started", None)]
    assert ("step.completed", 9) in landed


def test_such_keys_are_counted_by_source_and_event_type(trino: TrinoClient) -> None:
    columns = "source, event_type, subject, SUM(records)"
    rows = trino.query(
        f"SELECT {columns} FROM ops.quality_results WHERE check_name = 'undeclared_key' AND source LIKE 'strange-%' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )[1]
    assert rows == COUNTED


def test_a_key_of_its_own_holds_no_stream(trino: TrinoClient) -> None:
    assert trino.query("SELECT dataset, reason FROM serving.dataset_status WHERE verdict <> 'pass'")[1] == []
