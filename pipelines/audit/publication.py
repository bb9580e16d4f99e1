"""What the audit has proved so far: one value, kept as JSON beside the completeness rows and read back after a crash."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pipelines.audit.incidents import Incident

UNEXPLAINED = "unexplained"
BEHIND = "behind"
REFUSED = "refused"
MISREAD = "misread"
MISMATCH = "mismatch"
MISCOUNTED = "miscounted"
FAILED = "failed"
STRAY = "stray"
REPAIRING = "repairing"
CATCHING_UP = "catching_up"
INCIDENTS = frozenset({BEHIND, REFUSED, MISREAD, MISMATCH, MISCOUNTED, STRAY, FAILED})

OTHER_KEYS = "*"

Place = tuple[int, int]
"""Key and offset of a record."""

RECORD = "daybook.publication"
"""Property of COMPLETENESS that holds the last publication."""
CYCLE = "daybook.cycle"
"""Property of DATASET_STATUS that names the cycle whose status it holds; set after the tags have moved."""
STATUS = "daybook.status"
"""Property of DATASET_STATUS: its rows as a JSON array, times in epoch ms."""


PARTITIONS = 2**14
"""A place in a stream is a key and an offset: partition p of the stream's epoch e has the key e * PARTITIONS + p, so that offsets of a
topic that begins anew are those of other partitions."""


def key_of(epoch: int, partition: int) -> int:
    """Key of a partition in an epoch."""
    return epoch * PARTITIONS + partition


def partition_of(key: int) -> int:
    """Partition as the broker numbers it."""
    return key % PARTITIONS


def epoch_of(key: int) -> int:
    """Number of the epoch."""
    return key // PARTITIONS


@dataclass(frozen=True, slots=True)
class Epoch:
    """One log of a stream: rows of `topic` appended at or after `begun_ms` (epoch ms) are from it, until the next one of that name begins.

    Of the first log of a name they are whenever they were appended: two topics may be written to at the same time.

    `ends`: where the log before it was known to end, offset per key: what of that was never journaled is lost with it.
    """

    begun_ms: int
    topic: str
    topic_id: str
    ends: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Position:
    """How far one partition of a stream is proved.

    Offsets below `next_offset` are published: each is journaled, quarantined, absent or lost. Gaps below `explained` (>= `next_offset`)
    are explained and quarantined already, though the stream waits for the rest: `quarantined`, `absent` and `lost` count them.
    `reach_ms` is the greatest append time among the published rows, epoch ms, -1 before the first.
    """

    next_offset: int
    explained: int
    reach_ms: int = -1
    quarantined: int = 0
    absent: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """Offsets of one key that a publication added, and what became of them; each number is counted for itself."""

    key: int
    first_offset: int
    next_offset: int
    journaled: int
    quarantined: int
    absent: int
    lost: int

    @property
    def is_balanced(self) -> bool:
        """True when the parts add up to the range."""
        return self.journaled + self.quarantined + self.absent + self.lost == self.next_offset - self.first_offset


@dataclass(frozen=True, slots=True)
class WindowFrontier:
    """How far the windows of one stream are published in one partial table; window ends in epoch ms, -1 before the first.

    Windows up to `proved` are counted for readers. Windows in (`proved`, `passed`] are in the tagged snapshot but hidden by held
    rows, because the stream is held; `passed` is the greatest window end of the stream in that snapshot. `counted` is the next
    offset per partition up to which journal rows appended before `proved` are in the numbers: later ones need a supplement.
    """

    proved: int
    passed: int
    counted: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a stream is not published, or not all of its windows are: since when, and when it is judged again (epoch ms).

    `detail`: one sentence of what was found. `places`: the records that were misread; they are read again until they are right,
    whatever else holds the stream meanwhile.
    """

    reason: str
    since_ms: int
    retry_ms: int
    detail: str = ""
    places: tuple[Place, ...] = ()

    @property
    def is_incident(self) -> bool:
        """A bounded cycle goes on with the next one; everything else is somebody's work."""
        return self.reason in INCIDENTS


@dataclass(frozen=True, slots=True)
class StreamFrontier:
    """The published state of one stream: position per key, windows per partial table (short name), hold or None, open incidents, epochs.

    `seam_ms`: end of the newest window that two deployments have shared, epoch ms, -1 without one. The older one journaled a part of
    its rows, the newer one counted all of them, so that a difference there is no surprise. `repeats`: published deliveries that do not
    count, `conflicting` of them with another payload, since the first publication.
    """

    positions: Mapping[int, Position]
    windows: Mapping[str, WindowFrontier]
    hold: Hold | None = None
    seam_ms: int = -1
    repeats: int = 0
    conflicting: int = 0
    incidents: tuple[Incident, ...] = ()
    epochs: tuple[Epoch, ...] = ()

    @property
    def epoch(self) -> int:
        """Number of the current epoch."""
        return max(len(self.epochs) - 1, 0)

    @property
    def current(self) -> Mapping[int, Position]:
        """Positions of the current epoch, by partition."""
        return {partition_of(key): position for key, position in self.positions.items() if epoch_of(key) == self.epoch}


