"""Everything that is not an event: one way to break a good event per class of bad input, on whatever field of a stream is apt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from connectors.kafka.records import canonical
from contracts.model import CANARY, MAX_MONEY_USD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from contracts.model import EventType, Field, Stream

DAY_MS = 86_400_000


class WrongValue(NamedTuple):
    """What a field must be like to be broken so, and the value it gets."""

    fits: Callable[[Field], bool]
    value: Callable[[Field], Any]


def _of_type(*types: str) -> Callable[[Field], bool]:
    return lambda field: field.type in types and not field.enum


def _named(name: str) -> Callable[[Field], bool]:
    return lambda field: field.name == name


def _greatest(field: Field) -> int | None:
    return MAX_MONEY_USD if field.type == "money" else field.max


def _always(value: Any) -> Callable[[Field], Any]:
    return lambda _: value


WRONG_VALUES: Mapping[str, WrongValue] = {
    "text_for_integer": WrongValue(_of_type("integer"), _always("many")),
    "empty_text_for_integer": WrongValue(_of_type("integer"), _always("")),
    "float_for_integer": WrongValue(_of_type("integer"), _always(1.9)),
    "object_for_integer": WrongValue(_of_type("integer"), _always({"run_id": "inner", "value": 5})),
    "array_for_integer": WrongValue(_of_type("integer"), _always([1])),
    "boolean_for_integer": WrongValue(_of_type("integer"), _always(value=True)),
    "text_for_number": WrongValue(_of_type("number", "money"), _always("much")),
    "text_for_time": WrongValue(_named("event_time"), _always("2026-06-01T00:00:00Z")),
    "text_for_boolean": WrongValue(_of_type("boolean"), _always("maybe")),
    "object_for_text": WrongValue(_of_type("string"), _always({"id": "agent"})),
    "array_for_text": WrongValue(_of_type("string"), _always(["agent"])),
    "outside_enumeration": WrongValue(lambda field: bool(field.enum), _always("guess")),
    "below_range": WrongValue(lambda field: field.type == "integer" and field.min is not None, lambda field: (field.min or 0) - 1),
    "above_range": WrongValue(lambda field: _greatest(field) is not None, lambda field: (_greatest(field) or 0) + 1),
    "too_long": WrongValue(_of_type("string"), lambda field: "x" * (field.max_length + 1)),
    "unknown_event_type": WrongValue(_named("event_type"), _always("run.exploded")),
    "false_canary": WrongValue(_named("event_type"), _always(CANARY)),
}
"""Class -> which field of the victim gets which value; the first that fits, fields of the stream before those of the envelope."""
MISSING: Mapping[str, Callable[[Stream], str]] = {
    "missing_identity": lambda _: "event_id",
    "missing_time": lambda _: "event_time",
    "missing_required": lambda stream: victim_of(stream).required[0],
    "missing_required_by_type": lambda stream: victim_of(stream).required[-1],
}
WRONG_TIMES: Mapping[str, Callable[[int], int]] = {
    "seconds_for_milliseconds": lambda time: time // 1000,
    "too_old": lambda time: time - 500 * DAY_MS,
    "in_the_future": lambda time: time + 400 * DAY_MS,
}
WRONG_BYTES: Mapping[str, Callable[[bytes], bytes | None]] = {
    "not_json": lambda value: value[: len(value) // 2],
    "not_an_object": lambda value: b'"' + value.replace(b'"', b"'") + b'"',
    "invalid_utf8": lambda value: value.replace(b'"region":"', b'"region":"\xff\xfe', 1),
    "empty_value": lambda _: b"",
    "null_value": lambda _: None,
}
NULL = "null_for_required"
FAULTS = (*WRONG_VALUES, NULL, *MISSING, *WRONG_TIMES, *WRONG_BYTES)
"""Every class of bad input."""


def victim_of(stream: Stream) -> EventType:
    """The event type that is broken: the one that carries most fields."""
    return max(stream.event_types.values(), key=lambda event: len(event.carried))


def faults_of(stream: Stream) -> list[str]:
    """Classes of bad input that a stream can have: it may be without numbers, for instance."""
    return [fault for fault in FAULTS if fault not in WRONG_VALUES or field_of(fault, stream)]


def field_of(fault: str, stream: Stream) -> str | None:
    """The field of the victim that a fault is about, None for one of the whole record or where no field is apt."""
    if fault in WRONG_VALUES:
        fields = (stream.fields[name] for name in (*victim_of(stream).carried, *stream.envelope))
        return next((field.name for field in fields if WRONG_VALUES[fault].fits(field)), None)
    if fault in WRONG_TIMES:
        return "event_time"
    return MISSING["missing_required" if fault == NULL else fault](stream) if fault in {*MISSING, NULL} else None


def broken(fault: str, stream: Stream, event: Mapping[str, Any]) -> bytes | None:
    """Return the value of a record that is `event`, a victim of its stream, with one of the stream's faults; None is a null record."""
    if fault in WRONG_BYTES:
        return WRONG_BYTES[fault](canonical(event))
    name = field_of(fault, stream)
    if name is None:
        message = f"{stream.name}: has no field for {fault}"
        raise ValueError(message)
    if fault in WRONG_TIMES:
        # All of them, so that they do not contradict each other.
        times = [key for key in event if key in stream.fields and stream.fields[key].type == "time"]
        return canonical({**event, **{key: WRONG_TIMES[fault](event[key]) for key in times}})
    if fault in MISSING:
        return canonical({key: value for key, value in event.items() if key != name})
    return canonical({**event, name: None if fault == NULL else WRONG_VALUES[fault].value(stream.fields[name])})
