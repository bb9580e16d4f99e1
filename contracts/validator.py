"""The reference implementation of the contract: why a delivery is refused, as a reason code and a field.

Every value is judged in its text form, in which Flink's JSON decoder hands a STRING column to the gate (`contracts/decoding.py`), so that
both apply the same rules to the same text. The rules are listed in `transforms/gate.py`, which states them in SQL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contracts import model
from contracts.decoding import ArrayValueError, decode
from contracts.model import Field, Stream

if TYPE_CHECKING:
    from contracts.registry import Registry

_INTEGER = re.compile(r"(?:0|-?[1-9][0-9]{0,18})\Z")
_NUMBER = re.compile(r"-*[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?\Z")
_INT64 = 2**63
_MALFORMED = (ValueError, RecursionError)
ARRAY = "array"
"""Reason code of an array of several values, which Flink's decoder takes apart into as many rows."""


@dataclass(frozen=True)
class Violation:
    """Why a delivery is not in the journal: a reason code, the field it is about and what was found there."""

    reason: str
    field: str | None = None
    detail: str | None = None


class Validator:
    """Judges raw Kafka values by the contracts of a registry; holds no state between calls."""

    def __init__(self, registry: Registry) -> None:
        self._streams = registry.streams

    def check(self, stream: str, value: bytes | None, appended_ms: int) -> Violation | None:
        """Return the first violation of a value that the broker appended at `appended_ms` (epoch ms), or None."""
        if value is None:
            return Violation("null_value")
        try:
            texts = decode(value)
        except UnicodeDecodeError:
            return Violation("invalid_utf8")
        except ArrayValueError as error:
            return Violation(ARRAY, detail=str(error))
        except _MALFORMED as error:
            return Violation("malformed", detail=str(error)[:120])
        return self.check_texts(self._streams[stream], texts, appended_ms)

    def check_texts(self, stream: Stream, texts: dict[str, str], appended_ms: int) -> Violation | None:
        """Judge a decoded delivery: field name to text form, absent fields left out."""
        event = stream.event_types.get(texts.get("event_type", ""))
        if event is None:
            found = texts.get("event_type")
            return Violation("unknown_event_type" if found else "missing", "event_type", found and found[:120])
        required = {name for name in stream.envelope if stream.fields[name].required} | set(event.required)
        for name, field in stream.fields.items():
            text = texts.get(name)
            reason = _judge(field, text) if text is not None else None
            if reason is None and name in required and not text:
                reason = "missing"
            if reason is None and text is not None and name in event.only and text not in event.only[name]:
                reason = "not_allowed"
            if reason:
                return Violation(reason, name, text and text[:120])
        event_time = int(texts["event_time"])
        if not appended_ms - stream.max_age_ms <= event_time <= appended_ms + model.MAX_AHEAD_MS:
            return Violation("out_of_range", "event_time", texts["event_time"])
        return None


def attributes_pattern(field: Field) -> str:
    r"""Regular expression of a flat JSON object with no other keys than the field's, which means the same in Python and in Java.

    So it has no `.`, `^` or `$`: the two engines differ in what ends a line. `[\s\S]` is any character, and none of them may follow.
    """
    keys = "|".join(re.escape(key) for key in field.keys)
    return rf'\A\{{("({keys})":("[^"\\]*+(\\[\s\S][^"\\]*+)*+"|[-+.0-9A-Za-z]++),?)*+\}}(?![\s\S])'


def _judge(field: Field, text: str) -> str | None:
    judge = {"integer": _integer, "time": _time, "number": _number, "money": _money}.get(field.type)
    if judge is not None:
        return judge(field, text)
    if field.type == "boolean":
        return None if text in {"true", "false"} else "wrong_type"
    if field.type == "object":
        return None if re.match(attributes_pattern(field), text) else "unexpected_attribute"
    return _string(field, text)


def _string(field: Field, text: str) -> str | None:
    if text.startswith(("{", "[")):
        return "wrong_type"
    if len(text) > field.max_length:
        return "too_long"
    return "not_allowed" if field.enum and text not in field.enum else None


def _integer(field: Field, text: str) -> str | None:
    if not _INTEGER.match(text) or not -_INT64 <= int(text) < _INT64:
        return "wrong_type"
    return _within(int(text), field.min, field.max)


def _time(_: Field, text: str) -> str | None:
    if not _INTEGER.match(text) or not -_INT64 <= int(text) < _INT64:
        return "wrong_type"
    return _within(int(text), model.EARLIEST_TIME_MS, model.LATEST_TIME_MS)


def _number(field: Field, text: str) -> str | None:
    number = _parse(text)
    return "wrong_type" if number is None else _within(number, field.min, field.max)


def _money(_: Field, text: str) -> str | None:
    number = _parse(text)
    if number is None:
        return "wrong_type"
    # A sign is refused even before a zero, as in the gate.
    if text.startswith("-") or number > model.MAX_MONEY_USD:
        return "out_of_range"
    # The double of a decimal with nine places is the one nearest to its whole number of billionths, divided.
    return None if int(number * 1e9 + 0.5) / 1e9 == number else "too_precise"


def _parse(text: str) -> float | None:
    if not _NUMBER.match(text) or not text[-1].isdigit():
        return None
    number = float(text) if not text.startswith("--") else None
    return number if number is not None and abs(number) != float("inf") else None


def _within(number: float, low: int | None, high: int | None) -> str | None:
    if (low is not None and number < low) or (high is not None and number > high):
        return "out_of_range"
    return None
