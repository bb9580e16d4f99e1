"""The journal of a stream: its landed columns, how the job writes them and how they are read back for recomputation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from contracts.identifiers import quote
from contracts.types import SPELLINGS, StoredType, landed_type
from transforms.source import INDENT, accepted_name, decoded_fields

if TYPE_CHECKING:
    from contracts.model import Field, Stream

MOMENT = SPELLINGS["timestamptz"].flink
MONEY = SPELLINGS["money"].flink


@dataclass(frozen=True)
class LandedColumn:
    """One column of a journal: its stored type, whether every row has it, and its meaning."""

    name: str
    type: StoredType
    required: bool
    comment: str


def landed_columns(stream: Stream) -> tuple[LandedColumn, ...]:
    """Columns of the journal in order: the envelope, the stream's fields, those of the decoder, the landing columns."""
    own = [LandedColumn(field.name, landed_type(field), field.required, _comment(field)) for field in decoded_fields(stream)]
    landing = [LandedColumn(field.name, landed_type(field), required=True, comment=_comment(field)) for field in stream.landing.values()]
    return (*own, *landing)


def insert_select(stream: Stream) -> str:
    """The query whose rows the job appends to the journal."""
    columns = [_landed(field) for field in decoded_fields(stream)]
    columns += [f"'{stream.topic}' AS topic", "`partition`", "`offset`", f"CAST(appended_at AS {MOMENT}) AS appended_at"]
    return "SELECT\n" + ",\n".join(f"{INDENT}{column}" for column in columns) + f"\nFROM {accepted_name(stream)}"


def normal_form(stream: Stream, relation: str) -> str:
    """Journal rows in DuckDB as the decoder handed them on: times in epoch ms, money in billionths, plus `appended_ms`."""
    columns = [_normal(field) for field in decoded_fields(stream)]
    columns += ['"partition"', '"offset"', "epoch_ms(appended_at) AS appended_ms"]
    return "SELECT\n" + ",\n".join(f"{INDENT}{column}" for column in columns) + f"\nFROM {relation}"


def _landed(field: Field) -> str:
    name = quote(field.name, "`")
    if field.type == "time":
        return f"CAST(TO_TIMESTAMP_LTZ({name}, 3) AS {MOMENT}) AS {name}"
    if field.type == "money":
        return f"CAST(CAST({name} AS DECIMAL(18, 0)) * CAST(0.000000001 AS DECIMAL(9, 9)) AS {MONEY}) AS {name}"
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
