"""Event-level facts in Trino SQL; the queries themselves are in tests/golden."""

from __future__ import annotations

import pytest

from contracts.model import CANARY, Fact, Stream
from tests.statements import CONTRACTS
from transforms.facts import fact_columns, fact_query

FACTS = [pytest.param(stream, fact, id=fact.name) for stream in CONTRACTS.streams.values() for fact in stream.facts.values()]


@pytest.mark.parametrize(("stream", "fact"), FACTS)
def test_a_fact_has_the_fields_that_its_events_carry(stream: Stream, fact: Fact) -> None:
    carried = {name for event in fact.events for name in stream.event_types[event].carried}
    assert carried <= fact_columns(stream, fact).keys()


@pytest.mark.parametrize(("stream", "fact"), FACTS)
def test_a_fact_says_where_each_delivery_is_in_kafka(stream: Stream, fact: Fact) -> None:
    assert [*fact_columns(stream, fact)][-4:] == ["topic", "partition", "offset", "appended_at"]


@pytest.mark.parametrize(("stream", "fact"), FACTS)
def test_canaries_are_in_no_fact(stream: Stream, fact: Fact) -> None:
    assert CANARY not in fact_query(stream, fact)
    assert "is_canary" not in fact_columns(stream, fact)


@pytest.mark.parametrize("stream", CONTRACTS.streams.values(), ids=lambda stream: stream.name)
def test_every_event_type_but_the_canary_is_in_one_fact(stream: Stream) -> None:
    told = [event for fact in stream.facts.values() for event in fact.events]
    assert sorted(told) == sorted(set(stream.event_types) - {CANARY})
