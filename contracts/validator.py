"""The reference implementation of the contract: what a record is decoded to, or why it is refused, as a reason code and a field.

It judges by the exported rules (`contracts/rules.py`) and by nothing else, as the decoder of the job does, which can say no reasons and
sees no append time: the one rule that is judged elsewhere there is the age of an event.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from contracts import reasons
from contracts.decoding import StructureError, decode
from contracts.field_rules import RefusedError, judge_of, text_of
from contracts.payload_hash import payload_hash, seed_of
from contracts.rules import rules_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from contracts.decoding import Token
    from contracts.field_rules import Judge
    from contracts.payload_hash import Value
    from contracts.registry import Registry
    from contracts.rules import Between, EventRules, Rules

MOST_KEYS = 16
"""Undeclared keys that are told of one record."""
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")


@dataclass(frozen=True)
class Violation:
    """Why a delivery is not in the journal: a reason code, the field it is about and what was found there."""

    reason: str
    field: str | None = None
    detail: str | None = None


@dataclass(frozen=True)
class Decoded:
    """What the journal holds of a delivery: landed values by field, absent ones left out; hash of them; keys that landed nowhere."""

    values: Mapping[str, Value]
    payload_hash: int
    undeclared_keys: str | None


class Validator:
    """Judges raw Kafka values by the contracts of a registry on a stack of these `regions`; holds no state between calls."""

    def __init__(self, registry: Registry, regions: Iterable[str] = ()) -> None:
        regions = tuple(regions)
        self._streams = {stream.name: _StreamRules(rules_of(stream, regions)) for stream in registry.streams.values()}

    def check(self, stream: str, value: bytes | None, appended_ms: int | None) -> Violation | None:
        """Return the first violation of a value that the broker appended at `appended_ms` (epoch ms; None: any time), or None."""
        found = self._streams[stream].judge(value, appended_ms)
        return found if isinstance(found, Violation) else None

    def decode(self, stream: str, value: bytes | None, appended_ms: int | None) -> Decoded | Violation:
        """Return what is journaled of such a value, or its first violation."""
        found = self._streams[stream].judge(value, appended_ms)
        return found if isinstance(found, Violation) else self._streams[stream].landed(found)


class _Judged(NamedTuple):
    """A record that keeps its contract: what was sent, the values of all fields that the stream knows, names of those that land."""

    members: dict[str, Token]
    values: dict[str, Value]
    carried: frozenset[str]


class _FieldOfEvent(NamedTuple):
    name: str
    judge: Judge
    is_required: bool
    only: frozenset[str]


class _StreamRules:
    """The exported rules of one stream, prepared for many records."""

    def __init__(self, rules: Rules) -> None:
        self._regions = frozenset(rules["regions"])
        self._objects = [field["name"] for field in rules["fields"] if field["type"] == "object"]
        self._judges = {field["name"]: judge_of(field) for field in rules["fields"]}
        self._seeds = {name: seed_of(name) for name in self._judges}
        self._events = {name: self._fields(event) for name, event in rules["events"].items()}
        self._carried = {name: frozenset((*rules["envelope"], *event["carried"])) for name, event in rules["events"].items()}
        self._between, self._age = rules["between"], rules["age"]

    def _fields(self, event: EventRules) -> list[_FieldOfEvent]:
        only = {name: frozenset(values) for name, values in event["only"].items()}
        return [_FieldOfEvent(name, judge, name in event["required"], only.get(name, frozenset())) for name, judge in self._judges.items()]

    def judge(self, value: bytes | None, appended_ms: int | None) -> _Judged | Violation:
        try:
            members = decode(value, self._objects)
        except StructureError as error:
            return Violation(error.reason, detail=error.detail)
        region, event_type = (text_of(members[name]) if name in members else "" for name in ("region", "event_type"))
        if self._regions and "region" in members and region is not None and region not in self._regions:
            return Violation(reasons.WRONG_REGION, "region", region[:120])
        if event_type == "":
            return Violation(reasons.MISSING, "event_type")
        if event_type not in self._events:
            return Violation(reasons.UNKNOWN_EVENT_TYPE, "event_type", event_type and event_type[:120])
        values: dict[str, Value] = {}
        broken = _first_broken(self._events[event_type], members, values) or self._first_out_of_proportion(values) or self._beyond(values, appended_ms)
        return broken or _Judged(members, values, self._carried[event_type])

    def landed(self, judged: _Judged) -> Decoded:
        values = {name: value for name, value in judged.values.items() if name in judged.carried}
        undeclared = {name if _IDENTIFIER.fullmatch(name) else "?" for name in judged.members.keys() - judged.carried}
        return Decoded(values, payload_hash(values, self._seeds), ",".join(sorted(undeclared)[:MOST_KEYS]) or None)

    def _first_out_of_proportion(self, values: Mapping[str, Value]) -> Violation | None:
        return next((found for rule in self._between if (found := _compared(rule, values))), None)

    def _beyond(self, values: Mapping[str, Value], appended_ms: int | None) -> Violation | None:
        event_time = values["event_time"]
        if appended_ms is None or not isinstance(event_time, int):
            return None
        is_near = appended_ms - self._age["behind"] <= event_time <= appended_ms + self._age["ahead"]
        return None if is_near else Violation(reasons.OUT_OF_RANGE, "event_time", str(event_time))


def _first_broken(fields: Iterable[_FieldOfEvent], members: Mapping[str, Token], values: dict[str, Value]) -> Violation | None:
    """The first field that breaks a rule of its own; up to there, `values` gets what is to be landed."""
    for field in fields:
        token = members.get(field.name)
        if token is None:
            if field.is_required:
                return Violation(reasons.MISSING, field.name)
            continue
        reason = None
        try:
            values[field.name] = field.judge(token)
        except RefusedError as error:
            reason = str(error)
        if reason is None and token == "" and field.is_required:
            reason = reasons.MISSING
        if reason is None and field.only and text_of(token) not in field.only:
            reason = reasons.NOT_ALLOWED
        if reason is not None:
            return Violation(reason, field.name, (text_of(token) or "")[:120] or None)
    return None


def _compared(rule: Between, values: Mapping[str, Value]) -> Violation | None:
    parts = [(name, int(values[name])) for name in rule["parts"] if name in values]
    if not parts or rule["at_most"] not in values:
        return None
    total, most = sum(value for _, value in parts), int(values[rule["at_most"]]) + rule["plus"]
    return Violation(rule["reason"], parts[0][0], f"{total} is more than {most}") if total > most else None
