"""Iceberg tables made to specification: created when missing, extended when columns are added, refused when they differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pyiceberg.catalog.rest import RestCatalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.update import AssertRefSnapshotId, AssertTableUUID, SetPropertiesUpdate, SetSnapshotRefUpdate
from pyiceberg.transforms import DayTransform, HourTransform, IdentityTransform
from pyiceberg.types import IcebergType, NestedField

from contracts.errors import ConfigurationError, DaybookError
from contracts.types import SPELLINGS, StoredType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table
    from pyiceberg.table.update import TableRequirement, TableUpdate
    from pyiceberg.transforms import Transform

AUDITED = "audited"
"""The tag that readers' views name."""

TRANSFORMS: Mapping[str, Transform[Any, Any]] = {"day": DayTransform(), "hour": HourTransform(), "identity": IdentityTransform()}

PROPERTIES: Mapping[str, str] = {
    "format-version": "2",
    "write.parquet.compression-codec": "zstd",
    "write.parquet.dict-size-bytes": "16384",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "10",
    "write.metadata.metrics.default": "none",
    "write.distribution-mode": "none",
    "write.delete.isolation-level": "snapshot",
    "write.update.isolation-level": "snapshot",
    "commit.retry.num-retries": "20",
    "commit.retry.min-wait-ms": "50",
}
"""No column statistics but for the columns that are pruned by, dictionaries that give up early on identifiers, few old metadata
files, and writers that retry past each other (but for tables whose only writer commits on top of what it has seen)."""


@dataclass(frozen=True)
class ColumnSpec:
    """One column: its type, whether every row has it, and its comment."""

    name: str
    type: StoredType
    required: bool = False
    comment: str = ""

    @property
    def iceberg_type(self) -> IcebergType:
        """The type in Iceberg's own terms."""
        return NestedField(1, self.name, SPELLINGS[self.type].iceberg).field_type


@dataclass(frozen=True)
class TableSpec:
    """One table: its columns in order, how it is partitioned (column, key of `TRANSFORMS`) and which columns keep statistics.

    `is_tagged`: readers see it at the tag `audited`; its snapshots since the tagged one are kept.
    """

    name: str
    columns: tuple[ColumnSpec, ...]
    partition: tuple[str, str] | None = None
    statistics: tuple[str, ...] = ()
    properties: Mapping[str, str] = field(default_factory=dict)
    is_tagged: bool = True

    @property
    def names(self) -> frozenset[str]:
        """Names of the columns."""
        return frozenset(column.name for column in self.columns)


class TableConflictError(ConfigurationError):
    """A table exists with a column of another type; the message names table and column."""


class CatalogError(DaybookError):
    """What answers is no Iceberg catalog; the message names its address."""


def connect(uri: str) -> RestCatalog:
    """A catalog client; it holds no connection that must be closed.

    Raises:
        CatalogError: something else answers at the address.
    """
    try:
        return RestCatalog("lake", uri=uri)
    except ValidationError as error:
        message = f"{uri} does not answer as an Iceberg catalog does"
        raise CatalogError(message) from error


def ensure_table(catalog: Catalog, spec: TableSpec) -> bool:
    """Create the table with an empty first snapshot, or add the columns it lacks; True when something changed.

    May be repeated, and continues where a crash left it.

    Raises:
        TableConflictError: a column is there with another type.
    """
    try:
        table = catalog.load_table(spec.name)
    except NoSuchTableError:
        catalog.create_namespace_if_not_exists(spec.name.split(".")[0])
        table = catalog.create_table(spec.name, _schema(spec), partition_spec=_partitioning(spec), properties=_properties(spec))
        _ensure_snapshot(table, spec)
        return True
    changed = _add_columns(table, spec) | _set_properties(table, spec)
    return _ensure_snapshot(table, spec) or changed


