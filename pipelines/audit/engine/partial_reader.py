"""One partial table as a cycle opens it: the stream's windows, their comparison, and the rows the audit puts beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from connectors.iceberg.files import added_files, completed, local_path, planned_paths
from connectors.instants import epoch_ms, instant
from contracts.datasets import audit_of, partial_of
from contracts.identifiers import quote
from contracts.model import CANARY
from kpis.sql.duckdb import WINDOW_MS
from pipelines.audit.decisions.lake import Changes, Span
from pipelines.audit.engine.deliveries import Deliveries
from pipelines.audit.engine.isolation import concerning
from pipelines.audit.engine.streamed_partials import Streamed
from pipelines.tables import AUDIT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import duckdb

    from kpis.partials import PartialTable
    from pipelines.audit.engine.tagged_tables import TaggedTables
    from pipelines.audit.publication import Publication

MARKERS = {"kpis": {"event_type": CANARY}, "histograms": {"kpi": CANARY}}
"""What makes a row without numbers a canary's, which no reader sees."""


class PartialReader:
    """Keeps the working table of one partial table between cycles, so that a cycle reads only what is new."""

    def __init__(self, catalog: TaggedTables, connection: duckdb.DuckDBPyConnection, table: PartialTable, lane: str) -> None:
        """Make the working table; nothing is read yet."""
        self._catalog = catalog
        self._connection = connection
        self._table = table
        self._lane = lane
        template = catalog.table(partial_of(table.name)).schema().as_arrow().empty_table()
        present = catalog.table(audit_of(table.name)).schema().as_arrow()
        # The table may have columns already that only the next deployment knows.
        self._schema = pa.schema([present.field(name) for name in (*table.columns, *(column.name for column in AUDIT_COLUMNS))])
        self._plain = pa.schema([self._schema.field(name) for name in table.columns])
        self.streamed = Streamed(connection, table, template, lane)
        self._opened: tuple[int, int] | None = None
        self._paths: dict[tuple[int, int], list[str]] = {}

    def spans(self, since: int, snapshot: int) -> dict[str, Span]:
        """Window ends per stream among the files added after `since`."""
        return self.streamed.spans(self._added(since, snapshot))

    def open(self, published: Publication, since: int, snapshot: int) -> None:
        """Open the rows that `snapshot` has and `since` has not."""
        proved = {stream: frontier.windows[self._table.name].proved for stream, frontier in published.streams.items() if self._table.is_fed_by(stream)}
        if self._opened and self._opened[1] == since:
            self.streamed.settle(proved)
        elif self._opened and self._opened[0] == since:
            self.streamed.forget_fresh()
        else:
            self.streamed.clear()
            self._carry(since, proved)
        paths = self._added(since, snapshot)
        self._opened, self._paths = (since, snapshot), {}
        self.streamed.load(paths, fresh=True)

    def reopened(self, published: Publication, stream: str, through: int) -> tuple[int, ...]:
        """Fresh windows up to `through` that no published replacement or held row hides."""
        again = self.streamed.fresh_windows(stream, through)
        if not again:
            return ()
        name = audit_of(self._table.name)
        hidden = self._catalog.table(name).scan(
            row_filter=f"stream = '{stream}' AND kind IN ('replacement', 'held')",
            selected_fields=("window_end",),
            snapshot_id=published.targets[name],
        )
        ends = {epoch_ms(end) for end in hidden.to_arrow()["window_end"].unique().to_pylist()}
        return tuple(end for end in again if end not in ends)

    def stage(self, published: Publication, deliveries: Mapping[str, Deliveries], parent: int, cycle: int, changes: Mapping[str, Changes]) -> int:
        """Append the rows of every stream's changes in one commit; the new head of the audit table."""
        rows: list[pa.Table] = []
        for stream, change in changes.items():
            with concerning(stream):
                rows += self._rows(published, deliveries[stream], stream, cycle, change)
        return self._catalog.append(audit_of(self._table.name), parent, pa.concat_tables([self._schema.empty_table(), *rows]))

    def _rows(self, published: Publication, deliveries: Deliveries, stream: str, cycle: int, change: Changes) -> Iterable[pa.Table]:
        if change.adjust:
            repeats = deliveries.recompute(self._table, f"duplicate AND {_in_windows(change.adjust)}", self._lane)
            yield self._audited(self._query(negated(self._table, repeats)), cycle, change.visible_from, "adjustment")
        if change.replace:
            clean = deliveries.recompute(self._table, f"NOT duplicate AND {_in_windows(change.replace)}", self._lane)
            yield self._with_markers(self._query(clean), stream, change.replace, cycle, change.visible_from)
        if change.restore:
            before = self._restored(published, stream, change.restore)
            yield self._with_markers(before, stream, change.restore, cycle, change.visible_from)
        if change.supplement is not None:
            late = deliveries.late_condition(change.supplement, change.supplement_before)
            yield self._audited(self._query(deliveries.recompute(self._table, late, self._lane)), cycle, change.visible_from, "supplement")
        if change.hold:
            yield self._audited(self._markers(stream, change.hold), cycle, change.visible_from, "held")

    def _query(self, sql: str) -> pa.Table:
        return self._connection.sql(sql).to_arrow_table()

    def _restored(self, published: Publication, stream: str, ends: tuple[int, ...]) -> pa.Table:
        name = partial_of(self._table.name)
        moments = ", ".join(f"'{instant(end).isoformat()}'" for end in ends)
        condition = f"stream = '{stream}' AND window_end IN ({moments})"
        rows = self._catalog.table(name).scan(row_filter=condition, snapshot_id=published.targets[name]).to_arrow()
        self._connection.register("restored", completed(rows, self._plain))
        once = self._query(f"SELECT DISTINCT {self.streamed.columns} FROM restored")
        self._connection.unregister("restored")
        return once

    def _with_markers(self, rows: pa.Table, stream: str, ends: tuple[int, ...], cycle: int, visible_from: int) -> pa.Table:
        present = {epoch_ms(end) for end in rows["window_end"].unique().to_pylist()}
        lacking = tuple(end for end in ends if end not in present)
        complete = pa.concat_tables([rows.cast(self._plain), self._markers(stream, lacking)])
        return self._audited(complete, cycle, visible_from, "replacement")

    def _markers(self, stream: str, ends: tuple[int, ...]) -> pa.Table:
        rows = [
            {
                "lane": self._lane,
                "stream": stream,
                "window_start": instant(end - WINDOW_MS),
                "window_end": instant(end),
                "n": 0,
                **MARKERS.get(self._table.name, {"is_canary": True}),
            }
            for end in ends
        ]
        return pa.Table.from_pylist(rows, schema=self._plain)

    def _audited(self, rows: pa.Table, cycle: int, visible_from: int, kind: str) -> pa.Table:
        constants = {"kind": kind, "cycle": cycle, "visible_from": instant(visible_from)}
        for name, value in constants.items():
            rows = rows.append_column(name, pa.array([value] * rows.num_rows, type=self._schema.field(name).type))
        return rows.select(self._schema.names).cast(self._schema)

    def _carry(self, since: int, proved: Mapping[str, int]) -> None:
        table = self._catalog.table(partial_of(self._table.name))
        later = [f"(stream = '{stream}' AND window_end > '{instant(max(end, 0)).isoformat()}')" for stream, end in proved.items()]
        self.streamed.load(planned_paths(table, since, " OR ".join(later)), fresh=False, after=proved)

    def _added(self, since: int, snapshot: int) -> list[str]:
        if (since, snapshot) not in self._paths:
            table = self._catalog.table(partial_of(self._table.name))
            self._paths[since, snapshot] = [local_path(file.file_path) for file in added_files(table, since, snapshot)]
        return self._paths[since, snapshot]


def negated(table: PartialTable, rows: str) -> str:
    """Query of rows that take out again what `rows` added; NULL where taking out would change nothing."""
    taken = {name: f"-{quote(name, chr(34))}" if table.columns[name].is_additive else "NULL" for name in table.measures}
    columns = (f"{taken.get(name, quote(name, chr(34)))} AS {quote(name, chr(34))}" for name in table.columns)
    return f"SELECT {', '.join(columns)} FROM ({rows})"


def _in_windows(ends: Iterable[int]) -> str:
    """Condition of deliveries in the windows with these ends, epoch ms."""
    return f"{Deliveries.window_end()} IN ({', '.join(map(str, ends))})"
