"""What the audit needs from the world, in summaries: rows stay inside the implementation.

One implementation stands on Iceberg, DuckDB and Kafka, one in the simulation. Every method may be called again with the same
arguments. A crash between two calls leaves at most rows that no tag names, and the next cycle rolls those back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from contracts.errors import DaybookError, TransientError
from pipelines.audit.publication import FAILED, Place, Publication, StreamFrontier, UndeclaredKey, WindowFrontier


class Conflict(TransientError):  # noqa: N818 - an answer of the catalog, not an error of ours
    """Another process committed first: nothing was changed; end this cycle, the next one reads the world anew."""


class StreamFailure(DaybookError):  # noqa: N818 - an answer about one stream: the cycle goes on
    """One stream could not be judged; no other is concerned. The message is one sentence of what was met, `reason` that of the hold."""

    def __init__(self, stream: str, detail: str, reason: str = FAILED) -> None:
        super().__init__(detail)
        self.stream = stream
        self.detail = detail
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Commit:
    """One snapshot of a table's main branch: when it was committed, epoch ms, how many rows it added, whether it took the place of files."""

    snapshot: int
    committed_ms: int
    rows: int
    is_repair: bool = False


@dataclass(frozen=True, slots=True)
class TagMove:
    """The tag `audited` of a table goes from one snapshot to another."""

    table: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Span:
    """The least and the greatest window end of one stream's rows, epoch ms."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Offsets:
    """New journal rows of one key.

    How many, how many distinct offsets, how many rows to be dropped as double commits, the greatest offset (position - 1 when
    there is none), the greatest append time (epoch ms, -1 when there is none), and how many rows came where everything is published.
    """

    rows: int
    distinct: int
    repeated: int
    high: int
    reach_ms: int
    strays: int = 0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Offsets `first` to `last` of a key, both included."""

    key: int
    first: int
    last: int

    @property
    def size(self) -> int:
        """How many offsets."""
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Log:
    """A topic as the broker has it: per partition the first offset that is kept and the one after the last.

    `retention_ms`: how long records are kept, -1 without a limit.
    """

    topic: str
    topic_id: str
    starts: Mapping[int, int]
    ends: Mapping[int, int]
    retention_ms: int = -1


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the broker says about offsets that the journal lacks; counts per key.

    Every gap below `through` (next offset per key) is one of: quarantined, absent (transaction marker, compacted), refused
    (valid for the validator, yet not journaled: a bug of the decoder, or lost rows) or lost (below the log's start, or in a log that is
    no more: nobody knows).
    """

    through: Mapping[int, int]
    quarantined: Mapping[int, int] = field(default_factory=dict)
    absent: Mapping[int, int] = field(default_factory=dict)
    refused: Mapping[int, int] = field(default_factory=dict)
    lost: tuple[Stretch, ...] = ()


@dataclass(frozen=True, slots=True)
class DuplicateCount:
    """New deliveries of identities seen before, and how many of them carry another payload."""

    repeats: int
    conflicting: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Flink's rows of one window against the recomputation from every journaled delivery of it, duplicates included.

    `equal_raw`: the same rows once folded by key. `doubled`: not so, but Flink's rows without repetition are the same.
    `has_duplicates`: a delivery in it is a duplicate. `has_clashes`: one of these has another payload than the delivery that
    counts, or that one is in a window past those compared. `has_late`: some delivery's partition already had, at an earlier offset,
    an append time at or past the window's end, so that Flink may have dropped it. `overflowed`: sums that outgrow 64 bits in it.
    `equal_otherwise`: the same rows but for those.
    """

    window_end: int
    equal_raw: bool
    doubled: bool
    has_duplicates: bool
    has_clashes: bool
    has_late: bool
    overflowed: tuple[str, ...] = ()
    equal_otherwise: bool = False


