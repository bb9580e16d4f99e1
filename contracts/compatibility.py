"""May a new version of a stream travel on the same topic, beside producers and readers of the old one?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.model import CANARY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from contracts.model import EventType, Field, Stream


def breaking_changes(old: Stream, new: Stream) -> list[str]:
    """Return one sentence per breaking change from `old` to `new`; an empty list means that the topic can stay.

    A new major version has a topic of its own, so nothing in it breaks anything.
    """
    if new.topic != old.topic:
        return []
    return [
        *_removed("entity", old.entities, new.entities),
        *_removed("field", old.fields, new.fields),
        *_removed("event type", old.event_types, new.event_types),
        *(line for name in old.fields if name in new.fields for line in _field(old.fields[name], new.fields[name])),
        *_rules(old, new),
        *_kept(old, new),
        *(line for name in old.event_types if name in new.event_types for line in _event(old, new, name)),
    ]


def _removed(what: str, old: Iterable[str], new: Iterable[str]) -> Iterator[str]:
    kept = set(new)
    return (f"{what} '{name}' was removed" for name in old if name not in kept)


def _field(old: Field, new: Field) -> Iterator[str]:
    if new.type != old.type:
        yield f"field '{old.name}' changed from {old.type} to {new.type}"
        return
    if new.unit != old.unit:
        yield f"field '{old.name}' changed its unit from {old.unit} to {new.unit}"
    if _is_narrowed(old.enum, new.enum):
        yield f"field '{old.name}' allows fewer values"
    if set(old.keys) - set(new.keys):
        yield f"field '{old.name}' allows fewer keys"
    if new.is_text and new.max_length < old.max_length:
        yield f"field '{old.name}' became shorter"
    if _is_raised(old.min, new.min) or _is_raised(_negated(old.max), _negated(new.max)):
        yield f"field '{old.name}' has a narrower range"


def _rules(old: Stream, new: Stream) -> Iterator[str]:
    before = {rule.fields: rule.plus for rule in old.rules}
    for rule in new.rules:
        told = f"rule '{' + '.join(rule.parts)} <= {rule.at_most}'"
        if rule.fields not in before:
            yield f"{told} was added"
        elif rule.plus < before[rule.fields]:
            yield f"{told} allows less"


def _kept(old: Stream, new: Stream) -> Iterator[str]:
    if new.retention_days < old.retention_days:
        yield f"events may be {new.retention_days} days old instead of {old.retention_days}"


def _event(old: Stream, new: Stream, name: str) -> Iterator[str]:
    before, after = old.event_types[name], new.event_types[name]
    yield from _removed(f"{name}: field", before.carried, after.carried)
    # Canaries are sent by the product itself, which follows the contract at once.
    if name != CANARY:
        for field in sorted(_required(new, after) - _required(old, before)):
            yield f"{name}: field '{field}' became required"
    for field, values in after.only.items():
        if _is_narrowed(before.only.get(field, old.fields[field].enum if field in old.fields else ()), values):
            yield f"{name}: field '{field}' allows fewer values"


def _required(stream: Stream, event: EventType) -> set[str]:
    return {*event.required, *(name for name in stream.envelope if stream.fields[name].required)}


def _is_narrowed(old: tuple[str, ...], new: tuple[str, ...]) -> bool:
    """An empty enumeration allows everything."""
    return bool(new) and (not old or not set(old) <= set(new))


def _is_raised(old: int | None, new: int | None) -> bool:
    return new is not None and (old is None or new > old)


def _negated(bound: int | None) -> int | None:
    return None if bound is None else -bound
