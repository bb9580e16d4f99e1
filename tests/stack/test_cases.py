"""Inputs on which numbers go wrong elsewhere, with the answers that are right here.

A case is the records to send, the queries with their rows, and which records are refused. Its times are on two days, the later of which begins a few hours ago.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from connectors.instants import instant, now_ms
from connectors.kafka.records import canonical
from contracts.reasons import EXCEEDS_WHOLE, SEVERAL_OBJECTS, TRAILING_CONTENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.trino.client import TrinoClient
    from tests.stack.local_stack import Place, Stack

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
    """Records of one stream, in the order in which they are sent, and what is right once they are audited.

    `refused`: reason and field of the records in quarantine, by their number from 0.
    """

    stream: str
    records: list[bytes]
    right: dict[str, Rows]
    refused: Mapping[int, tuple[str, str | None]] = MappingProxyType({})


def same_id_other_day(midnight_ms: int) -> Case:
    """A retry stamps the same event anew: c1 past midnight, c2 within a day. Either counts once, and that it was told twice is visible."""
    tenant = "same-id-other-day"

    times = {"c1": (midnight_ms - 500, midnight_ms + 500), "c2": (midnight_ms + MINUTE_MS, midnight_ms + MINUTE_MS + 2_000)}
    told = [(f"{tenant}-{name}", instant(second), "event_time") for name, (_, second) in times.items()]
    return Case(
        "model_calls",
        [call(tenant, name, at_ms, input_tokens=tokens) for name, tokens in (("c1", 100), ("c2", 7)) for at_ms in times[name]],
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


def cached_larger_than_input(midnight_ms: int) -> Case:
    """A producer that counts cached and reasoning tokens beside the others; c3 is what the producer of c1 should have sent."""
    tenant = "cached-larger-than-input"
    served = [(f"{tenant}-c3", 9845, 9842)]
    return Case(
        "model_calls",
        [
            call(tenant, "c1", midnight_ms, input_tokens=3, cache_read_tokens=9842),
            call(tenant, "c2", midnight_ms, input_tokens=10, output_tokens=5, reasoning_tokens=8),
            call(tenant, "c3", midnight_ms, input_tokens=9845, cache_read_tokens=9842),
        ],
        {
            f"SELECT event_id, input_tokens, cache_read_tokens FROM serving.model_calls WHERE tenant_id = '{tenant}' ORDER BY 1": served,
            f"SELECT SUM(numerator), SUM(denominator) FROM serving.kpi_cache_hit_ratio_daily WHERE tenant_id = '{tenant}'": [(9842, 9845)],
        },
        {0: (EXCEEDS_WHOLE, "cache_read_tokens"), 1: (EXCEEDS_WHOLE, "reasoning_tokens")},
    )


def two_objects_in_one_record(midnight_ms: int) -> Case:
    """Several lines of JSON in one record, a line feed behind an object, which means nothing, and something that is no JSON behind one."""
    tenant = "two-objects-in-one-record"
    c1, c2, c3, c4 = (call(tenant, f"c{number}", midnight_ms, input_tokens=11 * number) for number in (1, 2, 3, 4))
    served = [(f"{tenant}-c3", 33)]
    return Case(
        "model_calls",
        [c1 + b"\n" + c2, c3 + b"\n", c4 + b" and so on"],
        {f"SELECT event_id, input_tokens FROM serving.model_calls WHERE tenant_id = '{tenant}' ORDER BY 1": served},
        {0: (SEVERAL_OBJECTS, None), 2: (TRAILING_CONTENT, None)},
    )


def call(tenant: str, name: str, at_ms: int, **told: int) -> bytes:
    """A completed call of a model."""
    own = {"event_id": f"{tenant}-{name}", "event_time": at_ms, "tenant_id": tenant, "call_id": f"{tenant}-{name}", "run_id": f"{tenant}-run"}
    return canonical({**CALL, **own, **told})


CASES = {"same-id-other-day": same_id_other_day, "cached-larger-than-input": cached_larger_than_input, "two-objects-in-one-record": two_objects_in_one_record}
QUESTIONS = [pytest.param(name, number, id=f"{name}-{number}") for name, make in CASES.items() for number in range(len(make(0).right))]


REFUSALS = [pytest.param(name, number, id=f"{name}-{number}") for name, make in CASES.items() for number in make(0).refused]


class Sent(NamedTuple):
    """A case, and where its records are."""

    case: Case
    places: list[Place]


@pytest.fixture(scope="module")
def cases(stack: Stack) -> dict[str, Sent]:
    """Every case, sent and audited."""
    made = {name: make(now_ms() // DAY_MS * DAY_MS) for name, make in CASES.items()}
    # Each record is acknowledged before the next one.
    sent = {
        name: Sent(case, [place for record in case.records for place in stack.produce_raw(case.stream, [record], key=f"{name}:{name}-run".encode())])
        for name, case in made.items()
    }
    stack.await_audited(now_ms())
    return sent


@pytest.fixture(scope="module")
def trino(stack: Stack) -> TrinoClient:
    return stack.trino()


@pytest.mark.parametrize(("name", "number"), QUESTIONS)
def test_a_case_has_its_right_answer(trino: TrinoClient, cases: dict[str, Sent], name: str, number: int) -> None:
    query, rows = [*cases[name].case.right.items()][number]
    assert trino.query(query)[1] == rows


@pytest.mark.parametrize(("name", "number"), REFUSALS)
def test_what_contradicts_itself_is_quarantined_with_its_reason(trino: TrinoClient, cases: dict[str, Sent], name: str, number: int) -> None:
    partition, offset, _ = cases[name].places[number]
    place = f'topic LIKE \'{cases[name].case.stream}.%\' AND "partition" = {partition} AND "offset" = {offset}'
    assert trino.query(f"SELECT reason, field FROM ops.quarantine WHERE {place}")[1] == [cases[name].case.refused[number]]


def test_the_repeats_are_counted_on_the_command_line(stack: Stack, cases: dict[str, Sent]) -> None:
    assert cases
    told = json.loads(stack.run_daybook("status", "--json", check=False))
    streams = {stream["stream"]: stream for stream in told["streams"]}
    assert streams["model_calls"]["conflicting"] >= 2
