"""Moving the tags that readers see: those of several tables in one request, where the catalog takes several."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from pyiceberg.catalog.rest import Endpoint, HttpMethod, RestCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import CommitTableRequest
from pyiceberg.table.refs import SnapshotRef, SnapshotRefType
from pyiceberg.table.update import AssertRefSnapshotId, SetSnapshotRefUpdate

from connectors.iceberg.tables import AUDITED, point

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

SEVERAL = Endpoint(http_method=HttpMethod.POST, path="/v1/{prefix}/transactions/commit")
"""Request that commits to several tables."""


@dataclass(frozen=True)
class TagMove:
    """The tag `audited` of one table goes from the snapshot `before` to `after`."""

    table: Table
    before: int
    after: int

    @property
    def is_done(self) -> bool:
        """True when the table, as it is known, has the tag at `after` already.

        Raises:
            CommitFailedException: the tag is neither there nor at `before`.
        """
        current = self.table.metadata.refs[AUDITED].snapshot_id
        if current not in {self.before, self.after}:
            message = f"{'.'.join(self.table.name())}: {AUDITED} is at {current}, not at {self.before}"
            raise CommitFailedException(message)
        return current == self.after


def move_tags(catalog: Catalog, moves: Sequence[TagMove]) -> None:
    """Move tags in this order; those that are where they should be are left alone. The tables are then as the catalog has them.

    Several moves are one request, which a catalog may still commit table by table: a failure can leave the first tags moved. They must be
    of tables that nobody else commits to: Iceberg's own REST server answers that all is done when such a commit came between, though it
    has dropped the move (its transactions know no updates to apply again).

    Raises:
        CommitFailedException: a tag is elsewhere.
    """
    due = [move for move in moves if not move.is_done]
    if len(due) > 1 and isinstance(catalog, RestCatalog) and SEVERAL in catalog._supported_endpoints:  # noqa: SLF001 - what it said that it can
        _move_together(catalog, due)
        return
    for move in due:
        point(move.table, AUDITED, SnapshotRefType.TAG, move.before, move.after)


def _move_together(catalog: RestCatalog, moves: Sequence[TagMove]) -> None:
    changes = ",".join(_change(move).model_dump_json() for move in moves)
    url = catalog.url("transactions/commit")
    answer = catalog._session.post(url, data=f'{{"table-changes":[{changes}]}}'.encode())  # noqa: SLF001 - pyiceberg has no call for it
    if answer.status_code == HTTPStatus.CONFLICT:
        raise CommitFailedException(answer.text)
    answer.raise_for_status()
    for move in moves:
        # The answer has no metadata, and loading every table to see one number that is known would cost more than the request saves.
        move.table.metadata.refs[AUDITED] = _tag(move.after)


def _tag(snapshot: int) -> SnapshotRef:
    return SnapshotRef(snapshot_id=snapshot, snapshot_ref_type=SnapshotRefType.TAG, min_snapshots_to_keep=None, max_snapshot_age_ms=None, max_ref_age_ms=None)


def _change(move: TagMove) -> CommitTableRequest:
    *namespace, name = move.table.name()
    update = SetSnapshotRefUpdate(
        ref_name=AUDITED, type=SnapshotRefType.TAG, snapshot_id=move.after, max_ref_age_ms=None, max_snapshot_age_ms=None, min_snapshots_to_keep=None
    )
    return CommitTableRequest(
        identifier={"namespace": namespace, "name": name}, requirements=(AssertRefSnapshotId(ref=AUDITED, snapshot_id=move.before),), updates=(update,)
    )
