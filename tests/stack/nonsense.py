"""Bad input of every class, with what must be said of it, and odd input that is no fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from connectors.kafka.records import canonical
from contracts import registry
from pipelines.simulation.faults import MISSING, WRONG_TIMES, WRONG_VALUES, broken, faults_of, field_of, victim_of
from tests.stack.generated import valid_event
from tests.stack.oddities import LINE_TERMINATORS

if TYPE_CHECKING:
    from collections.abc import Iterator

TENANT = "nonsense"
KEY = b"nonsense:key"
REASONS = {
    **dict.fromkeys(WRONG_VALUES, "wrong_type"),
    **dict.fromkeys(MISSING, "missing"),
    **dict.fromkeys(WRONG_TIMES, "out_of_range"),
    **dict.fromkeys(("outside_enumeration", "false_canary"), "not_allowed"),
    **dict.fromkeys(("below_range", "above_range"), "out_of_range"),
    "too_long": "too_long",
    "null_for_required": "missing",
    "unknown_event_type": "unknown_event_type",
    "not_json": "malformed",
    "not_an_object": "malformed",
    "invalid_utf8": "invalid_utf8",
    "empty_value": "malformed",
    "null_value": "null_value",
}
LARGE = 900_000
DAY_MS = 86_400_000
CONTRACTS = registry.load()


class Case(NamedTuple):
    """One record, its key, and the reason and field it is quarantined with; without a reason it is journaled."""

    value: bytes | None
    reason: str | None = None
    field: str | None = None
    key: bytes | None = KEY


def cases(stream: str, now_ms: int) -> dict[str, Case]:
    """Every case of one stream by name; the same names for every stream."""
    found = {fault: _of_class(fault, stream, now_ms) for fault in faults_of(CONTRACTS.streams[stream])}
    return found | dict(_arrays(stream, now_ms)) | dict(_extremes(stream, now_ms)) | dict(_repeated_keys(stream, now_ms)) | dict(_line_ends(stream, now_ms))


def good(stream: str, name: str, now_ms: int) -> dict[str, Any]:
    """A valid event of the type that is broken in every way; every name is another event."""
    contract = CONTRACTS.streams[stream]
    event = valid_event(contract, victim_of(contract), 1, now_ms)
    return event | {"event_id": f"{TENANT}-{name}", "tenant_id": TENANT}


def _of_class(fault: str, stream: str, now_ms: int) -> Case:
    value = broken(fault, CONTRACTS.streams[stream], good(stream, fault, now_ms))
    return Case(value, REASONS[fault], _field_of(fault, stream))


def _field_of(fault: str, stream: str) -> str | None:
    return "source" if fault == "false_canary" else field_of(fault, CONTRACTS.streams[stream])


def _arrays(stream: str, now_ms: int) -> Iterator[tuple[str, Case]]:
    one, other = (canonical(good(stream, name, now_ms)) for name in ("array-1", "array-2"))
    yield "array_of_two_events", Case(b"[" + one + b"," + other + b"]", "array")
    yesterday = canonical(good(stream, "array-3", now_ms - DAY_MS))
    yield "array_of_events_of_different_days", Case(b"[" + one + b"," + yesterday + b"]", "array")
    yield "array_of_identical_events", Case(b"[" + one + b"," + one + b"," + one + b"]", "array")
    yield "array_of_event_and_number", Case(b"[" + one + b",17]")
    yield "array_without_end", Case(b"[" + one + b"," + one, "malformed")
    yield "array_of_nothing", Case(b"[]", "malformed")
    yield "array_of_one_number", Case(b"[17]", "malformed")


def _extremes(stream: str, now_ms: int) -> Iterator[tuple[str, Case]]:
    large = good(stream, "large", now_ms)
    yield "large_value", Case(canonical({**large, "source": "x" * LARGE}), "too_long", "source")
    yield "large_unknown_key", Case(canonical({**large, "unknown": "x" * LARGE}))
    yield "null_key", Case(canonical(good(stream, "null_key", now_ms)), key=None)
    yield "null_key_and_value", Case(None, "null_value", key=None)
    yield "deeply_nested", Case(b'{"a":' * 5000 + b"1" + b"}" * 5000, "malformed")


def _repeated_keys(stream: str, now_ms: int) -> Iterator[tuple[str, Case]]:
    value = canonical(good(stream, "repeated", now_ms))
    yield "repeated_key_last_one_valid", Case(b'{"tenant_id":{"a":1},' + value[1:])
    yield "repeated_key_last_one_wrong", Case(value[:-1] + b',"tenant_id":{"a":1}}', "wrong_type", "tenant_id")


def _line_ends(stream: str, now_ms: int) -> Iterator[tuple[str, Case]]:
    """Attributes sent as the text of an object, in which each engine's regular expressions may see the end of a line elsewhere."""
    for end in LINE_TERMINATORS:
        name = "attributes_" + ascii(end).strip("'").replace("\\", "")
        inside, after = f'{{"workspace":"a\\{end}b"}}', f"{{}}{end}"
        yield f"{name}_inside", Case(canonical({**good(stream, name, now_ms), "attributes": inside}))
        yield f"{name}_after", Case(canonical({**good(stream, name, now_ms), "attributes": after}), "unexpected_attribute", "attributes")
