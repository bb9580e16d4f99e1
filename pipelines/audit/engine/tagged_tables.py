"""Snapshots, tags and commits of the audited tables; a commit that lost a race is a `Conflict`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pyiceberg.exceptions import CommitFailedException, ValidationException

from connectors.iceberg import files, tags
from connectors.iceberg.files import StaleHeadError
from connectors.iceberg.tables import AUDITED, audited_schema
from pipelines.audit.decisions.lake import Commit, Conflict, TagMove

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table


class TaggedTables:
    """The catalog as the audit uses it: a table is known as `look` found it, or as a commit of this process left it.

    Rows and files are read at snapshots, which never change, and a commit holds only where the table's head or tag is as the
    caller says: what is known may be old, and nothing wrong comes of it. After a commit that failed the table is looked at anew.
    """

    def __init__(self, catalog: Catalog) -> None:
        """Nothing is asked yet."""
        self._catalog = catalog
        self._known: dict[str, Table] = {}

    def table(self, name: str) -> Table:
        """The table as it is known."""
        return self._known[name] if name in self._known else self.look(name)

    def look(self, name: str) -> Table:
        """The table as it is now."""
        table: Table = self._catalog.load_table(name)
        self._known[name] = table
        return table

    def tag(self, name: str) -> int:
        """Snapshot id that readers see; only the audit moves it."""
        return self.table(name).metadata.refs[AUDITED].snapshot_id

    def is_reshaped(self, name: str) -> bool:
        """True when the table has columns that the snapshot which readers see has not."""
        table = self.table(name)
        return audited_schema(table) != table.schema()

    @contextmanager
    def changing(self, name: str) -> Iterator[Table]:
        """The table to make one commit to.

        Raises:
            Conflict: it lost a race.
        """
        try:
            with _lost_races():
                yield self.table(name)
        except BaseException:
            self._known.pop(name, None)
            raise

    def move_tags(self, moves: Sequence[TagMove]) -> None:
        """Compare and swap tags, in this order.

        Raises:
            Conflict: one of them lost a race; others may have moved.
        """
        try:
            with _lost_races():
                tags.move_tags(self._catalog, [tags.TagMove(self.table(move.table), move.before, move.after) for move in moves])
        except BaseException:
            for move in moves:
                self._known.pop(move.table, None)
            raise

    def rollback(self, name: str, head: int, to: int) -> None:
        """Compare and swap main."""
        with self.changing(name) as table:
            files.reset_main(table, head, to)

    def commits(self, name: str, since: int) -> tuple[Commit, ...]:
        """Snapshots of main after `since`, oldest first."""
        table = self.table(name)
        with _lost_races():
            found = files.snapshots_after(table, since, files.head_of(table))
        return tuple(Commit(one.snapshot_id, one.timestamp_ms, files.added_rows(one), files.is_replacement(one)) for one in found)

    def append(self, name: str, parent: int, rows: pa.Table, properties: Mapping[str, str] | None = None) -> int:
        """Append on top of `parent`; the new head."""
        with self.changing(name) as table:
            return files.append_on(table, parent, rows, properties)


@contextmanager
def _lost_races() -> Iterator[None]:
    """Tell a lost compare-and-swap by the name that the cycle knows."""
    try:
        yield
    except (CommitFailedException, ValidationException, StaleHeadError) as error:
        raise Conflict(str(error)) from error
