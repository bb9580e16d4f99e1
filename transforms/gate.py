"""The gate in Flink SQL: every field arrives as text, is judged by the contract and is decoded.

Flink's typed JSON decoding cuts 1.9 to 1 and reads the inner keys of an object as the record's own, so each column is
declared STRING (an object is then consumed whole) and cast here. `contracts/validator.py` applies the same rules to the
same text and can say which one failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts import model
from contracts.identifiers import literal, quote
from contracts.validator import attributes_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from contracts.model import EventType, Field, Stream

INDENT = "  "


def source_name(stream: Stream) -> str:
    """Name of the Kafka table of a stream inside the job."""
    return f"{stream.name}_source"


def gate_name(stream: Stream) -> str:
    """Name of the view of accepted, decoded deliveries."""
    return f"{stream.name}_accepted"


def source_ddl(stream: Stream, options: Mapping[str, str]) -> str:
    """`CREATE TABLE` over the stream's topic: every field as text, the record's place, the broker's time as row time."""
    columns = [f"{_name(name)} STRING" for name in stream.fields]
    columns += [
        "`partition` INT METADATA VIRTUAL",
        "`offset` BIGINT METADATA VIRTUAL",
        "appended_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL",
        "WATERMARK FOR appended_at AS appended_at - INTERVAL '0.001' SECOND",
    ]
    settings = [f"'{key}' = '{value}'" for key, value in options.items()]
    return f"CREATE TEMPORARY TABLE {source_name(stream)} (\n{_lines(columns)}\n) WITH (\n{_lines(settings)}\n)"


def gate_ddl(stream: Stream) -> str:
    """`CREATE VIEW` of the deliveries that pass: integers and times as BIGINT (epoch ms), money as BIGINT billionths."""
    columns = [_decoded(field) for field in stream.fields.values()] + ["`partition`", "`offset`", "appended_at"]
    return f"CREATE TEMPORARY VIEW {gate_name(stream)} AS\nSELECT\n{_lines(columns)}\nFROM {source_name(stream)}\nWHERE\n{_conjunction(predicate(stream))}"


def predicate(stream: Stream) -> list[str]:
    """Conditions that a delivery must all meet; none of them is NULL for any input."""
    always = [_required(stream.fields[name]) for name in stream.envelope if stream.fields[name].required]
    optional = [field for field in stream.fields.values() if not (field.name in stream.envelope and field.required)]
    values = [f"({_name(field.name)} IS NULL OR {_rule(field)})" for field in optional]
    return [*always, *_event_time_bounds(), *values, _by_event_type(stream)]


def _required(field: Field) -> str:
    name = _name(field.name)
    filled = f"{name} <> '' AND " if field.is_text and not field.enum else ""
    return f"{name} IS NOT NULL AND {filled}{_rule(field)}"


def _event_time_bounds() -> list[str]:
    moment = "TO_TIMESTAMP_LTZ(TRY_CAST(event_time AS BIGINT), 3)"
    day = 86_400_000
    return [
        f"{moment} >= appended_at - INTERVAL '{model.MAX_AGE_MS // day}' DAY(3)",
        f"{moment} <= appended_at + INTERVAL '{model.MAX_AHEAD_MS // day}' DAY",
    ]


def _by_event_type(stream: Stream) -> str:
    cases = [f"WHEN '{event.name}' THEN {_event_rule(stream, event)}" for event in stream.event_types.values()]
    return "CASE event_type\n" + "\n".join(f"{INDENT * 2}{case}" for case in cases) + f"\n{INDENT * 2}ELSE FALSE\n{INDENT}END"


def _event_rule(stream: Stream, event: EventType) -> str:
    rules = [_present(stream.fields[name]) for name in event.required]
    rules += [f"({_name(name)} IS NULL OR {_name(name)} IN ({_texts(allowed)}))" for name, allowed in event.only.items()]
    return " AND ".join(rules) or "TRUE"


def _present(field: Field) -> str:
    name = _name(field.name)
    return f"{name} IS NOT NULL" + (f" AND {name} <> ''" if field.is_text and not field.enum else "")


def _rule(field: Field) -> str:
    """The condition on a value that is present; NULL never, so that `NOT` and `OR` mean what they say."""
    name = _name(field.name)
    match field.type:
        case "integer":
            return _whole(name) + _within(f"TRY_CAST({name} AS BIGINT)", field.min, field.max)
        case "time":
            return _whole(name) + _within(f"TRY_CAST({name} AS BIGINT)", model.EARLIEST_TIME_MS, model.LATEST_TIME_MS)
        case "number":
            return _decimal(name, signed=True) + _within(f"TRY_CAST({name} AS DOUBLE)", field.min, field.max)
        case "money":
            return _decimal(name, signed=False) + _within(f"TRY_CAST({name} AS DOUBLE)", 0, model.MAX_MONEY_USD) + _at_most_nine_places(name)
        case "boolean":
            return f"{name} IN ('true', 'false')"
        case "object":
            return f"REGEXP({name}, {literal(attributes_pattern(field))})"
        case "string":
            return f"{name} IN ({_texts(field.enum)})" if field.enum else _short_text(name, field.max_length)


def _short_text(name: str, length: int) -> str:
    return f"(CHAR_LENGTH({name}) <= {length} AND {name} NOT LIKE '{{%' AND {name} NOT LIKE '[%')"


def _whole(name: str) -> str:
    """Only the canonical spelling of a 64-bit integer survives the round trip."""
    return f"COALESCE(CAST(TRY_CAST({name} AS BIGINT) AS STRING) = {name}, FALSE)"


def _decimal(name: str, *, signed: bool) -> str:
    """Digits at both ends keep out blanks, signs, names and suffixes that a Java double would read."""
    text = f"TRIM(LEADING '-' FROM {name})" if signed else name
    ends = f"{text} >= '0' AND {text} < ':' AND RIGHT({name}, 1) >= '0' AND RIGHT({name}, 1) < ':'"
    return f"{ends} AND {text} NOT LIKE '0x%' AND {text} NOT LIKE '0X%' AND COALESCE(ABS(TRY_CAST({name} AS DOUBLE)) <= 1.7976931348623157E308, FALSE)"


def _at_most_nine_places(name: str) -> str:
    return f" AND FLOOR(TRY_CAST({name} AS DOUBLE) * 1E9 + 0.5) / 1E9 = TRY_CAST({name} AS DOUBLE)"


def _within(number: str, low: int | None, high: int | None) -> str:
    if low is not None and high is not None:
        return f" AND {number} BETWEEN {low} AND {high}"
    return (f" AND {number} >= {low}" if low is not None else "") + (f" AND {number} <= {high}" if high is not None else "")


def _decoded(field: Field) -> str:
    name = _name(field.name)
    match field.type:
        case "integer" | "time":
            return f"TRY_CAST({name} AS BIGINT) AS {name}"
        case "number":
            return f"TRY_CAST({name} AS DOUBLE) AS {name}"
        case "money":
            return f"CAST(FLOOR(TRY_CAST({name} AS DOUBLE) * 1E9 + 0.5) AS BIGINT) AS {name}"
        case "boolean":
            return f"{name} = 'true' AS {name}"
        case "string" | "object":
            return name


def _name(name: str) -> str:
    return quote(name, "`")


def _texts(values: Iterable[str]) -> str:
    return ", ".join(map(literal, values))


def _lines(items: Iterable[str]) -> str:
    return ",\n".join(f"{INDENT}{item}" for item in items)


def _conjunction(conditions: Iterable[str]) -> str:
    return f"{INDENT}" + f"\n{INDENT}AND ".join(conditions)
