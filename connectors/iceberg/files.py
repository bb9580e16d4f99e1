"""Data files between two snapshots, and commits that hold only on top of the snapshot they were planned for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.io.pyarrow import _dataframe_to_data_files
from pyiceberg.manifest import DataFile, ManifestContent, ManifestFile
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.snapshots import Operation
from pyiceberg.table.update.snapshot import _OverwriteFiles

from connectors.iceberg.tables import point
from contracts.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

MAIN = "main"


class StaleHeadError(TransientError):
    """The table's main branch is not where the caller saw it; nothing was changed."""


def head_of(table: Table) -> int:
    """Snapshot id of the main branch.

    Raises:
        StaleHeadError: the table has no snapshot yet.
    """
    snapshot = table.current_snapshot()
    if snapshot is None:
        message = f"{'.'.join(table.name())}: has no snapshot"
        raise StaleHeadError(message)
    return snapshot.snapshot_id


def snapshots_after(table: Table, since: int, until: int) -> list[Snapshot]:
    """Snapshots after `since` up to and with `until`, oldest first.

    Raises:
        StaleHeadError: `since` is not an ancestor of `until`, because it was expired or left behind by a rollback.
    """
    found: list[Snapshot] = []
    current: int | None = until
    while current is not None and current != since:
        snapshot = table.metadata.snapshot_by_id(current)
        if snapshot is None:
            break
        found.append(snapshot)
        current = snapshot.parent_snapshot_id
    if current != since:
        message = f"{'.'.join(table.name())}: snapshot {since} is not an ancestor of {until}"
        raise StaleHeadError(message)
    return found[::-1]


def added_rows(snapshot: Snapshot) -> int:
    """How many rows a snapshot added, as its writer noted it."""
    return int(snapshot.summary.additional_properties.get("added-records") or 0) if snapshot.summary else 0


def is_replacement(snapshot: Snapshot) -> bool:
    """True of a snapshot that took files out (`replace_files`)."""
    return snapshot.summary is not None and snapshot.summary.operation == Operation.OVERWRITE


def added_files(table: Table, since: int, until: int) -> list[DataFile]:
    """Data files that `until` has and that were added after `since`; a file committed twice is listed twice."""
    added = {snapshot.snapshot_id for snapshot in snapshots_after(table, since, until)}
    last = table.metadata.snapshot_by_id(until)
    if not added or last is None:
        return []
    manifests = [one for one in last.manifests(table.io) if one.content == ManifestContent.DATA and one.added_snapshot_id in added]
    entries = [entry for manifest in manifests for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True)]
    return [entry.data_file for entry in entries if entry.snapshot_id in added]


def planned_paths(table: Table, snapshot: int, condition: str) -> list[str]:
    """Local paths of the data files of `snapshot` that may hold rows meeting the condition (column names, literals, AND, OR)."""
    return [local_path(task.file.file_path) for task in table.scan(row_filter=condition, snapshot_id=snapshot).plan_files()]


def local_path(location: str) -> str:
    """A file location as DuckDB and the operating system name it."""
    return location.removeprefix("file://").removeprefix("file:")


def append_on(table: Table, parent: int, rows: pa.Table, properties: Mapping[str, str] | None = None) -> int:
    """Append rows in one commit on top of snapshot `parent`, setting table properties in the same commit; the new head.

    Columns that the table got after the rows were made are null. The table's property `commit.retry.num-retries` must be 0,
    or else rows that lost a race come on top of what won.

    Raises:
        StaleHeadError: the head is or became another.
    """
    if head_of(table) != parent:
        message = f"{'.'.join(table.name())}: head is {head_of(table)}, not {parent}"
        raise StaleHeadError(message)
    try:
        with table.transaction() as transaction:
            transaction.append(completed(rows, table.schema().as_arrow()))
            if properties:
                transaction.set_properties(dict(properties))
    except CommitFailedException as error:
        raise StaleHeadError(str(error)) from error
    return head_of(table)


def reset_main(table: Table, head: int, to: int) -> None:
    """Point main from `head` to the snapshot `to`, which need not be an ancestor.

    Raises:
        StaleHeadError: main is not at `head`.
    """
    try:
        point(table, MAIN, SnapshotRefType.BRANCH, head, to)
    except CommitFailedException as error:
        raise StaleHeadError(str(error)) from error


def replace_files(
    table: Table,
    doomed: Iterable[DataFile],
    kept: Iterable[DataFile],
    rows: pa.Table | None,
    *,
    summary: Mapping[str, str] | None = None,
    properties: Mapping[str, str] | None = None,
) -> None:
    """Swap files in one snapshot: every entry of `doomed` goes, `kept` are entered once, `rows` are written anew.

    `summary` is noted in the snapshot, `properties` are set on the table in the same commit.

    Raises:
        StaleHeadError: another commit came between.
    """
    written: list[Any] = list(_dataframe_to_data_files(table.metadata, rows, table.io)) if rows is not None and rows.num_rows else []
    try:
        with table.transaction() as transaction:
            with _Swap(Operation.OVERWRITE, transaction, table.io, snapshot_properties=dict(summary or {})) as swap:
                for file in doomed:
                    swap.delete_data_file(file)
                for file in (*kept, *written):
                    swap.append_data_file(file)
            if properties:
                transaction.set_properties(dict(properties))
    except CommitFailedException as error:
        raise StaleHeadError(str(error)) from error


class _Swap(_OverwriteFiles):
    """Leaves out the manifests in which no file is left: pyiceberg carries them on from snapshot to snapshot and reads them each time."""

    def _existing_manifests(self) -> list[ManifestFile]:
        return [manifest for manifest in super()._existing_manifests() if manifest.has_added_files() or manifest.has_existing_files()]


def completed(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Rows with the columns of a schema; those they lack are null."""
    for field in schema:
        if field.name not in rows.schema.names:
            rows = rows.append_column(field.name, pa.nulls(rows.num_rows, field.type))
    return rows.select(schema.names).cast(schema)
