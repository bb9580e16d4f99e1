"""Bad input of every class, with what must be said of it, and odd input that is no fault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from connectors.kafka.records import canonical
from contracts import registry
from contracts.reasons import (
    ARRAY,
    BEYOND_64_BITS,
    HALF_SURROGATE,
    INVALID_UTF8,
    MALFORMED,
    NOT_A_NUMBER,
    NOT_PSEUDONYMOUS,
    NULL_VALUE,
    REPEATED_KEY,
    SEVERAL_OBJECTS,
    TOO_LONG,
    TRAILING_CONTENT,
    UNEXPECTED_ATTRIBUTE,
    WRONG_TYPE,
)
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
    others = (_arrays, _extremes, _structure, _values, _line_ends)
    return found | {name: case for make in others for name, case in make(stream, now_ms)}


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
    yield "array_of_one_event", Case(b"[" + one + b"]", ARRAY)
    yield "array_of_two_events", Case(b"[" + one + b"," + other + b"]", ARRAY)
    yield "array_without_end", Case(b"[" + one + b"," + one, ARRAY)
    yield "array_of_nothing", Case(b"[]", ARRAY)
    yield "array_of_one_number", Case(b"[17]", ARRAY)


def _extremes(stream: str, now_ms: int) -> Iterator[tuple[str, Case]]:
    large = good(stream, "large", now_ms)
    yield "large_value", Case(canonical({**large, "source": "x" * LARGE}), TOO_LONG, "source")
    yield "large_unknown_key", Case(canonical({**large, "unknown": "x" * LARGE}))
    yield "large_unknown_number", Case(_with(canonical(good(stream, "number", now_ms)), b'"unknown":' + b"7" * LARGE))
    yield "null_key", Case(canonical(good(stream, "null_key", now_ms)), key=None)
    yield "null_key_and_value", Case(None, NULL_VALUE, key=None)
    yield "deeply_nested", Case(b'{"a":' * 5000 + b"1" + b"}" * 5000, MALFORMED)
    for depth, reason in ((99, None), (100, MALFORMED)):
        yield f"unknown_nested_{depth}", Case(_with(canonical(good(stream, "nested", now_ms)), b'"unknown":' + b"[" * depth + b"]" * depth), reason)


def _structure(stream: str, now_ms: int) -> Iterator[tuple[str, Case]]:
    value = canonical(good(stream, "structure", now_ms))
    yield "line_feed_behind", Case(value + b"\n")
    yield "word_behind", Case(value + b" and more", TRAILING_CONTENT)
    yield "zero_byte_behind", Case(value + b"\0", TRAILING_CONTENT)
    yield "two_events", Case(value + b"\n" + value, SEVERAL_OBJECTS)
    yield "byte_order_mark", Case(b"\xef\xbb\xbf" + value, MALFORMED)
    yield "other_encoding", Case(value.decode().encode("utf-16"), INVALID_UTF8)
    yield "raw_control_character", Case(_with(value, b'"unknown":"\t"'), MALFORMED)
    yield "not_a_number", Case(_with(value, b'"unknown":NaN'), NOT_A_NUMBER)
    yield "half_surrogate", Case(_with(value, b'"unknown":"\\ud800"'), HALF_SURROGATE)
    yield "half_surrogate_in_a_key", Case(_with(value, b'"\\udc00":1'), HALF_SURROGATE)
    yield "repeated_key_last_one_valid", Case(b'{"tenant_id":{"a":1},' + value[1:], REPEATED_KEY)
    yield "repeated_key_last_one_wrong", Case(_with(value, b'"tenant_id":{"a":1}'), REPEATED_KEY)
    yield "repeated_key_that_is_unknown", Case(_with(value, b'"unknown":1,"unkn\\u006fwn":null'), REPEATED_KEY)


def _values(stream: str, now_ms: int) -> Iterator[tuple[str, Case]]:
    def told(name: str, **values: Any) -> bytes:
        return canonical({**good(stream, name, now_ms), **values})

    yield "number_beyond_64_bits", Case(told("beyond", schema_version=2**63), BEYOND_64_BITS, "schema_version")
    yield "mail_address_for_a_person", Case(told("person", user_id="jane@example.com"), NOT_PSEUDONYMOUS, "user_id")
    yield "text_for_object", Case(told("text", attributes='{"workspace":"w"}'), WRONG_TYPE, "attributes")
    event = good(stream, "rule", now_ms)
    rule = next(rule for rule in CONTRACTS.streams[stream].rules if {rule.at_most, rule.parts[0]} <= event.keys())
    contradiction = {**event, rule.parts[0]: event[rule.at_most] + rule.plus + 1}
    yield "fields_that_contradict_each_other", Case(canonical(contradiction), rule.reason, rule.parts[0])
    foreign = next(
        name for name, field in CONTRACTS.streams[stream].fields.items() if name not in {*event, *CONTRACTS.streams[stream].envelope} and field.is_text
    )
    yield "field_of_another_event_type", Case(told("foreign", **{foreign: "x"}))


def _line_ends(stream: str, now_ms: int) -> Iterator[tuple[str, Case]]:
    """Attributes with characters that end a line somewhere, in a value and in a key."""
    for end in LINE_TERMINATORS:
        name = "attributes_" + ascii(end).strip("'").replace("\\", "")
        yield f"{name}_in_value", Case(canonical({**good(stream, name, now_ms), "attributes": {"workspace": f"a{end}b"}}))
        yield f"{name}_in_key", Case(canonical({**good(stream, name, now_ms), "attributes": {f"workspace{end}": "a"}}), UNEXPECTED_ATTRIBUTE, "attributes")


def _with(value: bytes, members: bytes) -> bytes:
    return value[:-1] + b"," + members + b"}"
