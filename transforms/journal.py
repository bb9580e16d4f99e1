"""The journal of a stream: its landed columns, how the job writes them and how they are read back for recomputation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from contracts.identifiers import quote
from transforms.gate import INDENT, gate_name

if TYPE_CHECKING:
    from contracts.model import Field, Stream

LandedType = Literal["string", "long", "int", "boolean", "double", "money", "timestamptz"]

_LANDED: dict[str, LandedType] = {
    "string": "string",
    "object": "string",
    "integer": "long",
    "number": "double",
    "money": "money",
    "time": "timestamptz",
    "boolean": "boolean",
}


@dataclass(frozen=True)
class LandedColumn:
    """One column of a journal: its stored type, whether every row has it, and its meaning."""

    name: str
    type: LandedType
    required: bool
    comment: str


def landed_columns(stream: Stream) -> tuple[LandedColumn, ...]:
    """Columns of the journal in order: the envelope, the stream's fields, the landing columns."""
    own = [LandedColumn(field.name, _LANDED[field.type], field.required, _comment(field)) for field in stream.fields.values()]
    landing = [
        LandedColumn(field.name, "int" if field.name == "partition" else _LANDED[field.type], required=True, comment=_comment(field))
        for field in stream.landing.values()
    ]
    return (*own, *landing)


def insert_select(stream: Stream) -> str:
    """The query whose rows the job appends to the journal."""
    columns = [_landed(field) for field in stream.fields.values()]
    columns += [f"'{stream.topic}' AS topic", "`partition`", "`offset`", "CAST(appended_at AS TIMESTAMP_LTZ(6)) AS appended_at"]
    return "SELECT\n" + ",\n".join(f"{INDENT}{column}" for column in columns) + f"\nFROM {gate_name(stream)}"


def normal_form(stream: Stream, relation: str) -> str:
    """Journal rows in DuckDB as the job's gate handed them on: times in epoch ms, money in billionths, plus `appended_ms`."""
    columns = [_normal(field) for field in stream.fields.values()]
    columns += ['"partition"', '"offset"', "epoch_ms(appended_at) AS appended_ms"]
    return "SELECT\n" + ",\n".join(f"{INDENT}{column}" for column in columns) + f"\nFROM {relation}"


def _landed(field: Field) -> str:
    name = quote(field.name, "`")
    if field.type == "time":
        return f"CAST(TO_TIMESTAMP_LTZ({name}, 3) AS TIMESTAMP_LTZ(6)) AS {name}"
    if field.type == "money":
        return f"CAST(CAST({name} AS DECIMAL(18, 0)) * CAST(0.000000001 AS DECIMAL(9, 9)) AS DECIMAL(18, 9)) AS {name}"
    return name


def _normal(field: Field) -> str:
    name = quote(field.name, '"')
    if field.type == "time":
        return f"epoch_ms({name}) AS {name}"
    if field.type == "money":
        return f"CAST(CAST({name} AS DECIMAL(38, 9)) * 1000000000 AS BIGINT) AS {name}"
    return name


def _comment(field: Field) -> str:
    notes = [f"Unit: {field.unit}." if field.unit else "", f"Classification: {field.classification}." if field.classification != "internal" else ""]
    return " ".join([field.description, *filter(None, notes)])
