"""Events of the small registry's stream `jobs`, spelled as a test wants them, and what the validator says of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from contracts.validator import Decoded, Violation

if TYPE_CHECKING:
    from contracts.validator import Validator

APPENDED_MS = 1_772_366_400_000
EVENT = {
    "event_id": "e-1",
    "event_type": "job.done",
    "schema_version": 1,
    "event_time": APPENDED_MS - 5,
    "source": "cron",
    "tenant_id": "acme",
    "region": "local",
    "environment": "prod",
    "job_id": "j-1",
    "state": "ok",
}


def with_fields(**fields: Any) -> bytes:
    """The usual event with other or further fields."""
    return json.dumps(EVENT | fields).encode()


def without(*names: str) -> bytes:
    """The usual event without some fields."""
    return json.dumps({key: value for key, value in EVENT.items() if key not in names}).encode()


def with_text(name: str, spelling: str) -> bytes:
    """The usual event with one field spelled exactly so."""
    return without(name)[:-1] + f', "{name}": {spelling}}}'.encode()


def judge(validator: Validator, value: bytes | None) -> tuple[str, str | None] | None:
    """Reason and field of the violation of a value."""
    violation = validator.check("jobs", value, APPENDED_MS)
    return (violation.reason, violation.field) if violation else None


def decoded(validator: Validator, value: bytes) -> Decoded:
    """What a value that is accepted is decoded to."""
    found = validator.decode("jobs", value, APPENDED_MS)
    assert not isinstance(found, Violation), found
    return found
