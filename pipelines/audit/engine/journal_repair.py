"""Which files of a journal are rewritten so that every record is there once, and those that are arrays of events not at all."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa

from connectors.iceberg.files import local_path
from contracts.identifiers import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import duckdb
    from pyiceberg.manifest import DataFile

FILES = "read_parquet(?, union_by_name = true, hive_partitioning = false, filename = true)"
REFUSED = pa.schema([("refused_partition", pa.int32()), ("refused_offset", pa.int64()), ("refused_appended", pa.int64())])


class Copies(NamedTuple):
    """Equal rows of one record in one file: the file's path, the record, a hash of the row, how many."""

    path: str
    record: tuple[Any, ...]
    row: int
    number: int


@dataclass(frozen=True)
class Repair:
    """Entries to remove, entries to enter again as they are, and rows to write anew."""

    doomed: list[DataFile] = field(default_factory=list)
    kept: list[DataFile] = field(default_factory=list)
    rows: list[pa.Table] = field(default_factory=list)


def plan_repair(connection: duckdb.DuckDBPyConnection, fresh: list[DataFile], published: set[str], refused: set[tuple[int, int, int]]) -> Repair:
    """Leave one copy of each record, the published one where there is one, none of `refused` (partition, offset, append time in epoch us).

    A commit that is repeated repeats whole files. So copies with different rows, or twice in one file, are the events of an array,
    which is no event: all of them go. A record is its partition, offset and append time: a topic that is made anew starts again at 0.
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


def _gone(found: Iterable[Copies], listed: list[str], published: set[str], refused: set[tuple[int, int, int]]) -> Mapping[str, set[tuple[Any, ...]]]:
    """Records to leave out of each file."""
    by_record: dict[tuple[Any, ...], list[Copies]] = defaultdict(list)
    for copies in found:
        by_record[copies.record].append(copies)
    gone: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
    for record, copies_of_it in by_record.items():
        unpublished = sorted({copies.path for copies in copies_of_it if copies.path not in published}, key=listed.index)
        is_kept = len(unpublished) == len({copies.path for copies in copies_of_it}) and record not in refused and not _are_parts(copies_of_it)
        for path in unpublished[is_kept:]:
            gone[path].add(record)
    return gone


def _are_parts(copies_of_it: list[Copies]) -> bool:
    return len({copies.row for copies in copies_of_it}) > 1 or any(copies.number > 1 for copies in copies_of_it)


def _copies(connection: duckdb.DuckDBPyConnection, paths: list[str], refused: set[tuple[int, int, int]]) -> list[Copies]:
    """Records that are there more than once, or whose place is refused."""
    columns = [str(row[0]) for row in connection.execute(f"DESCRIBE SELECT * EXCLUDE (filename) FROM {FILES}", [paths]).fetchall()]
    row = ", ".join(quote(name, '"') for name in columns)
    places = pa.Table.from_pylist([dict(zip(REFUSED.names, record, strict=True)) for record in refused], schema=REFUSED)
    connection.register("refused_places", places)
    query = f"""WITH copies AS (
          SELECT filename, "partition", "offset", epoch_us(appended_at) AS appended, hash({row}) AS content, count(*) AS n FROM {FILES} GROUP BY ALL)
        SELECT filename, "partition", "offset", appended, content, n FROM copies
        WHERE ("partition", "offset", appended) IN (
            SELECT ("partition", "offset", appended) FROM copies GROUP BY "partition", "offset", appended HAVING sum(n) > 1)
          OR ("partition", "offset", appended) IN (SELECT (refused_partition, refused_offset, refused_appended) FROM refused_places)"""
    found = connection.execute(query, [paths]).fetchall()
    connection.unregister("refused_places")
    return [Copies(path, (partition, offset, appended), content, n) for path, partition, offset, appended, content, n in found]


def _without(connection: duckdb.DuckDBPyConnection, path: str, records: set[tuple[Any, ...]]) -> pa.Table:
    query = "SELECT *, epoch_us(appended_at) AS appended FROM read_parquet(?, hive_partitioning = false)"
    content = connection.sql(query, params=[[path]]).to_arrow_table()
    places = zip(content["partition"].to_pylist(), content["offset"].to_pylist(), content["appended"].to_pylist(), strict=True)
    return content.filter(pa.array([place not in records for place in places])).drop_columns(["appended"])
