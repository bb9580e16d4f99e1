"""The contract of a stream as data: everything that a decoder must know to judge its records and to land them.

The reference validator and the Flink format judge by this and by nothing else, so that a rule cannot live in one of them only.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NotRequired, TypedDict

from contracts import model

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from contracts.model import EventType, Field, Stream
    from contracts.types import FieldType

_BLANK_RANGES = ((0x00, 0x20), (0x7F, 0xA0), (0x1680,), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F,), (0x205F,), (0x3000,), (0xFEFF,))
BLANKS = "".join(chr(code) for bounds in _BLANK_RANGES for code in range(bounds[0], bounds[-1] + 1))
"""Every character that parts words or cannot be seen: none stands in a code."""
HEX_DIGITS = "0123456789abcdef"


class Characters(TypedDict, total=False):
    """Which characters a text has (`only_of`) or has not (`none_of`), and the reason code of one that breaks this or its length."""

    none_of: str
    only_of: str
    reason: str


class FieldRules(Characters):
    """One field: `text`, `integer`, `number`, `money`, `boolean` or `object`, and its limits; lengths in code points, money in dollars.

    A time is an integer of epoch milliseconds.
    """

    name: str
    type: str
    max_length: NotRequired[int]
    length: NotRequired[int]
    enum: NotRequired[Sequence[str]]
    min: NotRequired[int]
    max: NotRequired[int]
    keys: NotRequired[Sequence[str]]


class EventRules(TypedDict):
    """One event type: the stream's own fields that it carries, all that it requires, and text forms that it narrows a field to."""

    carried: Sequence[str]
    required: Sequence[str]
    only: Mapping[str, Sequence[str]]


class Between(TypedDict):
    """A rule between fields, see `contracts.model.Rule`."""

    parts: Sequence[str]
    at_most: str
    plus: int
    reason: str


class Age(TypedDict):
    """How far event_time may lie behind and ahead of the broker's append time, in milliseconds."""

    behind: int
    ahead: int


class Rules(TypedDict):
    """One stream: `fields` in the order of the journal's columns; `regions` of which an event must be, none for any."""

    stream: str
    envelope: Sequence[str]
    fields: Sequence[FieldRules]
    events: Mapping[str, EventRules]
    between: Sequence[Between]
    age: Age
    regions: Sequence[str]


CHARACTERS: Mapping[FieldType, Characters] = {
    "code": {"none_of": BLANKS, "reason": "not_a_code"},
    "pseudonym": {"none_of": BLANKS + "@", "reason": "not_pseudonymous"},
    "hash": {"only_of": HEX_DIGITS, "reason": "not_a_hash"},
    "ref": {"none_of": "?", "reason": "not_a_reference"},
}
"""What a text of each narrower type is made of."""


def rules_of(stream: Stream, regions: Iterable[str] = ()) -> Rules:
    """Return the rules of a stream on a stack that takes these `regions`, or any when there are none."""
    return {
        "stream": stream.name,
        "envelope": list(stream.envelope),
        "fields": [_field(field) for field in stream.fields.values()],
        "events": {event.name: _event(stream, event) for event in stream.event_types.values()},
        "between": [{"parts": list(rule.parts), "at_most": rule.at_most, "plus": rule.plus, "reason": rule.reason} for rule in stream.rules],
        "age": {"behind": stream.max_age_ms, "ahead": model.MAX_AHEAD_MS},
        "regions": sorted(set(regions)),
    }


def rules_json(stream: Stream, regions: Iterable[str] = ()) -> str:
    """Return the rules as one line of ASCII; the same contract gives the same bytes."""
    return json.dumps(rules_of(stream, regions), separators=(",", ":"))


def _field(field: Field) -> FieldRules:
    match field.type:
        case "time":
            return {"name": field.name, "type": "integer", "min": model.EARLIEST_TIME_MS, "max": model.LATEST_TIME_MS}
        case "money":
            return {"name": field.name, "type": "money", "max": model.MAX_MONEY_USD}
        case "boolean":
            return {"name": field.name, "type": "boolean"}
        case "object":
            return {"name": field.name, "type": "object", "keys": list(dict.fromkeys(field.keys))}
        case "integer" | "number":
            return _bounded(field)
        case _:
            return _text(field)


def _bounded(field: Field) -> FieldRules:
    rules: FieldRules = {"name": field.name, "type": field.type}
    if field.min is not None:
        rules["min"] = field.min
    if field.max is not None:
        rules["max"] = field.max
    return rules


def _text(field: Field) -> FieldRules:
    rules: FieldRules = {"name": field.name, "type": "text"}
    if field.enum:
        return {**rules, "enum": list(field.enum)}
    rules["length" if field.type == "hash" else "max_length"] = field.max_length
    return {**rules, **CHARACTERS.get(field.type, {})}


def _event(stream: Stream, event: EventType) -> EventRules:
    carried = {*event.carried} - {*stream.envelope}
    required = {*event.required, *(name for name in stream.envelope if stream.fields[name].required)}
    return {
        "carried": [name for name in stream.fields if name in carried],
        "required": [name for name in stream.fields if name in required],
        "only": {name: list(values) for name, values in event.only.items()},
    }
