"""Journal rows of one stream in DuckDB: those that are new, and older ones whose windows are not yet all published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from contracts.identifiers import quote
from kpis.sql.duckdb import WINDOW_MS, overflow_query, recompute_query
from pipelines.audit.engine.identity_index import packed
from pipelines.audit.engine.identity_segment import ENTRY, NO_PAYLOAD
from pipelines.audit.engine.journal_rows import JournalRows
from pipelines.audit.engine.working_table import WorkingTable
from transforms.journal import normal_form

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from random import Random

    import duckdb
    import pyarrow as pa
    from numpy.typing import NDArray

    from contracts.model import Stream
    from kpis.partials import PartialTable
    from pipelines.audit.publication import Place

IDENTITY = "md5_number(strlen(tenant_id) || ':' || strlen(source) || ':' || tenant_id || source || event_id)"
"""The lengths, because no character can part values that may contain it."""
PAYLOAD = f"coalesce(CAST(payload_hash & {2**32 - 1} AS UINTEGER), {NO_PAYLOAD})"


Appended = tuple[int, int, int]
"""Partition, offset and append time (epoch ms) of a record."""


@dataclass(frozen=True)
class Summary:
    """Fresh rows of one key: rows, distinct offsets, copies beyond the first of each row, greatest offset and append time (epoch ms)."""

    partition: int
    rows: int
    distinct: int
    copies: int
    high: int
    reach_ms: int


class Deliveries(WorkingTable):
    """The working table of one stream; `fresh` marks the rows that are not published, `duplicate` those that do not count.

    Its column `partition` holds keys (`pipelines.audit.publication`), which `rows` gives to what is loaded.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, stream: Stream, tables: Iterable[PartialTable], template: pa.Table) -> None:
        """Make an empty table with the columns that the aggregations of `tables` read; `template` has the journal's columns."""
        super().__init__(connection, f"{stream.name}_deliveries")
        self._stream = stream
        self.rows = JournalRows()
        self._template = f"{stream.name}_template"
        read = frozenset[str]().union(*(table.reads(stream.name) for table in tables))
        self._read = [name for name in stream.fields if name in read]
        connection.register(self._template, template)
        connection.execute(f"CREATE OR REPLACE TABLE {self.name} AS {self._select(self._template, fresh=False)}")

    def settle(self, floor_ms: int, counted: Mapping[int, int]) -> None:
        """Take the fresh rows as published; forget rows appended before `floor_ms` and below `counted` (next offset per partition)."""
        self._settle(f"appended_ms < {floor_ms} AND {self.below(counted)}")

    def load(self, paths: Sequence[str], condition: str, *, fresh: bool) -> None:
        """Add the rows of Parquet files that meet a condition on `partition`, `offset` and `appended_ms`; a path given twice counts twice."""
        if paths:
            source = f"(SELECT * FROM {self._template} UNION ALL BY NAME {self.rows.parquet})"
            self._connection.execute(f"INSERT INTO {self.name} {self._select(source, fresh=fresh)} WHERE {condition}", [list(paths)])

    def summaries(self) -> list[Summary]:
        """Fresh rows per partition."""
        numbers = 'count(*), count(DISTINCT "offset"), count(*) - count(DISTINCT ("offset", appended_ms)), max("offset"), max(appended_ms)'
        query = f'SELECT "partition", {numbers} FROM {self.name} WHERE fresh GROUP BY 1'
        return [Summary(*row) for row in self._connection.execute(query).fetchall()]

    def offsets(self, partition: int) -> NDArray[Any]:
        """Distinct fresh offsets of one partition, ascending."""
        query = f'SELECT DISTINCT "offset" FROM {self.name} WHERE fresh AND "partition" = {partition} ORDER BY 1'
        offsets: NDArray[Any] = self._connection.execute(query).fetchnumpy()["offset"]
        return offsets

    def fresh_identities(self) -> NDArray[Any]:
        """Entries of the identity index for the fresh rows, in the order in which they win."""
        return self._identities(self.name, "fresh", [])

    def identities_in(self, paths: Sequence[str], partition: int, low: int, high: int) -> NDArray[Any]:
        """The same of the rows of Parquet files in a range of offsets, both ends included."""
        source = self._select(f"(SELECT * FROM {self._template} UNION ALL BY NAME {self.rows.parquet})", fresh=False)
        return self._identities(f"({source})", _between(partition, low, high), [list(paths)]) if paths else self._identities(self.name, "FALSE", [])

    def take_below(self, positions: Mapping[int, int]) -> list[tuple[int, int, int]]:
        """Forget the fresh rows below `positions` (next offset per partition); partition, least and greatest offset of them."""
        below = f"fresh AND {self.below(positions)}"
        query = f'SELECT "partition", min("offset"), max("offset") FROM {self.name} WHERE {below} GROUP BY 1'
        taken = [(int(partition), int(low), int(high)) for partition, low, high in self._connection.execute(query).fetchall()]
        self._connection.execute(f"DELETE FROM {self.name} WHERE {below}")
        return taken

    def copies(self, paths: Sequence[str], partition: int, low: int, high: int) -> int:
        """Copies beyond the first of each offset of a range, both ends included, in Parquet files."""
        query = f'SELECT count(*) - count(DISTINCT ("offset", appended_at)) FROM ({self.rows.parquet}) WHERE {_between(partition, low, high)}'
        return self._number(query, [list(paths)]) or 0

    def offsets_between(self, partition: int, low: int, high: int) -> set[int]:
        """Offsets of the fresh rows in a range, both ends included."""
        query = f'SELECT "offset" FROM {self.name} WHERE fresh AND {_between(partition, low, high)}'
        return {int(row[0]) for row in self._connection.execute(query).fetchall()}

    def offsets_in(self, paths: Sequence[str], partition: int, low: int, high: int) -> set[int]:
        """Offsets of the rows of Parquet files in a range, both ends included."""
        query = f'SELECT "offset" FROM ({self.rows.parquet}) WHERE {_between(partition, low, high)}'
        return {int(row[0]) for row in self._connection.execute(query, [list(paths)]).fetchall()}

    def offsets_only_in(self, paths: Sequence[str], others: Sequence[str], span: tuple[int, int, int]) -> list[int]:
        """Offsets of the rows of Parquet files in a span that are not in `others`; an offset alone never makes two rows one."""
        rows = f'SELECT "offset", appended_at FROM ({self.rows.parquet}) WHERE {_between(*span)}'
        files = [list(each) for each in (paths, others) if each]
        query = f'SELECT "offset" FROM ({" EXCEPT ".join([rows] * len(files))})'
        return [int(row[0]) for row in self._connection.execute(query, files).fetchall()]

    def least_offset(self, paths: Sequence[str], partition: int, low: int, high: int) -> int:
        """The least offset of the rows of Parquet files in a range, both ends included; the one behind it without such a row."""
        query = f'SELECT min("offset") FROM ({self.rows.parquet}) WHERE {_between(partition, low, high)}'
        least = self._number(query, [list(paths)])
        return high + 1 if least is None else least

    def stretch(self, size: int, random: Random) -> list[Place]:
        """At most `size` fresh rows that lie side by side, at a random place."""
        start = random.randrange(max(self.count("fresh") - size, 0) + 1)
        query = f'SELECT "partition", "offset" FROM {self.name} WHERE fresh ORDER BY ALL LIMIT {size} OFFSET {start}'
        return [(int(partition), int(offset)) for partition, offset in self._connection.execute(query).fetchall()]

    def landed(self, paths: Sequence[str], places: Collection[Place]) -> dict[Place, dict[str, Any]]:
        """Rows of Parquet files at some places, with all columns of the journal."""
        if not paths or not places:
            return {}
        wanted = ", ".join(f"({partition}, {offset})" for partition, offset in sorted(places))
        source = f"(SELECT * FROM {self._template} UNION ALL BY NAME {self.rows.parquet})"
        rows = self._connection.sql(f'SELECT * FROM {source} WHERE ("partition", "offset") IN ({wanted})', params=[list(paths)])
        return {(row["partition"], row["offset"]): row for row in rows.to_arrow_table().to_pylist()}

    def undeclared_keys(self, paths: Sequence[str], positions: Mapping[int, int]) -> list[tuple[str, str, str, int]]:
        """Source, event type, key and number of records with it, most first: rows of Parquet files from `positions` (next offset per partition)."""
        source = f"(SELECT * FROM {self._template} UNION ALL BY NAME {self.rows.parquet})"
        query = f"""SELECT source, event_type, key, count(*) AS records
                    FROM (SELECT source, event_type, unnest(string_split(undeclared_keys, ',')) AS key
                          FROM {source} WHERE undeclared_keys IS NOT NULL AND NOT ({self.below(positions)}))
                    GROUP BY ALL ORDER BY records DESC, source, event_type, key"""
        return self._connection.execute(query, [list(paths)]).fetchall() if paths else []

    def mark_duplicates(self, places: pa.Table) -> None:
        """Mark the rows at the given places as duplicates.

        Columns of `places`: partition, offset and appended_at of the repeat, winner_partition and winner_offset (the delivery that
        counts), conflicting.
        """
        self._connection.register("marked", places)
        self._connection.execute(
            f"""UPDATE {self.name} SET duplicate = TRUE, conflicting = marked.conflicting,
                  winner_partition = marked.winner_partition, winner_offset = marked.winner_offset
                FROM marked
                WHERE {self.name}."partition" = marked."partition" AND {self.name}."offset" = marked."offset"
                AND {self.name}.appended_ms = epoch_ms(marked.appended_at)"""
        )
        self._connection.unregister("marked")

    def unmark_fresh(self) -> None:
        """Take back the marks of rows that are not published."""
        self._connection.execute(f"UPDATE {self.name} SET duplicate = FALSE WHERE fresh AND duplicate")

    def clashing_windows(self, after_ms: int, through_ms: int) -> set[int]:
        """Window ends in (after, through] with a duplicate whose contribution cannot be taken out by itself.

        It has another payload than the delivery that counts, or that one is in a window past `through`.
        """
        query = f"""SELECT DISTINCT {self.window_end("repeat.appended_ms")}
                    FROM {self.name} AS repeat
                    LEFT JOIN {self.name} AS winner
                      ON winner."partition" = repeat.winner_partition AND winner."offset" = repeat.winner_offset
                    WHERE repeat.duplicate AND {self.window_condition(after_ms, through_ms, "repeat.appended_ms")}
                      AND (repeat.conflicting OR {self.window_end("winner.appended_ms")} > {through_ms})"""
        return {int(row[0]) for row in self._connection.execute(query).fetchall()}

    def late_condition(self, counted: Mapping[int, int], before_ms: int) -> str:
        """Condition of rows at or past `counted` that were appended before `before_ms` and count."""
        return f"NOT duplicate AND appended_ms < {before_ms} AND NOT ({self.below(counted)})"

    def count(self, condition: str) -> int:
        """Number of rows that meet a condition."""
        return self._number(f"SELECT count(*) FROM {self.name} WHERE {condition}") or 0

    def recompute(self, table: PartialTable, condition: str, lane: str) -> str:
        """Query of the partial rows that the rows meeting a condition make."""
        relation = f"(SELECT * FROM {self.name} WHERE {condition})"
        return recompute_query(table, self._stream.name, relation, lane)

    def overflows(self, table: PartialTable, condition: str) -> dict[int, tuple[str, ...]]:
        """Sums of a partial table that outgrow 64 bits over the rows meeting a condition, by window end (epoch ms)."""
        query = overflow_query(table, self._stream.name, f"(SELECT * FROM {self.name} WHERE {condition})")
        found: dict[int, tuple[str, ...]] = {}
        for end, measure in self._connection.execute(f"{query} ORDER BY ALL").fetchall() if query else ():
            found[int(end)] = (*found.get(int(end), ()), measure)
        return found

    @staticmethod
    def window_end(appended_ms: str = "appended_ms") -> str:
        """Expression of the end of a row's window, epoch ms."""
        return f"({appended_ms} - {appended_ms} % {WINDOW_MS} + {WINDOW_MS})"

    def window_condition(self, after_ms: int, through_ms: int, appended_ms: str = "appended_ms") -> str:
        """Condition of rows whose window ends in (after, through]."""
        return f"{appended_ms} >= {max(after_ms, 0)} AND {self.window_end(appended_ms)} <= {through_ms}"

    def windows_with(self, condition: str) -> set[int]:
        """Window ends (epoch ms) of the rows that meet a condition."""
        query = f"SELECT DISTINCT {self.window_end()} FROM {self.name} WHERE {condition}"
        return {int(row[0]) for row in self._connection.execute(query).fetchall()}

    def late_windows(self, through_ms: int, known: Iterable[int], gone: Iterable[Appended] = ()) -> set[int]:
        """Window ends up to `through_ms` with a row that the stream may have dropped.

        Its partition had, at an earlier offset, an append time at or past that end, or is not among the `known` ones. Records that
        are `gone` from the journal have moved the stream's clock too.
        """
        partitions = ", ".join(str(partition) for partition in known) or "NULL"
        query = f"""SELECT DISTINCT window_end FROM (
                      SELECT "partition", {self.window_end()} AS window_end,
                        max(appended_ms) OVER (PARTITION BY "partition" ORDER BY "offset" ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
                      FROM (SELECT "partition", "offset", appended_ms FROM {self.name} UNION ALL {_rows_of(gone)})
                    ) WHERE (reached >= window_end OR "partition" NOT IN ({partitions})) AND window_end <= {through_ms}"""
        return {int(row[0]) for row in self._connection.execute(query).fetchall()}

    def _number(self, query: str, parameters: Sequence[list[str]] = ()) -> int | None:
        """The one number of a query. All rows are fetched: a result that is not read to its end bars relations from the connection."""
        ((number,),) = self._connection.execute(query, parameters).fetchall()
        return None if number is None else int(number)

    def _select(self, relation: str, *, fresh: bool) -> str:
        names = ", ".join(quote(name, '"') for name in self._read)
        return f"""SELECT {names}, "partition", "offset", appended_ms,
            CAST({IDENTITY} >> 64 AS UBIGINT) AS high, CAST({IDENTITY} >> 32 & {2**32 - 1}::UHUGEINT AS UINTEGER) AS low,
            {PAYLOAD} AS payload,
            {fresh} AS fresh, FALSE AS duplicate, FALSE AS conflicting, NULL::INTEGER AS winner_partition, NULL::BIGINT AS winner_offset
            FROM ({normal_form(self._stream, relation)})"""

    def _identities(self, relation: str, condition: str, parameters: list[list[str]]) -> NDArray[Any]:
        query = f"""SELECT high, low, payload, "partition", "offset" FROM {relation} WHERE {condition}
                    ORDER BY appended_ms, "partition", "offset" """
        columns = self._connection.execute(query, parameters).fetchnumpy()
        entries = np.zeros(len(columns["high"]), ENTRY)
        for name in ("high", "low", "payload"):
            entries[name] = columns[name]
        entries["place"] = packed(columns["partition"], columns["offset"])
        return entries

    @staticmethod
    def below(counted: Mapping[int, int]) -> str:
        """Condition of rows below `counted` (next offset per partition)."""
        cases = " ".join(f"WHEN {partition} THEN {offset}" for partition, offset in counted.items())
        return f'"offset" < CASE "partition" {cases} ELSE 0 END' if cases else "FALSE"


def _between(partition: int, low: int, high: int) -> str:
    return f'"partition" = {partition} AND "offset" BETWEEN {low} AND {high}'


def _rows_of(gone: Iterable[Appended]) -> str:
    rows = ", ".join(map(str, gone)) or "(NULL, NULL, NULL)"
    return f"SELECT * FROM (VALUES {rows}) WHERE col0 IS NOT NULL"
