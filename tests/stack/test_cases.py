"""Inputs on which numbers go wrong elsewhere, with the answers that are right here.

A case is the records to send and the queries with their rows. Its times are on two days, the later of which begins a few hours ago.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from connectors.instants import instant, now_ms
from connectors.kafka.records import canonical

if TYPE_CHECKING:
    from connectors.trino.client import TrinoClient
    from tests.stack.local_stack import Stack

pytestmark = pytest.mark.stack
DAY_MS = 86_400_000
MINUTE_MS = 60_000
CALL = {
    "event_type": "model.completed",
    "schema_version": 1,
    "source": "demo-platform",
    "region": "eu",
    "environment": "dev",
    "provider": "anthropic",
    "request_model": "claude-sonnet-4-5",
    "operation": "chat",
    "is_leaf": True,
    "duration_ms": 1000,
    "output_tokens": 0,
}
Rows = list[tuple[Any, ...]]


class Case(NamedTuple):
    """Events of one stream, in the order in which they are sent, and what is right once they are audited."""

    stream: str
    events: list[dict[str, Any]]
    right: dict[str, Rows]


def same_id_other_day(midnight_ms: int) -> Case:
    """A retry stamps the same event anew: c1 past midnight, c2 within a day. Either counts once, and that it was told twice is visible."""
    tenant = "same-id-other-day"

    def call(name: str, at_ms: int, tokens: int) -> dict[str, Any]:
        own = {"event_id": f"{tenant}-{name}", "event_time": at_ms, "tenant_id": tenant, "call_id": f"{tenant}-{name}", "run_id": f"{tenant}-run"}
        return {**CALL, **own, "input_tokens": tokens}

    times = {"c1": (midnight_ms - 500, midnight_ms + 500), "c2": (midnight_ms + MINUTE_MS, midnight_ms + MINUTE_MS + 2_000)}
    told = [(f"{tenant}-{name}", instant(second), "event_time") for name, (_, second) in times.items()]
    return Case(
        "model_calls",
        [call(name, at_ms, tokens) for name, tokens in (("c1", 100), ("c2", 7)) for at_ms in times[name]],
        {
            f"SELECT COUNT(*), SUM(input_tokens) FROM serving.model_calls WHERE tenant_id = '{tenant}'": [(2, 107)],
            f"SELECT SUM(input_tokens) FROM serving.kpi_tokens_daily WHERE tenant_id = '{tenant}'": [(107,)],
            f"SELECT model_calls, input_tokens FROM serving.runs WHERE run_id = '{tenant}-run'": [(2, 107)],
            f"SELECT event_id, event_time, differing_fields FROM serving.conflicting_repeats WHERE tenant_id = '{tenant}' ORDER BY 1": told,
            f"""SELECT COUNT(*) FROM serving.conflicting_repeats AS repeat JOIN serving.model_calls AS counted
                ON counted.event_id = repeat.event_id AND counted."offset" = repeat.winner_offset WHERE counted.tenant_id = '{tenant}'""": [(2,)],
            "SELECT DISTINCT repeats >= 2, conflicting >= 2 FROM serving.dataset_status WHERE stream = 'model_calls'": [(True, True)],
        },
    )


CASES = {"same-id-other-day": same_id_other_day}
QUESTIONS = [pytest.param(name, number, id=f"{name}-{number}") for name, make in CASES.items() for number in range(len(make(0).right))]


@pytest.fixture(scope="module")
def cases(stack: Stack) -> dict[str, Case]:
    """Every case, sent and audited."""
    made = {name: make(now_ms() // DAY_MS * DAY_MS) for name, make in CASES.items()}
    for case in made.values():
        for event in case.events:
            stack.produce_raw(case.stream, [canonical(event)], key=f"{event['tenant_id']}:{event['run_id']}".encode())
    stack.await_audited(now_ms())
    return made


@pytest.fixture(scope="module")
def trino(stack: Stack) -> TrinoClient:
    return stack.trino()


@pytest.mark.parametrize(("name", "number"), QUESTIONS)
def test_a_case_has_its_right_answer(trino: TrinoClient, cases: dict[str, Case], name: str, number: int) -> None:
    query, rows = [*cases[name].right.items()][number]
    assert trino.query(query)[1] == rows


def test_the_repeats_are_counted_on_the_command_line(stack: Stack, cases: dict[str, Case]) -> None:
    assert cases
    told = json.loads(stack.run_daybook("status", "--json", check=False))
    streams = {stream["stream"]: stream for stream in told["streams"]}
    assert streams["model_calls"]["conflicting"] >= 2
