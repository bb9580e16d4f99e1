"""Rows of one partial table as the stream wrote them, in DuckDB, and their comparison with the recomputation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.identifiers import quote
from pipelines.audit.decisions.lake import Comparison, Span
from pipelines.audit.engine.working_table import PARQUET, WorkingTable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import duckdb
    import pyarrow as pa

    from kpis.partials import PartialTable
    from pipelines.audit.engine.deliveries import Deliveries


class Streamed(WorkingTable):
    """The working table of one partial table; `fresh` marks the rows that are not in the tagged snapshot."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, table: PartialTable, template: pa.Table, lane: str) -> None:
        """Make an empty table with the partial table's columns."""
        super().__init__(connection, f"{table.name}_streamed")
        self._table = table
        self._lane = lane
        self._template = f"{table.name}_partials_template"
        self.columns = ", ".join(quote(name, '"') for name in table.columns)
        connection.register(self._template, template)
        connection.execute(f"CREATE OR REPLACE TABLE {self.name} AS SELECT {self.columns}, FALSE AS fresh FROM {self._template}")

    def settle(self, proved: Mapping[str, int]) -> None:
        """Take the fresh rows as published and forget the windows up to `proved` (epoch ms per stream)."""
        self._settle(f"NOT ({self._after(proved)})")

    def load(self, paths: Sequence[str], *, fresh: bool, after: Mapping[str, int] | None = None) -> None:
        """Add the rows of Parquet files, those past the window ends `after` only; a path given twice counts twice."""
        if not paths:
            return
        source = f"(SELECT * FROM {self._template} UNION ALL BY NAME {PARQUET})"
        where = f" WHERE {self._after(after)}" if after is not None else ""
        self._connection.execute(f"INSERT INTO {self.name} SELECT {self.columns}, {fresh} FROM {source}{where}", [list(paths)])

    def spans(self, paths: Sequence[str]) -> dict[str, Span]:
        """Per stream the least and greatest window end in Parquet files."""
        if not paths:
            return {}
        query = "SELECT stream, epoch_ms(min(window_end)), epoch_ms(max(window_end)) FROM read_parquet(?, hive_partitioning = false) GROUP BY stream"
        return {stream: Span(int(first), int(last)) for stream, first, last in self._connection.execute(query, [list(paths)]).fetchall()}

    def fresh_windows(self, stream: str, through_ms: int) -> tuple[int, ...]:
        """Window ends up to `through_ms` among the fresh rows of a stream, ascending."""
        condition = f"fresh AND stream = '{stream}' AND epoch_ms(window_end) <= {through_ms}"
        query = f"SELECT DISTINCT epoch_ms(window_end) FROM {self.name} WHERE {condition} ORDER BY 1"
        return tuple(int(row[0]) for row in self._connection.execute(query).fetchall())

    def compare(self, deliveries: Deliveries, stream: str, after_ms: int, through_ms: int, find_late: Callable[[], set[int]]) -> tuple[Comparison, ...]:
        """Hold the stream's rows of each window in (after, through] against the recomputation from every delivery.

        `find_late` gives the window ends whose difference has a known cause; it is asked only when there is a difference.
        """
        condition = deliveries.window_condition(after_ms, through_ms)
        within = f"stream = '{stream}' AND epoch_ms(window_end) > {after_ms} AND epoch_ms(window_end) <= {through_ms}"
        theirs = f"SELECT {self.columns} FROM {self.name} WHERE {within}"
        ours = deliveries.recompute(self._table, condition, self._lane)
        streamed, recomputed = self._digests(theirs), self._digests(ours)
        different = {end for end in streamed.keys() | recomputed.keys() if streamed.get(end) != recomputed.get(end)}
        ends = ", ".join(map(str, different))
        once = self._digests(f"SELECT DISTINCT * FROM ({theirs}) WHERE epoch_ms(window_end) IN ({ends})") if different else {}
        late = find_late() if different else set()
        overflowed = deliveries.overflows(self._table, condition) if different else {}
        equal = self._equal_but(theirs, ours, {measure for each in overflowed.values() for measure in each}) if overflowed else set()
        repeating = deliveries.windows_with(f"duplicate AND {condition}")
        clashing = deliveries.clashing_windows(after_ms, through_ms) if repeating else set()
        return tuple(
            Comparison(
                end,
                equal_raw=end not in different,
                doubled=end in different and once.get(end) == recomputed.get(end),
                has_duplicates=end in repeating,
                has_clashes=end in clashing,
                has_late=end in late,
                overflowed=overflowed.get(end, ()),
                equal_otherwise=end in equal,
            )
            for end in sorted(streamed.keys() | recomputed.keys())
        )

    def _equal_but(self, theirs: str, ours: str, measures: set[str]) -> set[int]:
        """Window ends of which both have the same rows, some measures left aside."""
        columns = ", ".join(quote(name, '"') for name in self._table.columns if name not in measures)
        streamed, recomputed = self._digests(theirs, columns), self._digests(ours, columns)
        return {end for end, digest in streamed.items() if recomputed.get(end) == digest}

    def _digests(self, rows: str, columns: str | None = None) -> dict[int, tuple[int, int]]:
        """Per window end the number of rows and the sum of their hashes, which does not depend on their order."""
        query = f"SELECT epoch_ms(window_end), count(*), sum(hash({columns or self.columns})) FROM ({rows}) GROUP BY 1"
        return {int(end): (int(count), int(hashes)) for end, count, hashes in self._connection.execute(query).fetchall()}

    @staticmethod
    def _after(proved: Mapping[str, int]) -> str:
        cases = " ".join(f"WHEN '{stream}' THEN {end}" for stream, end in proved.items())
        return f"epoch_ms(window_end) > CASE stream {cases} ELSE -1 END" if cases else "TRUE"
