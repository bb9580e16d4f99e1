"""What is stored in the simulated world: topics, tables with snapshots and tags, the recorded publications; row by row."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from contracts.datasets import QUARANTINE, audit_of, duplicates_of, journal_of, partial_of
from pipelines.audit.publication import Epoch, Position, Publication, StreamFrontier, WindowFrontier, epoch_of, key_of, partition_of

WINDOW = 10
KEYS = {"kpis": 2, "runs": 3}
HIDING = frozenset({"replacement", "held"})
"""Kinds of audit rows that hide what the stream wrote for their window."""


class Record(NamedTuple):
    """A record of a topic, and the journal row it becomes; times in ms.

    Kinds: valid, bad, absent, refused.
    """

    partition: int
    offset: int
    kind: str
    identity: int
    payload: int
    appended: int
    epoch: int = 0

    @property
    def key(self) -> int:
        """Key of the partition, from what is true: the audit has to find it from the append time."""
        return key_of(self.epoch, self.partition)

    @property
    def window_end(self) -> int:
        return self.appended // WINDOW * WINDOW + WINDOW


class Row(NamedTuple):
    """A row of a partial or audit table; `kind` is empty in partials."""

    stream: str
    window_end: int
    key: int
    n: int
    total: int
    greatest: int
    kind: str = ""
    visible_from: int = -1


class Coordinates(NamedTuple):
    """A row of the quarantine."""

    stream: str
    partition: int
    offset: int


class Duplicate(NamedTuple):
    """A row of the duplicates: the repeat, the delivery that counts, whether their payloads differ."""

    stream: str
    partition: int
    offset: int
    winner: tuple[int, int]
    conflicting: bool


@dataclass(frozen=True, eq=False, slots=True)
class File:
    """Rows that were written together; the same rows committed twice are two files."""

    rows: tuple[Record | Row | Coordinates | Duplicate, ...]


@dataclass(slots=True)
class Snapshot:
    """The files of a table at one commit."""

    parent: int
    committed_ms: int
    files: tuple[File, ...]


@dataclass(slots=True)
class Table:
    """Snapshots by id, the head of main, the tag `audited`."""

    snapshots: dict[int, Snapshot]
    main: int
    tag: int

    def rows(self, snapshot: int) -> list[Any]:
        return [row for file in self.snapshots[snapshot].files for row in file.rows]

    def new_rows(self, since: int, snapshot: int) -> list[Any]:
        known = set(self.snapshots[since].files)
        return [row for file in self.snapshots[snapshot].files if file not in known for row in file.rows]


def fold(stream: str, records: Iterable[Record], keys: int) -> dict[tuple[int, int], Row]:
    """Aggregate records into partial rows by window and key."""
    rows: dict[tuple[int, int], Row] = {}
    for record in records:
        merge(rows, Row(stream, record.window_end, record.identity % keys, 1, record.payload, record.payload))
    return rows


def merge(rows: dict[tuple[int, int], Row], row: Row) -> None:
    """Fold one row into those with its window and key."""
    key = (row.window_end, row.key)
    if known := rows.get(key):
        row = Row(row.stream, *key, known.n + row.n, known.total + row.total, max(known.greatest, row.greatest))
    rows[key] = row


@dataclass(slots=True)
class Opened:
    """A journal as one cycle sees it."""

    since: int
    snapshot: int
    rows: list[Record]
    frontier: StreamFrontier
    is_confused: bool
    duplicates: dict[tuple[int, int], Duplicate] = field(default_factory=dict)
    explained: list[tuple[int, int]] = field(default_factory=list)
    lost: set[tuple[str, int, int]] = field(default_factory=set)


def folded(rows: Iterable[Row]) -> dict[tuple[int, int], Row]:
    """Rows folded by window and key."""
    rows_by_key: dict[tuple[int, int], Row] = {}
    for row in rows:
        merge(rows_by_key, row)
    return rows_by_key


def key_in(frontier: StreamFrontier, row: Record) -> int:
    """Key of a row's partition in the epoch that it belongs to by its append time."""
    return key_of(sum(epoch.begun_ms <= row.appended for epoch in frontier.epochs[1:]), row.partition)


class Catalog:
    """What is stored: it outlives every audit process."""

    def __init__(self, streams: Mapping[str, int]) -> None:
        """Streams with their number of partitions."""
        self.streams = tuple(streams)
        names = [*map(journal_of, streams), *map(partial_of, KEYS), *map(audit_of, KEYS), *map(duplicates_of, streams), QUARANTINE]
        self.tables = {name: Table({i: Snapshot(0, 0, ())}, i, i) for i, name in enumerate(names, 1)}
        self._ids = len(names)
        self.logs: dict[str, list[list[Record]]] = {stream: [[] for _ in range(n)] for stream, n in streams.items()}
        targets = {name: table.main for name, table in self.tables.items()}
        frontiers = {
            stream: StreamFrontier(
                {p: Position(0, 0) for p in range(n)},
                {name: WindowFrontier(-1, -1, dict.fromkeys(range(n), 0)) for name in KEYS},
                epochs=(Epoch(-1, f"{stream}.v1", "0"),),
            )
            for stream, n in streams.items()
        }
        self.recorded = [Publication(0, frontiers, targets, targets)]
        self.ops: set[int] = set()
        self.starts: dict[str, list[int]] = {stream: [0] * n for stream, n in streams.items()}
        self.lost: set[tuple[str, int, int]] = set()
        self.epochs = dict.fromkeys(streams, 0)
        self.past: dict[tuple[str, int], list[list[Record]]] = {}
        self.joined: dict[tuple[str, int], int] = {}
        self.on_tag_move: Callable[[], None] = lambda: None

    def log(self, stream: str, key: int) -> list[Record]:
        """What was ever appended to a partition of an epoch."""
        logs = self.logs[stream] if epoch_of(key) == self.epochs[stream] else self.past[stream, epoch_of(key)]
        return logs[partition_of(key)]

    def begin_anew(self, stream: str) -> None:
        """Delete the topic of a stream and create it again."""
        self.past[stream, self.epochs[stream]] = self.logs[stream]
        self.logs[stream] = [[] for _ in self.logs[stream]]
        self.starts[stream] = [0] * len(self.logs[stream])
        self.epochs[stream] += 1

    def commit(self, name: str, files: tuple[File, ...], now_ms: int) -> int:
        """Append files to main."""
        table = self.tables[name]
        return self._add(table, table.snapshots[table.main].files + files, now_ms)

    def overwrite(self, name: str, removed: set[File], added: File, now_ms: int) -> int:
        """Replace files of main by another one."""
        table = self.tables[name]
        kept = tuple(file for file in table.snapshots[table.main].files if file not in removed)
        return self._add(table, (*kept, added), now_ms)

    def _add(self, table: Table, files: tuple[File, ...], now_ms: int) -> int:
        self._ids += 1
        table.snapshots[self._ids] = Snapshot(table.main, now_ms, files)
        table.main = self._ids
        return self._ids
