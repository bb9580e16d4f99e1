"""A seeded world around the audit: producers, a broker whose clock steps back, Flink with checkpoints, commits late, lost or twice."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from contracts.datasets import journal_of, partial_of
from pipelines.audit.decisions.cycle import BITE, Auditor, CycleReport
from pipelines.audit.publication import UNEXPLAINED, key_of
from tests.pipelines.audit.simulation.catalog import KEYS, WINDOW, Catalog, File, Record, Row, merge
from tests.pipelines.audit.simulation.readers import Readers
from tests.pipelines.audit.simulation.rival import Killed, Rival
from tests.pipelines.audit.simulation.simulated_lake import SimulatedLake


@dataclass(slots=True)
class Source:
    """Flink's state for one stream: positions, append times reached since it started, open windows per partial table."""

    positions: list[int]
    reached: list[int]
    watermark: int = -1
    epoch: int = 0
    windows: dict[str, dict[tuple[int, int], Row]] = field(default_factory=lambda: {name: {} for name in KEYS})

    def copy(self) -> "Source":
        windows = {name: dict(rows) for name, rows in self.windows.items()}
        return Source(list(self.positions), list(self.reached), self.watermark, self.epoch, windows)


@dataclass(frozen=True, slots=True)
class Committable:
    """Rows of one checkpoint for one table."""

    checkpoint: int
    file: File


class Flink:
    """The intake job. Windows close when every partition has reached their end; rows below the watermark are journaled only."""

    def __init__(self, random: Random, catalog: Catalog) -> None:
        """Starts at the first offsets."""
        self._random = random
        self._catalog = catalog
        self.sources = {s: Source([0] * len(logs), [-1] * len(logs)) for s, logs in catalog.logs.items()}
        self._number = 0
        self._watermarks = dict.fromkeys(self.sources, -1)
        self._checkpoints = [(0, self._copies())]
        self.pending: dict[str, list[Committable]] = {name: [] for name in catalog.tables if name.startswith(("journal", "partials"))}
        self.miscounts = False

    def checkpoint(self, *, reads_all: bool = False) -> None:
        """Read some records of every partition, close windows, and leave one committable per table."""
        self._number += 1
        closed: dict[str, list[Row]] = {name: [] for name in KEYS}
        for stream, source in self.sources.items():
            journal: list[Record] = []
            for _ in range(1 if reads_all else 2):
                for p in self._random.sample(range(len(source.positions)), len(source.positions)):
                    journal += self._read(stream, source, p, 1000 if reads_all else self._random.randrange(9))
                self._close(source, closed)
            self._watermarks[stream] = max(self._watermarks[stream], source.watermark)
            self._leave(journal_of(stream), tuple(journal))
        for name, rows in closed.items():
            self._leave(partial_of(name), tuple(rows))
        self._checkpoints = [*self._checkpoints[-3:], (self._number, self._copies())]

    def restart(self, *, adopts_partitions: bool, age: int = 0, keeps_watermark: bool = True, keeps_pending: bool = True) -> None:
        """Go back to the checkpoint `age` before the last one; what later checkpoints left is committed after all, or never."""
        age = min(age, len(self._checkpoints) - 1)
        self._checkpoints = self._checkpoints[: len(self._checkpoints) - age]
        number, restored = self._checkpoints[-1]
        self.sources = {stream: source.copy() for stream, source in restored.items()}
        if not keeps_pending:
            for name, left in self.pending.items():
                self.pending[name] = [committable for committable in left if committable.checkpoint <= number]
        for stream, source in self.sources.items():
            if not keeps_watermark:
                source.watermark = -1
                source.reached = [-1] * len(source.reached)
            added = len(self._catalog.logs[stream]) - len(source.positions)
            if adopts_partitions and added:
                self._catalog.joined[stream, len(source.positions)] = self._watermarks[stream]
                source.positions += [0] * added
                source.reached += [-1] * added
                self._checkpoints = [(number, self._copies())]

    def notice_new_log(self) -> None:
        """The supervision starts the job again where a new log starts; what it has counted of the old one is not emitted."""
        for stream, source in self.sources.items():
            if source.epoch != self._catalog.epochs[stream]:
                source.epoch = self._catalog.epochs[stream]
                source.positions = [0] * len(source.positions)
                source.reached = [-1] * len(source.reached)
                source.watermark = self._watermarks[stream]
                source.windows = {name: {} for name in KEYS}
                for partition in range(len(source.positions)):
                    self._catalog.joined[stream, key_of(source.epoch, partition)] = source.watermark
                self._checkpoints = [(self._number, self._copies())]

    def commit(self, name: str, now_ms: int, *, twice: bool = False) -> None:
        """Append the oldest committable of a table, if it left one; `twice`: and leave it to be committed again."""
        if not self.pending[name]:
            return
        committable = self.pending[name].pop(0)
        self._catalog.commit(name, (committable.file,), now_ms)
        if twice:
            self.pending[name].insert(0, Committable(committable.checkpoint, File(committable.file.rows)))

    def _copies(self) -> dict[str, Source]:
        return {stream: source.copy() for stream, source in self.sources.items()}

    def _read(self, stream: str, source: Source, partition: int, limit: int) -> list[Record]:
        start = max(source.positions[partition], self._catalog.starts[stream][partition])
        if start > len(self._catalog.logs[stream][partition]):
            # Its offset is out of range: a consumer of another log, which begins with this one.
            start = self._catalog.starts[stream][partition]
        records = self._catalog.logs[stream][partition][start : start + limit]
        source.positions[partition] = start + len(records)
        journal = [record for record in records if record.kind == "valid"]
        for record in journal:
            source.reached[partition] = max(source.reached[partition], record.appended)
            if record.window_end - 1 > source.watermark:
                for name, keys in KEYS.items():
                    key = record.identity % keys
                    merge(source.windows[name], Row(stream, record.window_end, key, 1, record.payload, record.payload))
        return journal

    def _close(self, source: Source, closed: dict[str, list[Row]]) -> None:
        source.watermark = max(source.watermark, min(source.reached) - 1)
        for name, rows in source.windows.items():
            for key in [key for key in rows if key[0] - 1 <= source.watermark]:
                row = rows.pop(key)
                if self.miscounts and row.stream == "a" and not self._random.randrange(12):
                    row, self.miscounts = row._replace(n=row.n + 1, total=row.total + 1), False
                closed[name].append(row)

    def _leave(self, name: str, rows: tuple[Record | Row, ...]) -> None:
        if rows:
            self.pending[name].append(Committable(self._number, File(rows)))


