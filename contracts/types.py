"""Physical types, once for all engines: what a field is stored as, and what each engine calls that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contracts.model import Field

FieldType = Literal["string", "code", "pseudonym", "hash", "ref", "integer", "number", "money", "time", "boolean", "object"]
"""What a contract says of an event's field."""
StoredType = Literal["string", "long", "int", "boolean", "double", "money", "timestamptz", "binary"]
"""What a column of a table is."""


LENGTHS: Mapping[FieldType, int] = {"string": 128, "code": 64, "pseudonym": 128, "hash": 64, "ref": 1024}
"""The types that are texts, and the most characters of one whose contract does not say; a hash has exactly as many."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """One stored type in the words of each engine, and the logical type that a data contract (ODCS) gives it."""

    flink: str
    duckdb: str
    trino: str
    iceberg: str
    odcs: str


SPELLINGS: Mapping[StoredType, Spelling] = {
    "string": Spelling("STRING", "VARCHAR", "VARCHAR", "string", "string"),
    "long": Spelling("BIGINT", "BIGINT", "BIGINT", "long", "integer"),
    "int": Spelling("INT", "INTEGER", "INTEGER", "int", "integer"),
    "boolean": Spelling("BOOLEAN", "BOOLEAN", "BOOLEAN", "boolean", "boolean"),
    "double": Spelling("DOUBLE", "DOUBLE", "DOUBLE", "double", "number"),
    "money": Spelling("DECIMAL(18, 9)", "DECIMAL(18, 9)", "DECIMAL(18,9)", "decimal(18, 9)", "number"),
    "timestamptz": Spelling("TIMESTAMP_LTZ(6)", "TIMESTAMPTZ", "TIMESTAMP(6) WITH TIME ZONE", "timestamptz", "timestamp"),
    "binary": Spelling("BYTES", "BLOB", "VARBINARY", "binary", "string"),
}
_LANDED: Mapping[FieldType, StoredType] = {
    **dict.fromkeys(LENGTHS, "string"),
    "object": "string",
    "integer": "long",
    "number": "double",
    "money": "money",
    "time": "timestamptz",
    "boolean": "boolean",
}


def landed_type(field: Field) -> StoredType:
    """What a field is in its journal; a Kafka partition is the one integer of 32 bits."""
    return "int" if field.name == "partition" else _LANDED[field.type]
