"""Complete ODCS 3.2 documents: one per journal and one per event-level fact, made from the short sources.

Hosts are variables (ODCS RFC 0050), so that a document is the same on every installation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from open_data_contract_standard.model import (
    CustomProperty,
    DataQuality,
    Description,
    EnumValue,
    OpenDataContractStandard,
    SchemaObject,
    SchemaProperty,
    Server,
    ServiceLevelAgreementProperty,
    Team,
)

from contracts import examples as example_files
from contracts import model
from contracts.identifiers import quote
from contracts.json_schema import wrong_character
from contracts.types import SPELLINGS, landed_type

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from contracts.examples import Example
    from contracts.model import EventType, Fact, Field, Rule, Stream
    from contracts.registry import Registry

API_VERSION = "v3.2.0"
EVENT_IDENTITY = ("tenant_id", "source", "event_id")
DELIVERY_IDENTITY = ("topic", "partition", "offset")
SAMPLES_PER_COLUMN = 3

_MARK = '"'


@dataclass(frozen=True)
class _Rows:
    """What the rows of one table or view are: columns in order, event types, primary key, passing examples."""

    stream: Stream
    columns: tuple[Field, ...]
    events: tuple[EventType, ...]
    identity: tuple[str, ...]
    examples: tuple[Example, ...]


def export(registry: Registry, folder: Path) -> list[Path]:
    """Write every document of a registry as `<id>.odcs.yaml`; the same registry gives the same bytes.

    Raises:
        ContractError: an example is wrong.
    """
    examples = example_files.load(registry)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for stream in registry.streams.values():
        for document in documents(stream, examples):
            path = folder / f"{document.id}.odcs.yaml"
            path.write_text(document.to_yaml(), "utf-8")
            paths.append(path)
    return paths


def documents(stream: Stream, examples: Sequence[Example] = ()) -> list[OpenDataContractStandard]:
    """Return the contract of a stream's journal, then those of its facts; passing examples become sample values."""
    passing = tuple(example for example in examples if example.stream == stream.name and example.expect is None)
    return [_journal(stream, passing), *(_fact(stream, fact, passing) for fact in stream.facts.values())]


def _journal(stream: Stream, passing: tuple[Example, ...]) -> OpenDataContractStandard:
    columns = (*stream.fields.values(), *model.DECODED.values(), *stream.landing.values())
    rows = _Rows(stream, columns, tuple(stream.event_types.values()), DELIVERY_IDENTITY, passing)
    table = SchemaObject(
        name=stream.name,
        physicalName=stream.journal,
        physicalType="table",
        logicalType="object",
        businessName=stream.title,
        description=stream.description,
        dataGranularityDescription=(f"One row per accepted delivery; the same event ({', '.join(EVENT_IDENTITY)}) may be delivered more than once."),
        properties=[_property(rows, field) for field in columns],
        quality=_quality(rows),
        customProperties=[CustomProperty(property="topic", value=stream.topic)],
    )
    kafka = Server(server="intake", type="kafka", host="${KAFKA_BOOTSTRAP_SERVERS}", format="json", encoding="UTF-8")
    iceberg = Server(server="lake", type="iceberg", catalog="lake", catalogUrl="${ICEBERG_CATALOG_URL}", namespace="journal")
    limits = "Closed to readers: they see the facts made from it, without repeated deliveries."
    return _document(stream, table, limits, [kafka, iceberg])


def _fact(stream: Stream, fact: Fact, passing: tuple[Example, ...]) -> OpenDataContractStandard:
    events = tuple(stream.event_types[name] for name in fact.events)
    shown = set(stream.envelope).union(*(event.carried for event in events))
    columns = (*(field for field in stream.fields.values() if field.name in shown), *stream.landing.values())
    rows = _Rows(stream, columns, events, EVENT_IDENTITY, passing)
    condition = f" where {fact.where}" if fact.where else ""
    view = SchemaObject(
        name=fact.name,
        physicalName=f"serving.{fact.name}",
        physicalType="view",
        logicalType="object",
        businessName=fact.name.replace("_", " ").capitalize(),
        description=fact.description,
        dataGranularityDescription=f"One row per event ({', '.join(fact.events)}){condition}.",
        properties=[_property(rows, field) for field in columns],
        quality=_quality(rows),
        customProperties=[CustomProperty(property="derivedFrom", value=stream.journal)],
    )
    # `schema` is a name of pydantic's own, so the model wants it by its alias.
    trino = Server(server="query", type="trino", host="${TRINO_HOST}", port="${TRINO_PORT}", catalog="lake", schema="serving")
    return _document(stream, view, "Reaches as far as the stream has been audited; has no canaries.", [trino])


def _document(stream: Stream, table: SchemaObject, limits: str, servers: list[Server]) -> OpenDataContractStandard:
    return OpenDataContractStandard(
        apiVersion=API_VERSION,
        kind="DataContract",
        id=table.physicalName,
        name=table.businessName,
        version=stream.version,
        status="active",
        domain=stream.name,
        description=Description(purpose=table.description, limitations=limits),
        servers=servers,
        schema=[table],
        team=Team(name=stream.owner),
        slaProperties=[
            ServiceLevelAgreementProperty(
                property="retention",
                value=stream.retention_days,
                unit="d",
                element=f"{table.name}.event_time",
                description="How long an event is kept.",
            ),
            ServiceLevelAgreementProperty(
                property="freshness",
                value=f"PT{stream.freshness_seconds}S",
                element=f"{table.name}.appended_at",
                description="Time from the broker's append to an audited answer.",
            ),
        ],
    )


