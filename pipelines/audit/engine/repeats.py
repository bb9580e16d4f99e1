"""Deliveries of one stream that repeat an earlier one: who told what again, and which fields differ from the delivery that counts."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from contracts.identifiers import quote
from pipelines.audit.engine.identity_index import unpacked
from pipelines.audit.engine.identity_segment import NO_PAYLOAD

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import duckdb
    from numpy.typing import NDArray

    from contracts.model import Stream
    from pipelines.audit.engine.journal_rows import JournalRows

COMPARED = 2_000
"""Repeats of another payload that a cycle compares with the deliveries that count; of others it only says that they differ."""
FILES = 64
"""Published files that are read for it."""
NEAR = timedelta(days=2)
"""How far from the repeats' event times a published delivery is looked for: a journal of years is planned by its days."""


@dataclass(frozen=True)
class Repeats:
    """Entries of repeats, those of the deliveries that count in their place, and whether these are published."""

    entries: NDArray[Any]
    winners: NDArray[Any]
    is_published: NDArray[Any]

    def to_arrow(self) -> pa.Table:
        """Places of both, whether both payloads are known, and whether they may differ."""
        payload, counting = self.entries["payload"], self.winners["payload"]
        is_known = (payload != NO_PAYLOAD) & (counting != NO_PAYLOAD)
        (partition, offset), (winner_partition, winner_offset) = unpacked(self.entries["place"]), unpacked(self.winners["place"])
        return pa.table(
            {
                "partition": partition,
                "offset": offset,
                "winner_partition": winner_partition,
                "winner_offset": winner_offset,
                "is_published": self.is_published,
                "is_known": is_known,
                "conflicting": ~is_known | (payload != counting),
            }
        )


class RepeatReader:
    """Reads the rows of repeats from the journal's files."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, stream: Stream, template: pa.Table) -> None:
        """`template` has the columns of the journal, some of which old files may lack."""
        self._connection = connection
        self._template = template
        self._fields = tuple(stream.fields)

    def describe(self, repeats: Repeats, keys: JournalRows, fresh: Sequence[str], plan: Callable[[str], Sequence[str]]) -> pa.Table:
        """The rows of the table of duplicates for these repeats, without the cycle, with keys in the place of partitions.

        The repeats are in the files `fresh`; the deliveries that count are there, or published: `plan` gives the paths of published
        files that may have rows which meet a condition.
        """
        query = f"""SELECT topic, "partition", "offset", appended_at, tenant_id, source, event_id, event_type, region, event_time,
                      winner_partition, winner_offset, is_published, is_known, conflicting
                    FROM {_rows(keys)} JOIN repeats USING ("partition", "offset")"""
        told = self._table(query, fresh, repeats=repeats.to_arrow())
        query = """SELECT told.* EXCLUDE (is_known) REPLACE (conflicting AND coalesce(fields <> '', TRUE) AS conflicting),
                     nullif(fields, '') AS differing_fields
                   FROM told LEFT JOIN compared USING ("partition", "offset")"""
        return self._table(query, told=told, compared=self._compare(told, keys, fresh, plan))

    def _compare(self, told: pa.Table, keys: JournalRows, fresh: Sequence[str], plan: Callable[[str], Sequence[str]]) -> pa.Table:
        """Place and differing fields of conflicting repeats: names in the order of the contract, no text where nothing differs."""
        differ = told.filter(pc.field("conflicting") & pc.field("is_known")).slice(0, COMPARED)
        conflicts = pa.concat_tables([told.filter(~pc.field("is_known")), differ])
        differing = ", ".join(f"CASE WHEN repeat.{_quoted(name)} IS DISTINCT FROM winner.{_quoted(name)} THEN '{name}' END" for name in self._fields)
        query = f"""SELECT repeat."partition", repeat."offset", any_value(concat_ws(',', {differing})) AS fields
                    FROM conflicts
                    JOIN {_rows(keys)} AS repeat ON repeat."partition" = conflicts."partition" AND repeat."offset" = conflicts."offset"
                    JOIN {_rows(keys)} AS winner ON winner."partition" = winner_partition AND winner."offset" = winner_offset
                    GROUP BY ALL"""
        if not conflicts.num_rows:
            return conflicts.select(["partition", "offset"]).append_column("fields", pa.array([], pa.string()))
        return self._table(query, fresh, [*fresh, *_published_files(conflicts, keys, plan)], conflicts=conflicts)

    def _table(self, query: str, *paths: Sequence[str], **relations: pa.Table) -> pa.Table:
        """Rows of a query over files and over relations of these names."""
        with ExitStack() as stack:
            for name, rows in {"template": self._template, **relations}.items():
                self._connection.register(name, rows)
                stack.callback(self._connection.unregister, name)
            return self._connection.sql(query, params=[list(files) for files in paths]).to_arrow_table()


def _rows(keys: JournalRows) -> str:
    return f"(SELECT * FROM template UNION ALL BY NAME {keys.parquet})"


def _published_files(conflicts: pa.Table, keys: JournalRows, plan: Callable[[str], Sequence[str]]) -> Sequence[str]:
    """Files in which published deliveries that count may be."""
    old = conflicts.filter(pc.field("is_published"))
    if not old.num_rows:
        return []
    spans = old.group_by("winner_partition").aggregate([("winner_offset", "min"), ("winner_offset", "max")]).to_pylist()
    places = (f"({keys.span_condition((one['winner_partition'], one['winner_offset_min'], one['winner_offset_max']))})" for one in spans)
    times = pc.min_max(old["event_time"]).as_py()
    first, last = (times["min"] - NEAR).isoformat(), (times["max"] + NEAR).isoformat()
    return plan(f"({' OR '.join(places)}) AND event_time >= '{first}' AND event_time <= '{last}'")[:FILES]


def _quoted(name: str) -> str:
    return quote(name, '"')
