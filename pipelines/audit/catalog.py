"""Snapshots, tags and commits of the audited tables; a commit that lost a race is a `Conflict`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyiceberg.exceptions import CommitFailedException, ValidationException

from connectors.iceberg import files
from connectors.iceberg.files import StaleHeadError
from connectors.iceberg.tables import AUDITED, audited_schema, connect, move_tag
from pipelines.audit.lake import Commit, Conflict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa
    from pyiceberg.table import Table


class AuditCatalog:
    """The catalog as the audit uses it: a table stays as `head` saw it last, or as a commit of this process left it.

    So a cycle sees one state of each table. Whatever another process commits meanwhile refuses the commits that build on it.
    """

    def __init__(self, uri: str) -> None:
        """`uri` is the REST catalog's address."""
        self._catalog = connect(uri)
        self._seen: dict[str, Table] = {}

    def load(self, name: str) -> Table:
        """The table as it was seen last."""
        if name not in self._seen:
            self._seen[name] = self._catalog.load_table(name)
        return self._seen[name]

    def head(self, name: str) -> int:
        """Look at the table anew; snapshot id of main."""
        self._seen.pop(name, None)
        return files.head_of(self.load(name))

    def tag(self, name: str) -> int:
        """Snapshot id that readers see."""
        return self.load(name).metadata.refs[AUDITED].snapshot_id

    def is_reshaped(self, name: str) -> bool:
        """True when the table got columns since the snapshot that readers see."""
        table = self.load(name)
        return audited_schema(table) != table.schema()

    def move_tag(self, name: str, before: int, after: int) -> None:
        """Compare and swap the tag."""
        with lost_races():
            move_tag(self.load(name), before, after)

    def rollback(self, name: str, head: int, to: int) -> None:
        """Compare and swap main."""
        with lost_races():
            files.reset_main(self.load(name), head, to)

    def commits(self, name: str, since: int) -> tuple[Commit, ...]:
        """Snapshots of main after `since`, oldest first."""
        table = self.load(name)
        with lost_races():
            found = files.snapshots_after(table, since, files.head_of(table))
        return tuple(Commit(snapshot.snapshot_id, snapshot.timestamp_ms) for snapshot in found)

    def append(self, name: str, parent: int, rows: pa.Table, properties: Mapping[str, str] | None = None) -> int:
        """Append on top of `parent`; the new head."""
        with lost_races():
            return files.append_on(self.load(name), parent, rows, properties)


@contextmanager
def lost_races() -> Iterator[None]:
    """Tell a lost compare-and-swap by the name that the cycle knows."""
    try:
        yield
    except (CommitFailedException, ValidationException, StaleHeadError) as error:
        raise Conflict(str(error)) from error
