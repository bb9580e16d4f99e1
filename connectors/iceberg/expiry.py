"""Old snapshots leave a table's metadata, which would otherwise grow with every commit and be read with every load."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyiceberg.table.update import AssertTableUUID, RemoveSnapshotsUpdate

from connectors.iceberg.tables import commit

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

FLINK_JOB = "flink.job-id"


class Departures:
    """Remembers which snapshot readers of a table were shown when, so that one is kept for a time after it was left.

    A query may still be planned on the snapshot that a tag has just left, however long ago that was committed. What was left
    before this process looked is kept for as long, from its first look on.
    """

    def __init__(self, keep_ms: int) -> None:
        """`keep_ms`: how long a snapshot stays after readers were shown another."""
        self._keep_ms = keep_ms
        self._shown: dict[str, list[tuple[int, int]]] = {}

    def limit(self, table: Table, now_ms: int) -> int:
        """Note what readers of the table are shown now; snapshots committed before the returned time (epoch ms) were left long enough ago."""
        shown = self._shown.setdefault(".".join(table.name()), [])
        shown.append((now_ms, _oldest_named(table)))
        while len(shown) > 1 and shown[1][0] <= now_ms - self._keep_ms:
            shown.pop(0)
        at_ms, committed_ms = shown[0]
        return committed_ms if at_ms <= now_ms - self._keep_ms else 0


def expire_snapshots(table: Table, before_ms: int) -> int:
    """Forget snapshots committed before `before_ms` (epoch ms) that are older than everything a tag or branch names; how many.

    The newest snapshot of a Flink job stays: a job that comes back looks there for what it has committed already and would
    commit it again (https://github.com/apache/iceberg/issues/5846). Manifest lists of the forgotten snapshots are deleted,
    data files are not: what a snapshot before the tag has, the tag has too. May be repeated.
    """
    doomed = expirable(table, before_ms)
    if doomed:
        # One update by hand: pyiceberg's own expiry copies the whole metadata once per snapshot.
        update = RemoveSnapshotsUpdate(snapshot_ids=[snapshot.snapshot_id for snapshot in doomed])
        commit(table, AssertTableUUID(uuid=table.metadata.table_uuid), update)
        for snapshot in doomed:
            if snapshot.manifest_list:
                table.io.delete(snapshot.manifest_list)
    return len(doomed)


def expirable(table: Table, before_ms: int) -> list[Snapshot]:
    """Snapshots that may be forgotten, oldest first."""
    named = {reference.snapshot_id for reference in table.metadata.refs.values()}
    flink = [one for one in table.metadata.snapshots if _job(one)]
    newest = max(flink, key=lambda one: one.timestamp_ms).snapshot_id if flink else None
    limit = min(before_ms, _oldest_named(table))
    return [one for one in table.metadata.snapshots if one.timestamp_ms < limit and one.snapshot_id not in named and one.snapshot_id != newest]


def _oldest_named(table: Table) -> int:
    named = {reference.snapshot_id for reference in table.metadata.refs.values()}
    return min((one.timestamp_ms for one in table.metadata.snapshots if one.snapshot_id in named), default=0)


def _job(snapshot: Snapshot) -> str | None:
    return snapshot.summary.additional_properties.get(FLINK_JOB) if snapshot.summary else None
