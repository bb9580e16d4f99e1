"""Physical types: each engine knows the word it is given, and every field has one."""

from typing import get_args

import duckdb
import pytest
from open_data_contract_standard.model import SchemaProperty
from pyiceberg.types import NestedField

from contracts.model import Field
from contracts.registry import Registry
from contracts.types import SPELLINGS, FieldType, StoredType, landed_type

each = pytest.mark.parametrize("stored", SPELLINGS)


def test_every_stored_type_is_spelled() -> None:
    assert set(SPELLINGS) == set(get_args(StoredType))


@each
def test_duckdb_makes_a_column_of_every_type(stored: StoredType) -> None:
    duckdb.connect().execute(f"CREATE TABLE one (value {SPELLINGS[stored].duckdb})")


@each
def test_iceberg_knows_every_type_by_that_name(stored: StoredType) -> None:
    assert str(NestedField(1, "value", SPELLINGS[stored].iceberg).field_type) == SPELLINGS[stored].iceberg


@each
def test_a_data_contract_takes_every_logical_type(stored: StoredType) -> None:
    assert SchemaProperty(name="value", logicalType=SPELLINGS[stored].odcs).logicalType == SPELLINGS[stored].odcs


@pytest.mark.parametrize("kind", get_args(FieldType))
def test_every_type_of_field_is_landed(kind: FieldType) -> None:
    assert landed_type(Field(name="value", type=kind, description="x")) in SPELLINGS


def test_a_kafka_partition_has_32_bits_and_an_offset_64(product: Registry) -> None:
    landing = product.streams["runs"].landing
    assert (landed_type(landing["partition"]), landed_type(landing["offset"])) == ("int", "long")