class World:
    """Everything, from one seed. `turn` lets the world and one audit cycle run; in every step of the cycle the world goes on."""

    def __init__(self, seed: int, *, obeys_visible_from: bool = True) -> None:
        """The seed also decides which kinds of fault this world has."""
        random = self.random = Random(seed)
        self.steps_back = random.random() < 0.6
        self.goes_back = random.random() < 0.5
        self.has_storm = random.random() < 0.2
        self.has_two_audits = random.random() < 0.4
        self.refuses = random.random() < 0.06
        self.miscounts = random.random() < 0.08
        self.adds_partition = random.random() < 0.06
        self.expires = random.random() < 0.1
        self.fails = random.random() < 0.12
        self.failing = 0.2
        self.begins_anew = random.random() < 0.15
        self.steps_back &= not self.begins_anew
        self.adds_partition &= not self.begins_anew
        self.expires &= not self.begins_anew
        self.has_bug = self.refuses or self.miscounts or self.expires
        self.is_calm = not (self.steps_back or self.goes_back or self.adds_partition or self.begins_anew or self.has_bug or self.fails)
        self.catalog = Catalog({"a": random.choice((1, 2, 2)), "b": random.choice((1, 2))})
        self.flink = Flink(random, self.catalog)
        self.flink.miscounts = self.miscounts
        self.readers = Readers(self.catalog, obeys_visible_from=obeys_visible_from)
        self.catalog.on_tag_move = self.readers.observe
        self.clock = 0
        self.skew = 0
        self.late_ms = 0
        self.is_quiet = False
        self._identities: dict[str, list[tuple[int, int]]] = {"a": [], "b": []}
        self._steps_left: int | None = None
        self._rival: Rival | None = None
        self._patience_ms = random.choice((15, 60))
        self.bite = random.choice((6, 12, BITE, BITE))
        self.audit = self._start()

    @property
    def now_ms(self) -> int:
        """The audit's clock, which is not the broker's."""
        return self.clock + self.late_ms

    def turn(self) -> CycleReport | None:
        """Some events, then one cycle, which may be killed: None."""
        for _ in range(self.random.randrange(3, 14)):
            self.happen()
        self._steps_left = self.random.randrange(1, 60) if self.random.random() < 0.35 else None
        try:
            return self.audit.run(self.now_ms)
        except Killed:
            self.audit = self._start()
            return None
        finally:
            self._steps_left = None

    def settle(self, release: frozenset[str] = frozenset()) -> CycleReport:
        """Faults and input have stopped; canaries go on and everything that was left is committed; one cycle until it ends well."""
        self.is_quiet = True
        if self._rival:
            self._rival.kill()
        self.skew = 0
        self.clock += WINDOW + 3
        self.late_ms += 1000
        for stream, logs in self.catalog.logs.items():
            for partition in range(len(logs)):
                self._append(stream, partition, "valid")
        self.flink.notice_new_log()
        self.flink.checkpoint(reads_all=True)
        for name, left in self.flink.pending.items():
            for _ in range(len(left)):
                self.flink.commit(name, self.now_ms)
        report = self.audit.run(self.now_ms, release)
        for _ in range(40):
            if report.outcome in ("idle", "waiting") or (report.outcome == "published" and not self._goes_on()):
                break
            report = self.audit.run(self.now_ms, release)
        return report

    def _goes_on(self) -> bool:
        last, tables = self.catalog.recorded[-1], self.catalog.tables
        is_explaining = any(frontier.hold and frontier.hold.reason == UNEXPLAINED for frontier in last.streams.values())
        return is_explaining or any(last.targets[name] != tables[name].main for name in tables if name.startswith(("journal", "partials")))

    def happen(self) -> None:
        """One event somewhere outside the audit."""
        random = self.random
        draw = random.random()
        if draw < 0.30:
            self._produce()
        elif draw < 0.42:
            self._beat()
        elif draw < 0.60:
            self.flink.checkpoint()
        elif draw < 0.94:
            names = [name for name, left in self.flink.pending.items() if left]
            if names:
                self.flink.commit(random.choice(names), self.now_ms, twice=random.random() < 0.05)
        elif draw < 0.965:
            self._trouble_log(draw)
        elif draw < 0.975:
            is_late = self.goes_back and random.random() < 0.5
            self.flink.restart(
                adopts_partitions=random.random() < 0.5,
                age=random.randrange(1, 4) if is_late else 0,
                keeps_watermark=random.random() < 0.5,
                keeps_pending=not is_late or random.random() < 0.5,
            )
        elif self.steps_back:
            self.skew = -random.randrange(25) if self.skew == 0 else 0
        elif self.adds_partition:
            self.catalog.logs["a"].append([])
            self.catalog.starts["a"].append(0)
            self.adds_partition = False

    def _trouble_log(self, draw: float) -> None:
        """The topic of stream a is deleted and created again, or loses its oldest records; the supervision looks at topics."""
        random, source = self.random, self.flink.sources["a"]
        is_noticed = self.catalog.recorded[-1].streams["a"].epoch == self.catalog.epochs["a"]
        if draw < 0.95 and self.begins_anew and is_noticed and self.clock > 20:
            self.clock += 1
            self.catalog.begin_anew("a")
            self.begins_anew = random.random() < 0.3
        elif draw < 0.955:
            self.flink.notice_new_log()
        elif self.expires:
            partition = random.randrange(len(self.catalog.logs["a"]))
            position = source.positions[partition] if partition < len(source.positions) else 0
            start = min(len(self.catalog.logs["a"][partition]), position + random.randrange(4))
            self.catalog.starts["a"][partition] = max(self.catalog.starts["a"][partition], start)

    def _start(self, step: Callable[[], None] | None = None) -> Auditor:
        lake = SimulatedLake(self.catalog, step or self._step, lambda: self.now_ms, self._is_failing)
        return Auditor(lake, budget=self.random.randrange(1, 5), patience_ms=self._patience_ms, bite=self.bite)

    def _is_failing(self, stream: str) -> bool:
        """Calls about one stream fail now and then, until faults end."""
        return self.fails and stream == "a" and not self.is_quiet and self.random.random() < self.failing

    def _step(self) -> None:
        if self.is_quiet:
            return
        if self._steps_left is not None:
            self._steps_left -= 1
            if self._steps_left < 0:
                raise Killed
        draw = self.random.random()
        if draw < 0.12:
            self.happen()
        elif draw > 0.96 and self.has_two_audits:
            self._wake_rival()

    def _wake_rival(self) -> None:
        """A second audit makes some steps, or dies, while the first one stands still."""
        if self._rival is None or self._rival.is_over:
            self._rival = Rival(self._run_rival)
        if self.random.random() < 0.1:
            self._rival.kill()
        else:
            self._rival.resume(self.random.choice((1, 2, 5, 20, 60)))

    def _run_rival(self, step: Callable[[], None]) -> None:
        audit = self._start(step)
        for _ in range(3):
            audit.run(self.now_ms)

    def _produce(self) -> None:
        stream = self.random.choice("ab")
        self.clock += self.random.randrange(4)
        for _ in range(self.random.randrange(1, 4)):
            partition = self.random.randrange(len(self.catalog.logs[stream]))
            draw = self.random.random()
            bad = 0.8 if self.has_storm and stream == "a" and 30 < self.clock < 60 else 0.08
            kind = "bad" if draw < bad else "absent" if draw > 0.96 else "valid"
            if kind == "valid" and self.refuses and stream == "a" and self.clock > 20:
                kind, self.refuses = "refused", False
            self._append(stream, partition, kind, may_repeat=True)

    def _beat(self) -> None:
        self.clock += self.random.randrange(1, 8)
        for stream, logs in self.catalog.logs.items():
            for partition in range(len(logs)):
                self._append(stream, partition, "valid")

    def _append(self, stream: str, partition: int, kind: str, *, may_repeat: bool = False) -> None:
        random, log, known = self.random, self.catalog.logs[stream][partition], self._identities[stream]
        if may_repeat and known and random.random() < 0.15:
            identity, payload = random.choice(known)
            payload = payload if random.random() < 0.8 else random.randrange(1 << 30)
        else:
            identity, payload = len(known), random.randrange(1 << 30)
            known.append((identity, payload))
        log.append(Record(partition, len(log), kind, identity, payload, max(0, self.clock + self.skew), self.catalog.epochs[stream]))
