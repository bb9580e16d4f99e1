"""One JSON Schema (draft 2020-12) per event type, for producers: what it accepts, the gate accepts.

It is stricter than the gate, which also takes a number that was sent as text and counts the keys that an event type does not carry. JSON
Schema cannot say that money has at most nine decimals, that an integer is spelled without fraction and exponent, that no key stands twice,
how two fields compare or how near event_time is to the append time; of that, `$comment` says what is particular to the event type.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from contracts import model
from contracts.rules import CHARACTERS

if TYPE_CHECKING:
    from pathlib import Path

    from contracts.model import EventType, Field, Stream
    from contracts.registry import Registry

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1


def export(registry: Registry, folder: Path) -> list[Path]:
    """Write the schema of every event type of every stream as `<topic>/<event type>.schema.json`."""
    paths = []
    for stream in registry.streams.values():
        (folder / stream.topic).mkdir(parents=True, exist_ok=True)
        for event in stream.event_types.values():
            path = folder / stream.topic / f"{event.name}.schema.json"
            path.write_text(json.dumps(json_schema(stream, event), indent=2) + "\n", "utf-8")
            paths.append(path)
    return paths


def json_schema(stream: Stream, event: EventType) -> dict[str, Any]:
    """Return the schema of an event type as it is sent on a stream.

    A field of the stream that the event type does not carry is refused; a name unknown to the stream is let through, because the next
    minor version may define it.
    """
    envelope = [name for name in stream.envelope if stream.fields[name].required]
    required = tuple(dict.fromkeys((*envelope, *event.required)))
    carried = {*stream.envelope, *event.carried}
    properties: dict[str, Any] = {
        field.name: _field(field, event, is_required=field.name in required) if field.name in carried else False for field in stream.fields.values()
    }
    properties["event_type"] = {"const": event.name, "description": stream.fields["event_type"].description}
    return {
        "$schema": DIALECT,
        "$id": f"urn:daybook:{stream.topic}:{event.name}:{stream.version}",
        "title": event.title,
        "description": event.description,
        "$comment": _beyond(stream, event),
        "type": "object",
        "required": list(required),
        "properties": properties,
    }


def _field(field: Field, event: EventType, *, is_required: bool) -> dict[str, Any]:
    allowed = event.only.get(field.name, field.enum)
    if allowed:
        values = [value == "true" for value in allowed] if field.type == "boolean" else list(allowed)
        return {"enum": values, "description": field.description}
    return {**_type(field, is_required=is_required), "description": field.description}


def _type(field: Field, *, is_required: bool) -> dict[str, Any]:
    match field.type:
        case "boolean":
            return {"type": "boolean"}
        case "object":
            scalar = {"type": ["string", "number", "boolean", "null"]}
            return {"type": "object", "propertyNames": {"enum": list(field.keys)}, "additionalProperties": scalar}
        case "time":
            return {"type": "integer", "minimum": model.EARLIEST_TIME_MS, "maximum": model.LATEST_TIME_MS}
        case "money":
            return {"type": "number", "minimum": 0, "maximum": model.MAX_MONEY_USD}
        case "integer":
            low = _INT64_MIN if field.min is None else field.min
            high = _INT64_MAX if field.max is None else field.max
            return {"type": "integer", "minimum": low, "maximum": high}
        case "number":
            bounds = {"minimum": field.min, "maximum": field.max}
            return {"type": "number"} | {key: bound for key, bound in bounds.items() if bound is not None}
        case _:
            return _text(field, is_required=is_required)


def _text(field: Field, *, is_required: bool) -> dict[str, Any]:
    shortest = field.max_length if field.type == "hash" else int(is_required)
    wrong = wrong_character(field)
    # Not "every character is right": what `$` matches before a last line feed differs between engines.
    return {"type": "string", "minLength": shortest, "maxLength": field.max_length} | ({"not": {"pattern": wrong}} if wrong else {})


def wrong_character(field: Field) -> str | None:
    """Regular expression (ECMA-262, and Python's) of a character that a text of this type has not; None when it may have any."""
    told = CHARACTERS.get(field.type, {})
    if "only_of" in told:
        return f"[^{_ranges(told['only_of'])}]"
    return f"[{_ranges(told['none_of'])}]" if "none_of" in told else None


def _ranges(characters: str) -> str:
    codes = sorted(map(ord, characters))
    firsts = [code for code in codes if code - 1 not in codes]
    lasts = [code for code in codes if code + 1 not in codes]
    return "".join(f"\\u{first:04x}" + (f"-\\u{last:04x}" if last > first else "") for first, last in zip(firsts, lasts, strict=True))


def _beyond(stream: Stream, event: EventType) -> str:
    carried = {*stream.envelope, *event.carried}
    rules = [
        f"{' + '.join(rule.parts)} <= {rule.at_most}" + (f" + {rule.plus}" if rule.plus else "")
        for rule in stream.rules
        if rule.at_most in carried and carried.intersection(rule.parts)
    ]
    return "; ".join(["A record in which a key stands twice is refused, a key that is not listed is counted and left out", *rules]) + "."
