"""One stream's journal as a cycle opens it: what is new, what is missing, what is there twice, what was delivered before."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors.iceberg.files import added_files, head_of, local_path, planned_paths, replace_files
from connectors.instants import epoch_ms, instant
from contracts.datasets import QUARANTINE, duplicates_of, journal_of
from kpis.sql.duckdb import WINDOW_MS
from pipelines.audit.decisions.lake import DuplicateCount, Offsets
from pipelines.audit.decisions.logs import topic_of
from pipelines.audit.engine.decoder_check import misread_fields
from pipelines.audit.engine.deliveries import IDENTITY, PAYLOAD, Deliveries
from pipelines.audit.engine.identity_index import UNKNOWN, IdentityIndex, packed
from pipelines.audit.engine.identity_segment import ENTRY
from pipelines.audit.engine.journal_repair import plan_repair
from pipelines.audit.engine.journal_rows import LAST_OFFSET, JournalRows
from pipelines.audit.engine.missing_offsets import NOT_JOURNALED, Explained, gaps
from pipelines.audit.engine.repeats import RepeatReader, Repeats
from pipelines.audit.publication import OTHER_KEYS, PARTITIONS, StreamFrontier, UndeclaredKey, epoch_of, partition_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path
    from random import Random

    import duckdb
    from numpy.typing import NDArray
    from pyiceberg.table import Table

    from contracts.model import Stream
    from kpis.partials import PartialTable
    from pipelines.audit.engine.deliveries import Appended
    from pipelines.audit.engine.missing_offsets import MissingOffsetReader
    from pipelines.audit.engine.tagged_tables import TaggedTables
    from pipelines.audit.publication import Place

MARKS = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("appended_at", pa.timestamp("us", "UTC")),
        ("winner_partition", pa.int32()),
        ("winner_offset", pa.int64()),
        ("conflicting", pa.bool_()),
    ]
)
"""What the working table knows of a duplicate; its place has a time, because a topic that is made anew starts again at offset 0."""
NONE = MARKS.empty_table()
CATCH_UP = 1_000_000
"""Deliveries read at a time when the identity index is built anew."""
TOLD = 200
"""Undeclared keys, by source and event type, that one cycle tells apart: they are part of the publication."""


class JournalReader:
    """Keeps the working table of one stream between cycles, so that a cycle reads only what is new."""

    def __init__(self, catalog: TaggedTables, connection: duckdb.DuckDBPyConnection, stream: Stream, tables: tuple[PartialTable, ...], folder: Path) -> None:
        """`tables` are the partial tables that are recomputed; `folder` keeps the identity index."""
        self._catalog = catalog
        self._connection = connection
        self._stream = stream
        journal = catalog.table(journal_of(stream.name))
        template = journal.schema().as_arrow().empty_table()
        self.deliveries = Deliveries(connection, stream, tables, template)
        self._repeats = RepeatReader(connection, stream, template)
        self._index = IdentityIndex(folder / stream.name, f"{journal.metadata.table_uuid} {IDENTITY}, {PAYLOAD}")
        self._opened: tuple[int, int] | None = None
        self._high: dict[int, int] = {}
        self._fresh_paths: list[str] = []
        self._pending = np.empty(0, ENTRY)
        self._frontier = StreamFrontier({}, {})
        self._strays: Counter[int] = Counter()
        self.duplicates = NONE
        self.explained = Explained()

    def open(self, frontier: StreamFrontier, since: int, snapshot: int) -> dict[int, Offsets]:
        """Open the rows that `snapshot` has and `since` has not; see `Lake.open_journal`."""
        journal = self._catalog.table(journal_of(self._stream.name))
        last, self._opened = self._opened, None
        if self.deliveries.rows.epochs != frontier.epochs:
            # Rows that are kept have keys of other epochs.
            self.deliveries.rows, last = JournalRows(frontier.epochs), None
        self._frontier = frontier
        positions = {key: position.next_offset for key, position in frontier.positions.items()}
        self._settle(journal, frontier, since, last)
        self.duplicates, self.explained, self._pending = NONE, Explained(), np.empty(0, ENTRY)
        paths = [local_path(file.file_path) for file in added_files(journal, since, snapshot)]
        self._fresh_paths = paths
        self.deliveries.load(paths, "TRUE", fresh=True)
        self._opened = since, snapshot
        repeated = self._set_aside_repeats(journal, frontier, snapshot, positions)
        found = {one.partition: Offsets(one.rows, one.distinct, repeated[one.partition], one.high, one.reach_ms) for one in self.deliveries.summaries()}
        nothing = {key: Offsets(0, 0, repeated[key], positions.get(key, 0) - 1, -1) for key in repeated.keys() | self._strays.keys()}
        found = {key: replace(each, strays=self._strays[key]) for key, each in {**nothing, **found}.items()}
        self._high = {partition: offsets.high for partition, offsets in found.items()}
        return found

    def explain(self, reader: MissingOffsetReader, after: Mapping[int, int], budget: int) -> Explained:
        """Explain the missing offsets at or past `after`."""
        present = {partition: self.deliveries.offsets(partition) for partition in self._high}
        missing = {partition: gaps(present[partition], after.get(partition, 0), high) for partition, high in self._high.items()}
        through = {partition: high + 1 for partition, high in self._high.items()}
        self.explained = reader.explain(self._stream, self._frontier.epochs, missing, through, budget)
        return self.explained

    def misread(self, reader: MissingOffsetReader, size: int, random: Random, again: tuple[Place, ...]) -> tuple[Place, ...]:
        """Which new deliveries are not in the journal as their records say: of those at `again`, and of a stretch at a random place.

        Together they are `size` records, so that what is found wrong time and again does not pile up; a stretch, because what lies
        side by side is cheap to read. What the broker has no more is not read right.
        """
        sample = self.deliveries.stretch(size - len(again), random) if size > len(again) else []
        landed = self.deliveries.landed(self._fresh_paths, {*sample, *again})
        wrong, read = set(), set()
        for partition in sorted({key for key, _ in landed if epoch_of(key) == self._frontier.epoch}):
            offsets = sorted(offset for one, offset in landed if one == partition)
            for offset, decoded in reader.decoded(self._stream, partition_of(partition), offsets):
                read.add((partition, offset))
                row = landed[partition, offset]
                # A row without a hash is another decoder's, of an older release, which took some records that this validator refuses.
                if row["payload_hash"] is not None and (decoded is None or misread_fields(self._stream, row, decoded)):
                    wrong.add((partition, offset))
        unread = {place for place in (landed.keys() & set(again)) - read if epoch_of(place[0]) == self._frontier.epoch}
        return tuple(sorted(wrong | unread))

    def find_duplicates(self) -> DuplicateCount:
        """Mark the fresh deliveries whose identity is published or came earlier in this opening."""
        self.deliveries.unmark_fresh()
        self.duplicates = NONE
        entries = self.deliveries.fresh_identities()
        winners = self._index.find(entries)
        is_published = winners["place"] != UNKNOWN
        first = _first_places(entries)
        winners[~is_published] = entries[first[~is_published]]
        is_repeat = is_published | (first != np.arange(len(entries)))
        self._pending = entries[~is_repeat]
        if is_repeat.any():
            found = Repeats(entries[is_repeat], winners[is_repeat], is_published[is_repeat])
            journal, (since, _) = self._catalog.table(journal_of(self._stream.name)), self._opened or (0, 0)
            self.duplicates = self._repeats.describe(found, self.deliveries.rows, self._fresh_paths, lambda condition: planned_paths(journal, since, condition))
            self.deliveries.mark_duplicates(self.duplicates)
        return DuplicateCount(len(self.duplicates), pc.sum(self.duplicates["conflicting"]).as_py() or 0)

    def undeclared_keys(self) -> tuple[UndeclaredKey, ...]:
        """Keys of the new deliveries that their event types do not carry: the TOLD most frequent, and all others as one."""
        positions = {key: position.next_offset for key, position in self._frontier.positions.items()}
        found = self.deliveries.undeclared_keys(self._fresh_paths, positions)
        others = sum(records for *_, records in found[TOLD:])
        told = (UndeclaredKey(*one) for one in found[:TOLD])
        return (*told, UndeclaredKey(None, None, OTHER_KEYS, others)) if others else tuple(told)

    def told_duplicates(self) -> pa.Table:
        """The duplicates of this opening as they are told: with partitions as the broker numbers them."""
        rows = self.duplicates
        for name in ("partition", "winner_partition"):
            place = rows.schema.get_field_index(name)
            numbers = pa.array(rows[name].to_numpy() % PARTITIONS, rows.schema.field(name).type)
            rows = rows.set_column(place, name, numbers)
        return rows

    def remember(self, frontier: StreamFrontier) -> None:
        """Enter what has just been published into the identity index."""
        self._index.add(self._pending, {partition: position.next_offset for partition, position in frontier.positions.items()})
        self._pending = np.empty(0, ENTRY)

    def carried(self, frontier: StreamFrontier) -> int:
        """How many published rows are kept for windows that are not published."""
        floor = min((windows.proved for windows in frontier.windows.values()), default=-1)
        published = self.deliveries.below({partition: position.next_offset for partition, position in frontier.positions.items()})
        return self.deliveries.count(f"appended_ms >= {floor} AND {published}")

    def taken_out(self, after_ms: int) -> list[Appended]:
        """Records of windows that end after a time (epoch ms) which the stream may have counted and which a release took for not journaled."""
        topics = ", ".join(f"'{topic}'" for topic in {self._stream.topic, *(epoch.topic for epoch in self._frontier.epochs)})
        since = instant(max(after_ms - WINDOW_MS, 0)).isoformat()
        condition = f"topic IN ({topics}) AND reason = '{NOT_JOURNALED}' AND appended_at >= '{since}'"
        known = self._catalog.table(QUARANTINE).scan(row_filter=condition, selected_fields=("topic", "partition", "offset", "appended_at")).to_arrow()
        found = [{name: row[name] for name in known.schema.names} for row in self.explained.rows if row["reason"] == NOT_JOURNALED]
        rows = self.deliveries.rows.keyed(pa.concat_tables([known, pa.Table.from_pylist(found, schema=known.schema)]))
        appended_ms = (epoch_ms(moment) for moment in rows["appended_at"].to_pylist())
        return sorted(zip(rows["partition"].to_pylist(), rows["offset"].to_pylist(), appended_ms, strict=True))

    def drop_double_commits(self) -> int:
        """Rewrite the files that hold copies beyond the first; the copy in a published file stays. The new head."""
        name = journal_of(self._stream.name)
        journal = self._catalog.table(name)
        since, snapshot = self._opened or (0, 0)
        fresh = added_files(journal, since, snapshot)
        spans = self._spans([local_path(file.file_path) for file in fresh])
        published = {local_path(path) for span in spans for path in planned_paths(journal, since, self.deliveries.rows.span_condition(span))}
        refused = {record for key, low, high in spans for record in self._refused(key, low, high)}
        repair = plan_repair(self._connection, fresh, published, refused)
        rows = pa.concat_tables(repair.rows, promote_options="default") if repair.rows else None
        with self._catalog.changing(name):
            replace_files(journal, repair.doomed, repair.kept, rows, summary={"daybook.repair": "double_commit"})
        return head_of(journal)

    def _settle(self, journal: Table, frontier: StreamFrontier, since: int, last: tuple[int, int] | None) -> None:
        """Bring the working table to what is published at `since`; `last`: what it was opened for, None when that failed."""
        floor = min((windows.proved for windows in frontier.windows.values()), default=-1)
        counted = {partition: min((windows.counted.get(partition, 0) for windows in frontier.windows.values()), default=0) for partition in frontier.positions}
        if last and last[1] == since:
            self.deliveries.settle(floor, counted)
        elif last and last[0] == since:
            self.deliveries.forget_fresh()
        else:
            self.deliveries.clear()
            self._carry(journal, since, floor, counted)
            self._catch_up(journal, since, frontier)

    def _carry(self, journal: Table, since: int, floor: int, counted: Mapping[int, int]) -> None:
        """Read the published rows whose windows are not all published, and which of them are duplicates."""
        later = [self.deliveries.rows.span_condition((key, offset, LAST_OFFSET)) for key, offset in counted.items()]
        recent = " OR ".join(f"({part})" for part in (f"appended_at >= '{instant(max(floor, 0)).isoformat()}'", *later))
        condition = f"appended_ms >= {floor} OR NOT ({self.deliveries.below(counted)})"
        self.deliveries.load(planned_paths(journal, since, recent), condition, fresh=False)
        name = duplicates_of(self._stream.name)
        scan = self._catalog.table(name).scan(row_filter=recent, selected_fields=("topic", *MARKS.names), snapshot_id=self._catalog.tag(name))
        known = self.deliveries.rows.keyed(scan.to_arrow())
        if known.num_rows:
            self.deliveries.mark_duplicates(known)

    def _catch_up(self, journal: Table, since: int, frontier: StreamFrontier) -> None:
        """Enter published deliveries that the index has not seen: it was lost, or the last audit died before it wrote them."""
        for partition, position in frontier.positions.items():
            first = self._first_unseen(journal, since, partition, position.next_offset)
            while first < position.next_offset:
                end = min(first + CATCH_UP, position.next_offset)
                paths = planned_paths(journal, since, self.deliveries.rows.span_condition((partition, first, end - 1)))
                entries = self.deliveries.identities_in(paths, partition, first, end - 1)
                entries = entries[~np.isin(entries["place"], self._published_repeats((partition, first, end - 1)))]
                self._index.add(entries[(self._index.find(entries)["place"] == UNKNOWN) & _firsts(entries)], {partition: end})
                first = end

    def _first_unseen(self, journal: Table, since: int, key: int, end: int) -> int:
        """The least offset below `end` that is published and not in the index, `end` without one: a log may begin at any offset."""
        first = self._index.positions.get(key, 0)
        if first >= end:
            return end
        paths = planned_paths(journal, since, self.deliveries.rows.span_condition((key, first, end - 1)))
        return self.deliveries.least_offset(paths, key, first, end - 1) if paths else end

    def _published_repeats(self, span: tuple[int, int, int]) -> NDArray[Any]:
        """Places of the published repeats in a range of offsets."""
        name = duplicates_of(self._stream.name)
        scan = self._catalog.table(name).scan(
            self.deliveries.rows.span_condition(span), selected_fields=("topic", "partition", "offset", "appended_at"), snapshot_id=self._catalog.tag(name)
        )
        rows = self.deliveries.rows.keyed(scan.to_arrow())
        return packed(rows["partition"].to_numpy(), rows["offset"].to_numpy())

    def _set_aside_repeats(self, journal: Table, frontier: StreamFrontier, snapshot: int, positions: Mapping[int, int]) -> Counter[int]:
        """Take rows below the positions out of the working table; how many rows of each partition must go.

        Those are copies beyond the first, and rows that were committed after their offset had been quarantined. Others are strays.
        """
        self._strays = Counter()
        repeated = Counter({one.partition: one.copies for one in self.deliveries.summaries() if one.copies})
        explained = [(p, positions.get(p, 0), position.explained - 1) for p, position in frontier.positions.items() if position.quarantined]
        late = [(partition, self.deliveries.offsets_between(partition, low, high)) for partition, low, high in explained]
        for partition, low, high in self.deliveries.take_below(positions):
            paths = planned_paths(journal, snapshot, self.deliveries.rows.span_condition((partition, low, high)))
            repeated[partition] = max(repeated[partition], self.deliveries.copies(paths, partition, low, high))
            late.append((partition, self.deliveries.offsets_in(paths, partition, low, high)))
            self._strays[partition] += self._count_strays(journal, partition, low, high)
        for partition, offsets in late:
            repeated[partition] += len(offsets & self._quarantined(partition, offsets))
        return +repeated

    def _count_strays(self, journal: Table, key: int, low: int, high: int) -> int:
        """How many fresh rows of a range below the position are neither published nor quarantined."""
        since, _ = self._opened or (0, 0)
        published = planned_paths(journal, since, self.deliveries.rows.span_condition((key, low, high)))
        unknown = self.deliveries.offsets_only_in(self._fresh_paths, published, (key, low, high))
        quarantined = self._quarantined(key, unknown)
        return sum(offset not in quarantined for offset in unknown)

    def _quarantined(self, key: int, offsets: Collection[int]) -> set[int]:
        """Which of these offsets are published as quarantined."""
        if not offsets:
            return set()
        return {offset for _, offset, _ in self._refused(key, min(offsets), max(offsets))}

    def _refused(self, key: int, low: int, high: int) -> set[tuple[int, int, int]]:
        """Partition, offset and append time (epoch microseconds) of what is published as quarantined in a range of offsets of a key."""
        condition = f"topic = '{topic_of(self._frontier, key)}' AND {self.deliveries.rows.span_condition((key, low, high))}"
        fields = ("partition", "offset", "appended_at")
        rows = self._catalog.table(QUARANTINE).scan(row_filter=condition, selected_fields=fields, snapshot_id=self._catalog.tag(QUARANTINE)).to_arrow()
        return set(zip(rows["partition"].to_pylist(), rows["offset"].to_pylist(), rows["appended_at"].cast(pa.int64()).to_pylist(), strict=True))

    def _spans(self, paths: list[str]) -> list[tuple[int, int, int]]:
        query = f'SELECT "partition", min("offset"), max("offset") FROM ({self.deliveries.rows.parquet}) GROUP BY 1'
        return [(int(partition), int(low), int(high)) for partition, low, high in self._connection.execute(query, [paths]).fetchall()]


def _first_places(entries: NDArray[Any]) -> NDArray[Any]:
    """For each entry the place of the first one with the same identity."""
    order = np.lexsort((entries["low"], entries["high"]))
    high, low = entries["high"][order], entries["low"][order]
    is_new = np.ones(len(entries), bool)
    is_new[1:] = (high[1:] != high[:-1]) | (low[1:] != low[:-1])
    # The sort is stable: of equal identities the first one leads.
    places = np.empty(len(entries), np.int64)
    places[order] = order[is_new][np.cumsum(is_new) - 1]
    return places


def _firsts(entries: NDArray[Any]) -> NDArray[Any]:
    firsts: NDArray[Any] = _first_places(entries) == np.arange(len(entries))
    return firsts
