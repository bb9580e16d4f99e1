"""One event as one Kafka record: key, canonical value and CloudEvents 1.0 headers in binary mode."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Record:
    """What travels: `key` is that of `key_of`, `value` is JSON in UTF-8, or None for a null record."""

    key: bytes | None
    value: bytes | None
    headers: Headers = ()


def encode(event: Mapping[str, object], entities: Iterable[str]) -> Record:
    """Turn a flat event of a stream with these entities into the record that carries it; the same event always gives the same bytes."""
    return Record(key_of(event, entities), canonical(event), headers_of(event))


def key_of(event: Mapping[str, object], entities: Iterable[str]) -> bytes:
    """Return `tenant_id:entity` of the first entity that is present, which keeps the order of one entity, else the tenant alone.

    >>> key_of({"tenant_id": "acme", "run_id": "r-1"}, ("agent_id", "run_id"))
    b'acme:r-1'
    """
    entity = next((event[name] for name in entities if event.get(name)), None)
    return (f"{event['tenant_id']}:{entity}" if entity else f"{event['tenant_id']}").encode()


def canonical(payload: Mapping[str, object]) -> bytes:
    """Return compact JSON with sorted keys; a Decimal is written without an exponent.

    >>> canonical({"b": Decimal("1E-7"), "a": 1})
    b'{"a":1,"b":0.0000001}'
    """
    return orjson.dumps(payload, default=_plain_number, option=orjson.OPT_SORT_KEYS)


def headers_of(event: Mapping[str, object]) -> Headers:
    """Repeat the envelope for Kafka-side tools; the value stays authoritative."""
    return (
        ("ce_id", str(event["event_id"]).encode()),
        ("ce_type", str(event["event_type"]).encode()),
        ("ce_source", str(event["source"]).encode()),
        ("ce_specversion", b"1.0"),
        ("ce_time", _rfc3339(int(str(event["event_time"])))),
    )


def _plain_number(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    message = f"{type(value).__name__} has no place in an event"
    raise TypeError(message)


def _rfc3339(milliseconds: int) -> bytes:
    """Return a time as CloudEvents wants it, without rounding.

    >>> _rfc3339(1_700_000_000_007)
    b'2023-11-14T22:13:20.007Z'
    """
    seconds, rest = divmod(milliseconds, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z".encode()
