"""An event becomes one record, always the same."""

from decimal import Decimal

import pytest

from connectors.kafka.records import canonical, encode, key_of
from contracts import examples, registry

ENTITIES = ("run_id", "conversation_id", "agent_id")
EVENT: dict[str, object] = {
    "event_id": "e-1",
    "event_type": "run.started",
    "event_time": 1_767_615_451_459,
    "source": "orchestrator",
    "tenant_id": "acme",
    "run_id": "r-1",
}


def test_the_order_of_keys_does_not_change_the_bytes() -> None:
    assert encode(EVENT, ENTITIES) == encode(dict(reversed(EVENT.items())), ENTITIES)


def test_headers_repeat_the_envelope_as_cloudevents() -> None:
    assert dict(encode(EVENT, ENTITIES).headers) == {
        "ce_id": b"e-1",
        "ce_type": b"run.started",
        "ce_source": b"orchestrator",
        "ce_specversion": b"1.0",
        "ce_time": b"2026-01-05T12:17:31.459Z",
    }


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"run_id": "r-1", "agent_id": "a-1"}, b"acme:r-1"),
        ({"conversation_id": "c-1", "agent_id": "a-1"}, b"acme:c-1"),
        ({"agent_id": "a-1", "run_id": None}, b"acme:a-1"),
        ({"call_id": "c-1"}, b"acme"),
    ],
)
def test_the_key_names_tenant_and_first_entity(fields: dict[str, object], key: bytes) -> None:
    assert key_of({"tenant_id": "acme", **fields}, ENTITIES) == key


def test_every_event_that_keeps_its_contract_has_a_key() -> None:
    found = registry.load()
    passing = [example for example in examples.load(found) if not example.expect]
    assert {key_of(one.event, found.streams[one.stream].entities).split(b":")[0].decode() for one in passing} == {one.event["tenant_id"] for one in passing}


def test_small_money_is_written_without_an_exponent() -> None:
    assert canonical({"cost_usd": Decimal("0.000000075")}) == b'{"cost_usd":0.000000075}'


def test_a_value_that_no_event_may_hold_is_refused() -> None:
    with pytest.raises(TypeError):
        canonical({"cost_usd": object()})
