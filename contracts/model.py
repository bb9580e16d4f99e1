"""Contracts as values: fields, rules between them, event types, facts and streams, frozen after loading.

A field is defined once per stream; an event type says which of the stream's fields it carries and which it requires. What no contract
has to say, because it holds for every record: a key that stands twice in the record, or in its attributes, refuses it (`repeated_key`),
even when both say the same. A key that the record's event type does not carry refuses nothing: it is left out of the journal and
counted, but where the stream has a field of that name its value is judged all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic import Field as Setting

from contracts.datasets import duplicates_of, journal_of
from contracts.types import LENGTHS, FieldType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CANARY = "canary.beat"

EARLIEST_TIME_MS = 946_684_800_000
"""2000-01-01: a time in seconds instead of milliseconds lies below it."""
LATEST_TIME_MS = 4_102_444_800_000
"""2100-01-01."""
DAY_MS = 86_400_000
MAX_AHEAD_MS = DAY_MS
"""How far event_time may lie after the broker's append time; how far before it, each stream says (`Stream.max_age_ms`)."""
MAX_MONEY_USD = 1_000_000
NANO = 1_000_000_000
"""Money is summed in billionths of a dollar."""
EXACT = 2**53
"""Whole numbers nearer to zero are doubles too: of every bound of a field and its neighbours."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


_LIMITED: Mapping[str, frozenset[FieldType]] = {
    "max_length": frozenset(LENGTHS) - {"hash"},
    "enum": frozenset({"string"}),
    "min": frozenset({"integer", "number"}),
    "max": frozenset({"integer", "number"}),
    "keys": frozenset({"object"}),
}
"""Types of which a limit is checked; on another one it would be read and never applied."""


class Field(_Frozen):
    """One field of an event: its type, its limits and its meaning; `unbounded` when each value names one thing among ever more.

    `max_length` is in code points, that of its type where none is told (`LENGTHS`), and 0 for what is no text.
    """

    name: str
    type: FieldType
    description: str
    required: bool = False
    max_length: int = Setting(default_factory=lambda told: LENGTHS.get(told.get("type"), 0), gt=0, lt=2**31)
    enum: tuple[str, ...] = ()
    min: int | None = Setting(default=None, gt=-EXACT, lt=EXACT)
    max: int | None = Setting(default=None, gt=-EXACT, lt=EXACT)
    unit: str | None = None
    classification: Literal["internal", "pii", "confidential"] = "internal"
    keys: tuple[str, ...] = ()
    unbounded: bool = False

    @model_validator(mode="after")
    def _limits_must_fit_the_type(self) -> Field:
        told = {
            "max_length": "max_length" in self.model_fields_set,
            "enum": bool(self.enum),
            "min": self.min is not None,
            "max": self.max is not None,
            "keys": bool(self.keys),
        }
        for limit in (name for name, is_told in told.items() if is_told and self.type not in _LIMITED[name]):
            message = f"{limit}: a field of type {self.type} has none"
            raise ValueError(message)
        return self

    @property
    def is_text(self) -> bool:
        """True for a field that is landed as a text."""
        return self.type == "object" or self.type in LENGTHS


class Rule(_Frozen):
    """A rule between fields: the sum of the `parts` that are present is at most `at_most` plus `plus` (of the same unit).

    Silent where `at_most` or every part is absent.
    """

    parts: tuple[str, ...] = Setting(min_length=1)
    at_most: str
    plus: int = Setting(default=0, ge=0, lt=EXACT)
    reason: Literal["exceeds_whole", "out_of_order"]

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of all fields it is about."""
        return *self.parts, self.at_most


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
    rules: tuple[Rule, ...] = ()

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
        for rule in self.rules:
            _must_be_known(rule.fields, self.fields, "rules")
            for name in rule.fields:
                if self.fields[name].type not in {"integer", "time"}:
                    message = f"rules: '{name}' is no field of type integer or time"
                    raise ValueError(message)
        return self

    @property
    def max_age_ms(self) -> int:
        """How far event_time may lie before the broker's append time: no further than events are kept."""
        return self.retention_days * DAY_MS

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
