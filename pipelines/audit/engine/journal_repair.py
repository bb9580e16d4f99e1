"""Which files of a journal are rewritten so that every record is there once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from connectors.iceberg.files import local_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import duckdb
    from pyiceberg.manifest import DataFile

FILES = "read_parquet(?, union_by_name = true, hive_partitioning = false, filename = true)"
REFUSED = pa.schema([("refused_partition", pa.int32()), ("refused_offset", pa.int64()), ("refused_appended", pa.int64())])


class Copy(NamedTuple):
    """A record in a file: its path, and the record's partition, offset and append time (epoch us)."""

    path: str
    record: tuple[int, int, int]


@dataclass(frozen=True)
class Repair:
    """Entries to remove, entries to enter again as they are, and rows to write anew."""

    doomed: list[DataFile] = field(default_factory=list)
    kept: list[DataFile] = field(default_factory=list)
    rows: list[pa.Table] = field(default_factory=list)


def plan_repair(connection: duckdb.DuckDBPyConnection, fresh: list[DataFile], published: set[str], refused: set[tuple[int, int, int]]) -> Repair:
    """Leave one copy of each record, the published one where there is one, none of `refused` (partition, offset, append time in epoch us).

    A record is its partition, offset and append time: a topic that is made anew starts again at 0. Copies may differ: each job lands what its
    contract says.
    """
    listed = [local_path(file.file_path) for file in fresh]
    found = _copies(connection, sorted({*listed, *published}), refused)
    gone = _gone(found, listed, published, refused)
    repair = Repair()
    for path, file in dict(zip(listed, fresh, strict=True)).items():
        if path not in gone and path not in published and listed.count(path) == 1:
            continue
        repair.doomed.append(file)
        if path in gone:
            repair.rows.append(_without(connection, path, gone[path]))
        else:
            repair.kept.append(file)
    return repair


def _gone(found: Iterable[Copy], listed: list[str], published: set[str], refused: set[tuple[int, int, int]]) -> Mapping[str, set[tuple[int, int, int]]]:
    """Records to leave out of each file."""
    paths_of: dict[tuple[int, int, int], set[str]] = defaultdict(set)
    for copy in found:
        paths_of[copy.record].add(copy.path)
    gone: dict[str, set[tuple[int, int, int]]] = defaultdict(set)
    for record, paths in paths_of.items():
        unpublished = sorted(paths - published, key=listed.index)
        is_kept = not paths & published and record not in refused
        for path in unpublished[is_kept:]:
            gone[path].add(record)
    return gone


def _copies(connection: duckdb.DuckDBPyConnection, paths: list[str], refused: set[tuple[int, int, int]]) -> list[Copy]:
    """Records that are there more than once, or whose place is refused."""
    places = pa.Table.from_pylist([dict(zip(REFUSED.names, record, strict=True)) for record in refused], schema=REFUSED)
    connection.register("refused_places", places)
    query = f"""WITH copies AS (SELECT filename, "partition", "offset", epoch_us(appended_at) AS appended FROM {FILES})
        SELECT DISTINCT * FROM copies
        WHERE ("partition", "offset", appended) IN (
            SELECT ("partition", "offset", appended) FROM copies GROUP BY "partition", "offset", appended HAVING count(*) > 1)
          OR ("partition", "offset", appended) IN (SELECT (refused_partition, refused_offset, refused_appended) FROM refused_places)"""
    found = connection.execute(query, [paths]).fetchall()
    connection.unregister("refused_places")
    return [Copy(path, (partition, offset, appended)) for path, partition, offset, appended in found]


def _without(connection: duckdb.DuckDBPyConnection, path: str, records: set[tuple[int, int, int]]) -> pa.Table:
    query = "SELECT *, epoch_us(appended_at) AS appended FROM read_parquet(?, hive_partitioning = false)"
    content = connection.sql(query, params=[[path]]).to_arrow_table()
    places = zip(content["partition"].to_pylist(), content["offset"].to_pylist(), content["appended"].to_pylist(), strict=True)
    return content.filter(pa.array([place not in records for place in places])).drop_columns(["appended"])