@dataclass(frozen=True, slots=True)
class UndeclaredKey:
    """How many records of a source and an event type had a key that the event type does not carry.

    `key` OTHER_KEYS, with neither source nor event type, stands for all that are not told apart.
    """

    source: str | None
    event_type: str | None
    key: str
    records: int


@dataclass(frozen=True, slots=True)
class StreamReport:
    """What one cycle found in one stream: counts of rows, and of windows per partial table and verdict.

    `accounts`: of the partitions whose position moved. `opened`, `closed`: incidents. `undeclared`: of the rows that it published.
    """

    rows: int = 0
    duplicates: int = 0
    conflicting: int = 0
    quarantined: int = 0
    absent: int = 0
    lost: int = 0
    refused: int = 0
    windows: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    supplemented: Mapping[str, int] = field(default_factory=dict)
    accounts: tuple[Account, ...] = ()
    opened: tuple[Incident, ...] = ()
    closed: tuple[Incident, ...] = ()
    undeclared: tuple[UndeclaredKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Publication:
    """One published state, and the intent to publish it: recorded atomically after the appends and before the tags move.

    `targets` names for every table the snapshot its tag `audited` moves to, `before` the one it moves from. For a table that the
    audit writes, the target is also the head its main branch must have: anything else there is the work of a dead cycle.
    `sources` and `statements` name the deployment whose rows were judged (`pipelines.intake.deployed.Deployed`); `removed` is the state of
    streams that it has no more, for the day they come back.
    """

    cycle: int
    streams: Mapping[str, StreamFrontier]
    targets: Mapping[str, int]
    before: Mapping[str, int]
    reports: Mapping[str, StreamReport] = field(default_factory=dict)
    removed: Mapping[str, StreamFrontier] = field(default_factory=dict)
    sources: str = ""
    statements: str = ""

    def to_json(self) -> str:
        """Lossless, sorted, one line."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Publication":
        """The inverse of `to_json`; KeyError or TypeError when the text is not one of ours."""
        value = json.loads(text)
        return cls(
            cycle=value["cycle"],
            streams={name: _stream(stream) for name, stream in value["streams"].items()},
            targets=value["targets"],
            before=value["before"],
            reports={name: _report(report) for name, report in value["reports"].items()},
            removed={name: _stream(stream) for name, stream in value["removed"].items()},
            sources=value["sources"],
            statements=value["statements"],
        )


def facts_through(frontier: StreamFrontier) -> int | None:
    """J: append time (epoch ms) up to which every partition's facts are published."""
    reached = [position.reach_ms for position in frontier.current.values()]
    return min(reached) if reached and min(reached) >= 0 else None


def kpis_through(frontier: StreamFrontier) -> int | None:
    """W: window end (epoch ms) up to which every partial table's numbers are published."""
    proved = [windows.proved for windows in frontier.windows.values()]
    return min(proved) if proved and min(proved) >= 0 else None


def _stream(value: Mapping[str, Any]) -> StreamFrontier:
    return StreamFrontier(
        positions={int(partition): Position(**position) for partition, position in value["positions"].items()},
        windows={table: _windows(windows) for table, windows in value["windows"].items()},
        hold=_hold(value["hold"]) if value["hold"] else None,
        seam_ms=value["seam_ms"],
        repeats=value["repeats"],
        conflicting=value["conflicting"],
        incidents=_incidents(value["incidents"]),
        epochs=tuple(Epoch(**{**epoch, "ends": {int(key): end for key, end in epoch["ends"].items()}}) for epoch in value["epochs"]),
    )


def _hold(value: Mapping[str, Any]) -> Hold:
    return Hold(**{**value, "places": tuple((partition, offset) for partition, offset in value["places"])})


def _report(value: Mapping[str, Any]) -> StreamReport:
    accounts = tuple(Account(**account) for account in value["accounts"])
    undeclared = tuple(UndeclaredKey(**one) for one in value.get("undeclared", ()))
    found = {"accounts": accounts, "opened": _incidents(value["opened"]), "closed": _incidents(value["closed"]), "undeclared": undeclared}
    return StreamReport(**{**value, **found})


def _incidents(values: Iterable[Mapping[str, Any]]) -> tuple[Incident, ...]:
    return tuple(Incident(**value) for value in values)


def _windows(value: Mapping[str, Any]) -> WindowFrontier:
    counted = {int(partition): offset for partition, offset in value["counted"].items()}
    return WindowFrontier(value["proved"], value["passed"], counted)
