"""Contracts as values: fields, event types, facts and streams, frozen after loading.

A field is defined once per stream; an event type says which of the stream's fields it carries and which it requires.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as Setting

from contracts.datasets import duplicates_of, journal_of
from contracts.types import FieldType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CANARY = "canary.beat"

EARLIEST_TIME_MS = 946_684_800_000
"""2000-01-01: a time in seconds instead of milliseconds lies below it."""
LATEST_TIME_MS = 4_102_444_800_000
"""2100-01-01."""
MAX_AGE_MS = 400 * 86_400_000
"""How far event_time may lie before the broker's append time."""
MAX_AHEAD_MS = 86_400_000
"""How far event_time may lie after the broker's append time."""
MAX_MONEY_USD = 1_000_000
NANO = 1_000_000_000
"""Money is summed in billionths of a dollar."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


_LIMITED: Mapping[str, frozenset[FieldType]] = {
    "enum": frozenset({"string"}),
    "min": frozenset({"integer", "number"}),
    "max": frozenset({"integer", "number"}),
    "keys": frozenset({"object"}),
}
"""Types of which a limit is checked; on another one it would be read and never applied."""


class Field(_Frozen):
    """One field of an event: its type, its limits and its meaning; `unbounded` when each value names one thing among ever more."""

    name: str
    type: FieldType
    description: str
    required: bool = False
    max_length: int = 256
    enum: tuple[str, ...] = ()
    min: int | None = None
    max: int | None = None
    unit: str | None = None
    classification: Literal["internal", "pii", "confidential"] = "internal"
    keys: tuple[str, ...] = ()
    unbounded: bool = False

    @model_validator(mode="after")
    def _limits_must_fit_the_type(self) -> Field:
        told = {"enum": bool(self.enum), "min": self.min is not None, "max": self.max is not None, "keys": bool(self.keys)}
        for limit in (name for name, is_told in told.items() if is_told and self.type not in _LIMITED[name]):
            message = f"{limit}: a field of type {self.type} has none"
            raise ValueError(message)
        return self

    @property
    def is_text(self) -> bool:
        """True for a field that is landed as the text it was sent as."""
        return self.type in {"string", "object"}


DECODED: Mapping[str, Field] = {
    "payload_hash": Field(
        name="payload_hash", type="integer", required=True, description="Hash of all accepted values: a repeat that tells another payload has another one."
    ),
    "undeclared_keys": Field(
        name="undeclared_keys",
        type="string",
        max_length=1039,
        description="Names of the record's keys that its event type does not carry, joined by commas; one that is no identifier is a question mark.",
    ),
}
"""What the decoder adds to each row that it accepts; no contract's field may be called so."""


class EventType(_Frozen):
    """One event type of a stream: which fields it carries, which it requires, which values it narrows them to."""

    name: str = Setting(alias="event")
    title: str
    description: str
    owner: str | None = None
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    only: dict[str, tuple[str, ...]] = {}

    @property
    def carried(self) -> tuple[str, ...]:
        """Names of the stream's own fields that this event type may carry, required ones first."""
        return self.required + self.optional


class Fact(_Frozen):
    """An event-level fact: a view of the journal that keeps some event types, and of those what has the flag `where`."""

    name: str
    description: str
    events: tuple[str, ...]
    where: str | None = None


class Stream(_Frozen):
    """One intake stream: a topic, a journal and everything that travels on it."""

    name: str
    title: str
    description: str
    owner: str
    version: str
    entities: tuple[str, ...]
    retention_days: int
    freshness_seconds: int
    envelope: tuple[str, ...]
    fields: dict[str, Field]
    landing: dict[str, Field]
    event_types: dict[str, EventType]
    facts: dict[str, Fact]

    @model_validator(mode="after")
    def _names_must_exist(self) -> Stream:
        _must_be_known(self.entities, self.fields, "entities")
        for event in self.event_types.values():
            _must_be_known(event.carried, self.fields, f"event {event.name}")
            _must_be_known(event.only, self.fields, f"event {event.name}: only")
        for fact in self.facts.values():
            _must_be_known(fact.events, self.event_types, f"fact {fact.name}: events")
            if fact.where is not None and (fact.where not in self.fields or self.fields[fact.where].type != "boolean"):
                message = f"fact {fact.name}: where: '{fact.where}' is no field of type boolean"
                raise ValueError(message)
        return self

    @property
    def topic(self) -> str:
        """Kafka topic: the stream and the contract's major version, such as `runs.v1`."""
        return f"{self.name}.v{self.version.split('.')[0]}"

    @property
    def journal(self) -> str:
        """Iceberg table that holds every accepted delivery."""
        return journal_of(self.name)

    @property
    def duplicates(self) -> str:
        """Iceberg table that names the deliveries which repeat an earlier one."""
        return duplicates_of(self.name)


def _must_be_known(names: Iterable[str], known: Mapping[str, object], where: str) -> None:
    for name in names:
        if name not in known:
            message = f"{where}: '{name}' is not defined"
            raise ValueError(message)
