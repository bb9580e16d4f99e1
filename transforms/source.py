"""The source of a stream in Flink SQL: the decoder gives typed rows that meet the contract, a view keeps those of the right age.

A decoder does not see when the broker appended a record, so the bounds of `event_time` are the one rule that is left to SQL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts import model
from contracts.identifiers import literal, quote
from contracts.types import SPELLINGS, landed_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from contracts.model import Field, Stream

INDENT = "  "


def source_name(stream: Stream) -> str:
    """Name of the Kafka table of a stream inside the job."""
    return f"{stream.name}_source"


def accepted_name(stream: Stream) -> str:
    """Name of the view of accepted deliveries."""
    return f"{stream.name}_accepted"


def decoded_fields(stream: Stream) -> tuple[Field, ...]:
    """What the decoder gives of a record, in order: the stream's fields and its own."""
    return (*stream.fields.values(), *model.DECODED.values())


def source_ddl(stream: Stream, options: Mapping[str, str]) -> str:
    """`CREATE TABLE` over the stream's topic: times in epoch ms, money in billionths, the record's place, the broker's time as row time."""
    columns = [f"{quote(field.name, '`')} {_decoded_type(field)}" for field in decoded_fields(stream)]
    columns += [
        "`partition` INT METADATA VIRTUAL",
        "`offset` BIGINT METADATA VIRTUAL",
        "appended_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL",
        "WATERMARK FOR appended_at AS appended_at - INTERVAL '0.001' SECOND",
    ]
    settings = [f"{literal(key)} = {literal(value)}" for key, value in options.items()]
    return f"CREATE TEMPORARY TABLE {source_name(stream)} (\n{_lines(columns)}\n) WITH (\n{_lines(settings)}\n)"


def accepted_ddl(stream: Stream) -> str:
    """`CREATE VIEW` of the deliveries whose `event_time` is neither too far before nor too far after the broker's append time."""
    bounds = (
        f"TO_TIMESTAMP_LTZ(event_time + {stream.max_age_ms}, 3) >= appended_at",
        f"TO_TIMESTAMP_LTZ(event_time - {model.MAX_AHEAD_MS}, 3) <= appended_at",
    )
    return f"CREATE TEMPORARY VIEW {accepted_name(stream)} AS\nSELECT * FROM {source_name(stream)}\nWHERE {' AND '.join(bounds)}"


def _decoded_type(field: Field) -> str:
    landed = landed_type(field)
    return SPELLINGS["long" if landed in {"timestamptz", "money"} else landed].flink


def _lines(items: Iterable[str]) -> str:
    return ",\n".join(f"{INDENT}{item}" for item in items)