def _property(rows: _Rows, field: Field) -> SchemaProperty:
    spelling = SPELLINGS[landed_type(field)]
    is_key = field.name in rows.identity
    is_partition = field.name == "event_time" and rows.identity == DELIVERY_IDENTITY
    return SchemaProperty(
        name=field.name,
        logicalType=spelling.odcs,
        logicalTypeOptions=_options(field) or None,
        physicalType=spelling.trino,
        description=field.description,
        required=_is_required(rows, field),
        primaryKey=is_key or None,
        primaryKeyPosition=rows.identity.index(field.name) + 1 if is_key else None,
        partitioned=is_partition or None,
        partitionKeyPosition=1 if is_partition else None,
        classification=field.classification,
        enum=[EnumValue(value=value) for value in _allowed(rows, field)] or None,
        examples=_samples(rows, field) or None,
        customProperties=[CustomProperty(property="unit", value=field.unit)] if field.unit else None,
    )


def _is_required(rows: _Rows, field: Field) -> bool:
    landed = field.name in rows.stream.landing
    return landed or field.required or all(field.name in event.required for event in rows.events)


def _options(field: Field) -> dict[str, Any]:
    if field.type == "time":
        low, high = _instant(model.EARLIEST_TIME_MS), _instant(model.LATEST_TIME_MS)
        return {"minimum": low, "maximum": high, "timezone": True}
    if field.type == "money":
        return {"minimum": 0, "maximum": model.MAX_MONEY_USD}
    if field.is_text:
        return {} if field.enum or field.type == "object" else _text_options(field)
    bounds = {"minimum": field.min, "maximum": field.max, "format": "i64" if field.type == "integer" else None}
    return {key: bound for key, bound in bounds.items() if bound is not None}


def _text_options(field: Field) -> dict[str, Any]:
    wrong = wrong_character(field)
    right = {"pattern": rf"^(?![\s\S]*{wrong})"} if wrong else {}
    return ({"minLength": field.max_length} if field.type == "hash" else {}) | {"maxLength": field.max_length} | right


def _allowed(rows: _Rows, field: Field) -> tuple[str, ...]:
    return tuple(event.name for event in rows.events) if field.name == "event_type" else field.enum


def _samples(rows: _Rows, field: Field) -> list[Any]:
    names = {event.name for event in rows.events} - {model.CANARY}
    sent = [example.event.get(field.name) for example in rows.examples if example.event_type in names]
    samples = list(dict.fromkeys(value for value in sent if isinstance(value, str | int | float)))[:SAMPLES_PER_COLUMN]
    return [_instant(int(value)) for value in samples] if field.type == "time" else samples


def _instant(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")


def _quality(rows: _Rows) -> list[DataQuality]:
    rules = [
        _no_rows(
            "event_time_near_append_time",
            f"event_time < appended_at - INTERVAL '{rows.stream.retention_days}' DAY "
            f"OR event_time > appended_at + INTERVAL '{model.MAX_AHEAD_MS // model.DAY_MS}' DAY",
        )
    ]
    shown = {column.name for column in rows.columns}
    rules += [_no_rows(f"{rule.parts[0]}_{rule.reason}", _broken(rows.stream, rule)) for rule in rows.stream.rules if shown.issuperset(rule.fields)]
    for event in rows.events:
        wrong = [quote(name, _MARK) + " IS NULL" for name in event.required]
        wrong += [_outside(rows.stream.fields[name], values) for name, values in event.only.items()]
        if wrong:
            rules.append(_no_rows(f"{event.name}_complete", f"event_type = '{event.name}' AND ({' OR '.join(wrong)})"))
    return rules


def _broken(stream: Stream, rule: Rule) -> str:
    """Condition of a row that breaks a rule between fields; where all parts are absent, the sum of none is within every limit."""
    parts = [_number(stream.fields[name]) for name in rule.parts]
    total = parts[0] if len(parts) == 1 else " + ".join(f"COALESCE({part}, 0)" for part in parts)
    return f"{total} > {_number(stream.fields[rule.at_most])}" + (f" + {rule.plus}" if rule.plus else "")


def _number(field: Field) -> str:
    name = quote(field.name, _MARK)
    return f"ROUND(to_unixtime({name}) * 1000)" if field.type == "time" else name


def _outside(field: Field, values: tuple[str, ...]) -> str:
    literals = values if field.type == "boolean" else tuple(f"'{value}'" for value in values)
    return f"{quote(field.name, _MARK)} NOT IN ({', '.join(literals)})"


def _no_rows(name: str, condition: str) -> DataQuality:
    return DataQuality(
        name=name,
        type="sql",
        dimension="conformity",
        severity="error",
        query=f"SELECT COUNT(*) FROM ${{table}} WHERE {condition}",
        mustBe=0,
    )
