"""Everything that is not an event: one way to break a good event per class of bad input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.kafka.records import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

VICTIMS = {"runs": "run.succeeded", "model_calls": "model.completed"}
"""The event type per stream that carries every field broken below."""
DAY_MS = 86_400_000

WRONG_VALUES: dict[str, tuple[dict[str, str], Any]] = {
    "text_for_integer": ({"runs": "attempt", "model_calls": "output_tokens"}, "many"),
    "empty_text_for_integer": ({"runs": "attempt", "model_calls": "output_tokens"}, ""),
    "float_for_integer": ({"runs": "attempt", "model_calls": "input_tokens"}, 1.9),
    "object_for_integer": ({"runs": "attempt", "model_calls": "input_tokens"}, {"run_id": "inner", "value": 5}),
    "array_for_integer": ({"runs": "attempt", "model_calls": "input_tokens"}, [1]),
    "boolean_for_integer": ({"runs": "attempt", "model_calls": "input_tokens"}, True),
    "text_for_number": ({"runs": "progress", "model_calls": "cost_usd"}, "much"),
    "text_for_time": ({"runs": "event_time", "model_calls": "event_time"}, "2026-06-01T00:00:00Z"),
    "text_for_boolean": ({"runs": "is_canary", "model_calls": "is_leaf"}, "maybe"),
    "object_for_text": ({"runs": "agent_id", "model_calls": "agent_id"}, {"id": "agent"}),
    "array_for_text": ({"runs": "agent_id", "model_calls": "agent_id"}, ["agent"]),
    "outside_enumeration": ({"runs": "run_kind", "model_calls": "operation"}, "guess"),
    "below_range": ({"runs": "attempt", "model_calls": "duration_ms"}, -1),
    "above_range": ({"runs": "progress", "model_calls": "cost_usd"}, 1_000_001),
    "too_long": ({"runs": "run_id", "model_calls": "call_id"}, "x" * 300),
    "null_for_required": ({"runs": "run_id", "model_calls": "call_id"}, None),
    "unknown_event_type": ({"runs": "event_type", "model_calls": "event_type"}, "run.exploded"),
    "false_canary": ({"runs": "event_type", "model_calls": "event_type"}, "canary.beat"),
}
"""Class -> the field per stream that gets the value."""
MISSING: dict[str, dict[str, str]] = {
    "missing_identity": {"runs": "event_id", "model_calls": "tenant_id"},
    "missing_time": {"runs": "event_time", "model_calls": "event_time"},
    "missing_required": {"runs": "run_kind", "model_calls": "provider"},
    "missing_required_by_type": {"runs": "started_at", "model_calls": "duration_ms"},
}
WRONG_TIMES: dict[str, Callable[[int], int]] = {
    "seconds_for_milliseconds": lambda time: time // 1000,
    "too_old": lambda time: time - 500 * DAY_MS,
    "in_the_future": lambda time: time + 400 * DAY_MS,
}
WRONG_BYTES: dict[str, Callable[[bytes], bytes | None]] = {
    "not_json": lambda value: value[: len(value) // 2],
    "not_an_object": lambda value: b'"' + value.replace(b'"', b"'") + b'"',
    "invalid_utf8": lambda value: value.replace(b'"region":"', b'"region":"\xff\xfe', 1),
    "empty_value": lambda _: b"",
    "null_value": lambda _: None,
}
FAULTS = [*WRONG_VALUES, *MISSING, *WRONG_TIMES, *WRONG_BYTES]
"""Every class of bad input."""


def broken(fault: str, stream: str, event: Mapping[str, Any]) -> bytes | None:
    """Return the value of a record that is `event`, a victim of its stream, with one fault; None is a null record.

    >>> broken("not_json", "runs", {"run_id": "r"})
    b'{"run_i'
    """
    if fault in WRONG_BYTES:
        return WRONG_BYTES[fault](canonical(event))
    if fault in WRONG_TIMES:
        return canonical({**event, "event_time": WRONG_TIMES[fault](event["event_time"])})
    if fault in MISSING:
        return canonical({name: value for name, value in event.items() if name != MISSING[fault][stream]})
    fields, wrong = WRONG_VALUES[fault]
    return canonical({**event, fields[stream]: wrong})