def audited_schema(table: Table) -> Schema:
    """Columns as readers see them: those of the time when the tagged snapshot was committed."""
    snapshot = table.metadata.snapshot_by_id(table.metadata.refs[AUDITED].snapshot_id)
    return table.schemas()[snapshot.schema_id] if snapshot and snapshot.schema_id is not None else table.schema()


def point(table: Table, name: str, kind: SnapshotRefType, before: int | None, after: int) -> None:
    """Point a tag or branch from snapshot `before` (None: does not exist) to `after`, in one request and without copying metadata.

    Raises:
        CommitFailedException: it is elsewhere.
    """
    update = SetSnapshotRefUpdate(ref_name=name, type=kind, snapshot_id=after, max_ref_age_ms=None, max_snapshot_age_ms=None, min_snapshots_to_keep=None)
    commit(table, AssertRefSnapshotId(ref=name, snapshot_id=before), update)


def commit(table: Table, requirement: TableRequirement, update: TableUpdate) -> None:
    """Commit one update once, without the copies and the repetitions of a transaction; `table` is then as the catalog has it.

    Raises:
        CommitFailedException: the requirement does not hold.
    """
    response = table.catalog.commit_table(table, (requirement,), (update,))
    table.metadata, table.metadata_location = response.metadata, response.metadata_location


def set_properties(table: Table, properties: Mapping[str, str]) -> None:
    """Set properties in one commit that writes no data file."""
    commit(table, AssertTableUUID(uuid=table.metadata.table_uuid), SetPropertiesUpdate(updates=dict(properties)))


def _ensure_snapshot(table: Table, spec: TableSpec) -> bool:
    """Make the first snapshot, and the tag where there is to be one."""
    is_empty = table.current_snapshot() is None
    if is_empty:
        table.append(table.schema().as_arrow().empty_table())
    if AUDITED in table.metadata.refs or not spec.is_tagged:
        return is_empty
    snapshot = table.current_snapshot()
    if snapshot is None:
        message = f"{table.name()}: has no snapshot"
        raise TableConflictError(message)
    first = min(table.metadata.snapshots, key=lambda one: one.sequence_number or 0)
    table.manage_snapshots().create_tag(first.snapshot_id, AUDITED).commit()
    return True


def _schema(spec: TableSpec) -> Schema:
    fields = [
        NestedField(number, column.name, column.iceberg_type, required=column.required, doc=column.comment or None)
        for number, column in enumerate(spec.columns, start=1)
    ]
    return Schema(*fields)


def _partitioning(spec: TableSpec) -> PartitionSpec:
    if spec.partition is None:
        return PartitionSpec()
    name, transform = spec.partition
    number = next(place for place, column in enumerate(spec.columns, start=1) if column.name == name)
    return PartitionSpec(PartitionField(number, 1000, TRANSFORMS[transform], f"{name}_{transform}"))


def _properties(spec: TableSpec) -> dict[str, str]:
    kept = {f"write.metadata.metrics.column.{name}": "full" for name in spec.statistics}
    spared = {f"write.parquet.stats-enabled.column.{name}": str(name in spec.statistics).lower() for name in sorted(spec.names)}
    return {**PROPERTIES, **kept, **spared, **spec.properties}


def _add_columns(table: Table, spec: TableSpec) -> bool:
    present = {column.name: column for column in table.schema().fields}
    for column in spec.columns:
        if column.name in present and present[column.name].field_type != column.iceberg_type:
            message = f"{spec.name}: '{column.name}' is {present[column.name].field_type}, not {column.iceberg_type}"
            raise TableConflictError(message)
    missing = [column for column in spec.columns if column.name not in present]
    if missing:
        with table.update_schema() as update:
            for column in missing:
                update.add_column(column.name, column.iceberg_type, doc=column.comment or None)
    return bool(missing)


def _set_properties(table: Table, spec: TableSpec) -> bool:
    wanted = {key: value for key, value in _properties(spec).items() if key != "format-version"}
    changed = {key: value for key, value in wanted.items() if table.properties.get(key) != value}
    if changed:
        set_properties(table, changed)
    return bool(changed)