@dataclass(frozen=True, slots=True)
class Changes:
    """Rows to append to an audit table for one stream; window ends in epoch ms.

    All carry `visible_from`. `adjust`: what the duplicates of these windows added, negated; what is not additive is NULL there, since
    the same payload twice changes nothing of it. `replace`: rows recomputed from the journal without duplicates, never of a window that
    is adjusted. `restore`: rows as the published
    partial snapshot has them, for published windows that Flink committed again; supplements and adjustments of such a window stay
    valid, which is why it is not recomputed. Both become kind replacement, with a marker row when a window has none. `supplement`: next offset
    per partition; new journal rows from there on, appended before `supplement_before`, without duplicates. `hold`: one held marker
    for each of these windows.
    """

    visible_from: int
    adjust: tuple[int, ...] = ()
    replace: tuple[int, ...] = ()
    restore: tuple[int, ...] = ()
    supplement: Mapping[int, int] | None = None
    supplement_before: int = -1
    hold: tuple[int, ...] = ()


class Lake(Protocol):
    """The tables, the catalog and the broker as one cycle sees them.

    A cycle first opens each journal (`open_journal`) and each partial table (`open_partials`) at one snapshot; the questions after
    that are about what is open. Opened state, explained gaps and found duplicates live until the next `open_journal` of the
    stream; none of it survives the process, and none of it has to.
    """

    @property
    def streams(self) -> tuple[str, ...]:
        """Names of the streams, in a fixed order."""

    @property
    def window_ms(self) -> int:
        """Length of the windows of the partial tables."""

    @property
    def partials(self) -> tuple[str, ...]:
        """Short names of the partial tables, in a fixed order."""

    @property
    def reshaped(self) -> frozenset[str]:
        """Tables of the audit that got columns since they were published; a commit, even of no rows, shows readers the columns."""

    # --- the record of what is published ---------------------------------------------------------------------------------------

    def published(self) -> Publication:
        """The last recorded publication.

        Before the first one: cycle 0, positions and `counted` at offset 0, no windows (-1), as `targets` the first,
        empty snapshot of every table, which `apply` creates and tags.
        """

    def record(self, publication: Publication) -> None:
        """Make `publication` the last one, in one atomic commit, if the last one has the cycle number before it.

        Raises Conflict if not, and when something else than its own is deployed. When the answer is lost on the way the caller
        ends its cycle and `published` tells.
        """

    def write_ops(self, publication: Publication) -> None:
        """Write reconciliation, audits and dataset status of a publication, unless rows of its cycle are there already."""

    # --- snapshots and tags ----------------------------------------------------------------------------------------------------

    def head(self, table: str) -> int:
        """Snapshot id of the main branch."""

    def move_tags(self, moves: tuple[TagMove, ...]) -> None:
        """Point `audited` of each table to `after` if it is at `before`; nothing to do if it is at `after`; else Conflict.

        In this order, and a reader may see any of them before the next one. Several at once only of tables that nobody else commits to.
        """

    def rollback(self, table: str, head: int, to: int) -> None:
        """Set main of a table that only the audit writes from `head` to `to`, which need not be an ancestor; Conflict if main is elsewhere."""

    def commits(self, table: str, since: int) -> tuple[Commit, ...]:
        """Snapshots of main after `since`, oldest first."""

    # --- reading ---------------------------------------------------------------------------------------------------------------

    def logs(self, *, fresh: bool = False) -> Mapping[str, Log]:
        """The topic of each stream, as it was a few seconds ago, or `fresh`; a stream whose topic does not exist is left out."""

    def offsets_since(self, stream: str, moment_ms: int) -> Mapping[int, int]:
        """First offset per partition that was appended at or after a moment, epoch ms; the end where there is none."""

    def appended_at(self, stream: str, partition: int, offset: int) -> int | None:
        """Append time, epoch ms, of the first record at or past an offset; None when there is none."""

    def open_journal(self, stream: str, since: int, snapshot: int, frontier: StreamFrontier) -> Mapping[int, Offsets]:
        """Open the rows of data files that `snapshot` has and `since` has not; summary per key with such rows.

        `frontier` has the epochs, which give each row its key by its append time, and the positions. Rows below them which merely
        moved to another file (a rewrite) are no news: all of the summary except `repeated` and `strays` is about rows at or past them.
        `repeated` counts rows that must go: copies beyond the first of a row in `snapshot`, published files included, and rows
        quarantined before. `strays` are rows below the position that are neither.
        """

    def window_spans(self, table: str, since: int, snapshot: int) -> Mapping[str, Span]:
        """Per stream with rows in data files that `snapshot` of a partial table has and `since` has not, their window ends."""

    def open_partials(self, name: str, since: int, snapshot: int) -> None:
        """Open the new rows of one partial table for `reopened`, `compare` and `stage_rows`."""

    def explain(self, stream: str, after: Mapping[int, int], budget: int) -> Explanation:
        """Read again, lowest first, at most `budget` missing offsets below each partition's `high` and at or past `after`.

        Those below the log's start cost nothing. Keeps the quarantine rows for `stage_quarantine`. With budget left over, `through` is
        `high` + 1 in every partition.
        """

    def carried(self, stream: str) -> int:
        """How many published rows of the stream this process keeps because their windows are not published."""

    def drop_double_commits(self, stream: str) -> int:
        """Overwrite the journal's head so that the opened files have one copy of each record; the snapshot of that commit.

        Of a record with a copy in a file of the tagged snapshot that copy stays; never drop a row for being below the frontier: the
        file with its other copy may be gone from the head. Rows that Flink committed meanwhile are in the new snapshot too, and
        may need another repair. Conflict if another commit came between.
        """

    def misread(self, stream: str, again: tuple[Place, ...]) -> tuple[Place, ...]:
        """Which deliveries of a sample of the new ones differ from their records, read again from the broker.

        Those at `again` are part of the sample, and stay among the answer unless they are right or gone from the journal.
        """

    def find_duplicates(self, stream: str) -> DuplicateCount:
        """Mark the new deliveries of identities that are published, or that come earlier among the new rows.

        Earlier by (appended_at, partition, offset). Kept for `late_rows`, `compare` and the staging.
        """

    def undeclared_keys(self, stream: str) -> tuple[UndeclaredKey, ...]:
        """What the new deliveries have that their contract does not know, counted; a bounded number of entries."""

    def late_rows(self, stream: str, counted: Mapping[int, int], before: int) -> int:
        """Journal rows of the opened snapshot at or past `counted` (next offset per partition) appended before `before`, without duplicates.

        `counted` may lie below the stream's positions: facts are published more often than windows.
        """

    def compare(self, name: str, stream: str, since: WindowFrontier, through: int, seam_ms: int) -> tuple[Comparison, ...]:
        """Every window with an end in (since.proved, through] that has rows of the stream in the opened partials or journal, in order.

        Such rows may be in files that are tagged already, on both sides. A delivery also counts as late when its partition joined
        the stream after the window was closed: Flink meets a new partition behind the watermark. One that is not in `since.counted`
        has certainly joined after the windows published before. So does one of a window up to `seam_ms`.
        """

    def reopened(self, name: str, stream: str, through: int) -> tuple[int, ...]:
        """Window ends up to `through` that the new partial rows contain again and no published replacement or held row hides."""

    # --- staging: appended to main, invisible until the tags move -----------------------------------------------------------------

    def stage_rows(self, name: str, parent: int, cycle: int, changes: Mapping[str, Changes]) -> int:
        """Append adjustment, replacement, supplement and held rows per stream to `audit_of(name)` in one commit; its new head.

        Conflict if its head is not `parent`: never retry on top of another head, it may carry rows of another process.
        """

    def stage_duplicates(self, stream: str, parent: int, cycle: int, *, found: bool) -> int:
        """Append the duplicates found in a stream, none of them if not `found`, to `duplicates_of(stream)`; its new head. Conflict as in `stage_rows`."""

    def stage_quarantine(self, parent: int, cycle: int, streams: tuple[str, ...]) -> int:
        """Append the quarantine rows explained in these streams to QUARANTINE; its new head. Conflict as in `stage_rows`.

        Refused records too: the cycle stages those of a released stream only.
        """
