"""`Lake` over the simulated catalog; every call is a step in which the world goes on, or the audit dies."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from contracts.datasets import QUARANTINE, audit_of, duplicates_of, journal_of, partial_of
from pipelines.audit.decisions.lake import (
    Changes,
    Commit,
    Comparison,
    Conflict,
    DuplicateCount,
    Explanation,
    Log,
    Offsets,
    Span,
    StreamFailure,
    Stretch,
    TagMove,
)
from pipelines.audit.publication import Place, Position, Publication, StreamFrontier, UndeclaredKey, WindowFrontier, key_of
from tests.pipelines.audit.simulation.catalog import (
    HIDING,
    KEYS,
    WINDOW,
    Catalog,
    Coordinates,
    Duplicate,
    File,
    Opened,
    Record,
    Row,
    fold,
    folded,
    key_in,
)


class SimulatedLake:
    """One audit process's view of the catalog. `step` is called before every call and after every change."""

    def __init__(self, catalog: Catalog, step: Callable[[], None], clock: Callable[[], int], fails: Callable[[str], bool] = lambda _: False) -> None:
        """`step` may change the catalog or raise to kill the process; `fails` is asked at every call about one stream."""
        self._fails = fails
        self._catalog = catalog
        self._tables = catalog.tables
        self._step = step
        self._clock = clock
        self._open: dict[str, Opened] = {}
        self._partials: dict[str, tuple[int, int]] = {}
        self.streams = catalog.streams
        self.partials = tuple(KEYS)
        self.window_ms = WINDOW
        # As if columns had been added between the first publication and the second.
        self._reshaped = {*map(audit_of, KEYS), *map(duplicates_of, self.streams), QUARANTINE} if len(catalog.recorded) == 2 else set[str]()

    @property
    def reshaped(self) -> frozenset[str]:
        return frozenset(self._reshaped)

    def published(self) -> Publication:
        self._step()
        return self._catalog.recorded[-1]

    def record(self, publication: Publication) -> None:
        self._step()
        self._require_cycle(publication.cycle - 1)
        moved = [stream for stream in self.streams if publication.before[journal_of(stream)] != publication.targets[journal_of(stream)]]
        assert not [stream for stream in moved if self._open[stream].is_confused], "an epoch that is not what was read"
        self._catalog.lost |= self._newly_lost(publication)
        self._catalog.recorded.append(publication if publication.cycle > 1 else Publication.from_json(publication.to_json()))
        self._catalog.on_tag_move()
        self._step()

    def write_ops(self, publication: Publication) -> None:
        self._step()
        self._catalog.ops.add(publication.cycle)

    def head(self, table: str) -> int:
        self._step()
        return self._tables[table].main

    def move_tags(self, moves: tuple[TagMove, ...]) -> None:
        for move in moves:
            self._step()
            self._require_tag(move.table, (move.before, move.after))
            self._tables[move.table].tag = move.after
            self._catalog.on_tag_move()
            self._step()

    def rollback(self, table: str, head: int, to: int) -> None:
        self._step()
        self._require_head(table, head)
        self._tables[table].main = to
        self._step()

    def commits(self, table: str, since: int) -> tuple[Commit, ...]:
        self._step()
        found = self._tables[table]
        commits, snapshot = [], found.main
        while snapshot != since:
            here = found.snapshots[snapshot]
            added = sum(len(file.rows) for file in here.files if file not in found.snapshots[here.parent].files)
            is_repair = not set(found.snapshots[here.parent].files) <= set(here.files)
            commits.append(Commit(snapshot, here.committed_ms, added, is_repair))
            snapshot = here.parent
        return tuple(reversed(commits))

    def logs(self, *, fresh: bool = False) -> Mapping[str, Log]:
        del fresh
        self._step()
        return {stream: self._log(stream) for stream in self.streams}

    def appended_at(self, stream: str, partition: int, offset: int) -> int | None:
        self._step()
        first = max(offset, self._catalog.starts[stream][partition])
        return next((record.appended for record in self._catalog.logs[stream][partition][first:]), None)

    def offsets_since(self, stream: str, moment_ms: int) -> Mapping[int, int]:
        self._step()
        logs = enumerate(self._catalog.logs[stream])
        return {p: next((record.offset for record in log if record.appended >= moment_ms), len(log)) for p, log in logs}

    def open_journal(self, stream: str, since: int, snapshot: int, frontier: StreamFrontier) -> Mapping[int, Offsets]:
        self._step_in(stream)
        journal = self._tables[journal_of(stream)]
        found: list[Record] = journal.new_rows(since, snapshot)
        positions = {key: position.next_offset for key, position in frontier.positions.items()}
        rows = [row for row in found if row.offset >= positions.get(row.key, 0)]
        self._open[stream] = Opened(since, snapshot, rows, frontier, is_confused=any(row.key != key_in(frontier, row) for row in found))
        extra = self._extra(stream, journal.rows(snapshot))
        summary: dict[int, list[Record]] = {row.key: [] for row in found}
        for row in rows:
            summary[row.key].append(row)
        return {
            p: Offsets(
                rows=len(new),
                distinct=len({row.offset for row in new}),
                repeated=sum(row.key == p for row in extra),
                high=max((row.offset for row in new), default=positions.get(p, 0) - 1),
                reach_ms=max((row.appended for row in new), default=-1),
            )
            for p, new in summary.items()
        }

    def window_spans(self, table: str, since: int, snapshot: int) -> Mapping[str, Span]:
        self._step()
        ends: dict[str, list[int]] = {}
        for row in self._tables[table].new_rows(since, snapshot):
            ends.setdefault(row.stream, []).append(row.window_end)
        return {stream: Span(min(found), max(found)) for stream, found in ends.items()}

    def open_partials(self, name: str, since: int, snapshot: int) -> None:
        self._step()
        self._partials[name] = (since, snapshot)

    def explain(self, stream: str, after: Mapping[int, int], budget: int) -> Explanation:
        self._step_in(stream)
        opened = self._open[stream]
        present = {(row.key, row.offset) for row in opened.rows}
        highs = {p: max(row.offset for row in opened.rows if row.key == p) for p in {row.key for row in opened.rows}}
        starts = {key_of(self._catalog.epochs[stream], p): start for p, start in enumerate(self._catalog.starts[stream])}
        through = dict(after)
        counts: dict[str, Counter[int]] = {kind: Counter() for kind in ("bad", "absent", "refused", "valid")}
        lost: list[Stretch] = []
        for p, high in sorted(highs.items()):
            for offset in range(after.get(p, 0), high + 1):
                if (p, offset) not in present and offset < starts.get(p, high):
                    lost.append(Stretch(p, offset, offset))
                    opened.lost.add((stream, p, offset))
                elif (p, offset) not in present:
                    if sum(each.total() for each in counts.values()) == budget:
                        break
                    kind = self._catalog.log(stream, p)[offset].kind
                    counts[kind][p] += 1
                    if kind != "absent":
                        opened.explained.append((p, offset))
                through[p] = offset + 1
        return Explanation(through, counts["bad"], counts["absent"], counts["refused"] + counts["valid"], tuple(lost))

    def carried(self, stream: str) -> int:
        self._step()
        last = self._catalog.recorded[-1]
        floor = min(windows.proved for windows in last.streams[stream].windows.values())
        return sum(row.appended >= floor for row in self._tables[journal_of(stream)].rows(last.targets[journal_of(stream)]))

    def drop_double_commits(self, stream: str) -> int:
        self._step_in(stream)
        name = journal_of(stream)
        table = self._tables[name]
        if not {*table.snapshots[self._open[stream].snapshot].files} <= {*table.snapshots[table.main].files}:
            # What it would replace has been replaced.
            raise Conflict
        published = set(table.snapshots[table.tag].files)
        files = [file for file in table.snapshots[table.main].files if file not in published]
        standing: list[Any] = [row for file in table.snapshots[table.main].files if file in published for row in file.rows]
        seen = self._quarantined(stream) | {(row.key, row.offset) for row in standing}
        rows: list[Any] = [row for file in files for row in file.rows]
        kept: list[Any] = []
        for row in rows:
            place = (row.key, row.offset)
            if place not in seen:
                kept.append(row)
            seen.add(place)
        repaired = self._catalog.overwrite(name, set(files), File(tuple(kept)), self._clock())
        self._step()
        return repaired

    def misread(self, stream: str, again: tuple[Place, ...]) -> tuple[Place, ...]:
        """Nothing is ever decoded wrongly here; what a finding does is tested in `test_judgement.py`."""
        self._step_in(stream)
        return again

    def find_duplicates(self, stream: str) -> DuplicateCount:
        self._step_in(stream)
        opened = self._open[stream]
        journal = self._tables[journal_of(stream)]
        winners = {row.identity: row for row in journal.rows(opened.since)}
        hidden = self._published_duplicates(stream)
        for row in journal.rows(opened.since):
            if (row.key, row.offset) not in hidden:
                winners[row.identity] = row
        for row in sorted(opened.rows, key=lambda row: (row.appended, row.partition, row.offset)):
            winner = winners.setdefault(row.identity, row)
            if winner is not row:
                place = winner.key, winner.offset
                opened.duplicates[row.key, row.offset] = Duplicate(stream, row.key, row.offset, place, winner.payload != row.payload)
        return DuplicateCount(len(opened.duplicates), sum(each.conflicting for each in opened.duplicates.values()))

    def undeclared_keys(self, stream: str) -> tuple[UndeclaredKey, ...]:
        """Every event carries what it has here."""
        self._step_in(stream)
        return ()

    def late_rows(self, stream: str, counted: Mapping[int, int], before: int) -> int:
        self._step_in(stream)
        return len(self._late(stream, counted, before))

    def compare(self, name: str, stream: str, since: WindowFrontier, through: int, seam_ms: int) -> tuple[Comparison, ...]:
        self._step_in(stream)
        after = since.proved
        table = self._tables[partial_of(name)]
        rows = [row for row in table.rows(self._partials[name][1]) if row.stream == stream and after < row.window_end <= through]
        records = [row for row in self._journaled(stream) if after < row.window_end <= through]
        duplicates = self._duplicates(stream)
        later = {(row.key, row.offset) for row in self._journaled(stream) if row.window_end > through}
        repeated = {row.window_end for row in records if (row.key, row.offset) in duplicates}
        clashing = {row.window_end for row in records if (found := duplicates.get((row.key, row.offset))) and (found.conflicting or found.winner in later)}
        comparisons = []
        for end in sorted({row.window_end for row in rows} | {row.window_end for row in records}):
            raw = fold(stream, (row for row in records if row.window_end == end), KEYS[name])
            here = [row for row in rows if row.window_end == end]
            is_equal = folded(here) == raw
            comparisons.append(
                Comparison(
                    end,
                    equal_raw=is_equal,
                    doubled=not is_equal and folded(set(here)) == raw,
                    has_duplicates=end in repeated,
                    has_clashes=end in clashing,
                    has_late=not is_equal and (end in self._late_windows(stream) or end <= seam_ms),
                )
            )
        return tuple(comparisons)

    def reopened(self, name: str, stream: str, through: int) -> tuple[int, ...]:
        self._step()
        since, snapshot = self._partials[name]
        audit = self._tables[audit_of(name)]
        hidden = {row.window_end for row in audit.rows(self._catalog.recorded[-1].targets[audit_of(name)]) if row.stream == stream and row.kind in HIDING}
        rows = self._tables[partial_of(name)].new_rows(since, snapshot)
        ends = {row.window_end for row in rows if row.stream == stream and row.window_end <= through}
        return tuple(sorted(ends - hidden))

    def stage_rows(self, name: str, parent: int, cycle: int, changes: Mapping[str, Changes]) -> int:
        del cycle
        for stream, each in changes.items():
            if each.replace or each.supplement is not None:
                self._step_in(stream)
        rows = [row for stream, each in changes.items() for row in self._rows(name, stream, each)]
        return self._stage(audit_of(name), parent, tuple(rows))

    def stage_duplicates(self, stream: str, parent: int, cycle: int, *, found: bool) -> int:
        del cycle
        rows = tuple(each for _, each in sorted(self._open[stream].duplicates.items())) if found else ()
        return self._stage(duplicates_of(stream), parent, rows)

    def stage_quarantine(self, parent: int, cycle: int, streams: tuple[str, ...]) -> int:
        del cycle
        rows = tuple(Coordinates(stream, *at) for stream in streams for at in self._open[stream].explained)
        return self._stage(QUARANTINE, parent, rows)

    def _log(self, stream: str) -> Log:
        starts, logs = self._catalog.starts[stream], self._catalog.logs[stream]
        return Log(f"{stream}.v1", str(self._catalog.epochs[stream]), dict(enumerate(starts)), {p: len(log) for p, log in enumerate(logs)})

    def _require_cycle(self, cycle: int) -> None:
        if self._catalog.recorded[-1].cycle != cycle:
            raise Conflict

    def _require_head(self, table: str, head: int) -> None:
        if self._tables[table].main != head:
            raise Conflict

    def _require_tag(self, table: str, allowed: tuple[int, ...]) -> None:
        if self._tables[table].tag not in allowed:
            raise Conflict

    def _stage(self, name: str, parent: int, rows: tuple[Row | Coordinates | Duplicate, ...]) -> int:
        self._step()
        self._require_head(name, parent)
        self._reshaped.discard(name)
        head = self._catalog.commit(name, (File(rows),), self._clock())
        self._step()
        return head

    def _rows(self, name: str, stream: str, changes: Changes) -> Iterable[Row]:
        clean = self._deliveries(stream, repeats=False) if changes.replace else []
        repeats = [row for row in self._deliveries(stream, repeats=True) if row.window_end in changes.adjust] if changes.adjust else []
        for row in fold(stream, repeats, KEYS[name]).values():
            yield Row(row.stream, row.window_end, row.key, -row.n, -row.total, 0, "adjustment", changes.visible_from)
        since, _ = self._partials[name]
        table = self._tables[partial_of(name)]
        stood = [row for row in table.rows(since) if row.stream == stream] if changes.restore else []
        for end in changes.replace + changes.restore:
            is_restored = end in changes.restore
            here = (
                [row for row in stood if row.window_end == end]
                if is_restored
                else list(fold(stream, (row for row in clean if row.window_end == end), KEYS[name]).values())
            )
            for row in here or [Row(stream, end, -1, 0, 0, 0)]:
                yield row._replace(kind="replacement", visible_from=changes.visible_from)
        if changes.supplement is not None:
            late = self._late(stream, changes.supplement, changes.supplement_before)
            for row in fold(stream, late, KEYS[name]).values():
                yield row._replace(kind="supplement", visible_from=changes.visible_from)
        for end in changes.hold:
            yield Row(stream, end, -1, 0, 0, 0, "held", changes.visible_from)

    def _journaled(self, stream: str) -> list[Record]:
        return self._tables[journal_of(stream)].rows(self._open[stream].snapshot)

    def _deliveries(self, stream: str, *, repeats: bool) -> list[Record]:
        duplicates = self._duplicates(stream)
        return [row for row in self._journaled(stream) if ((row.key, row.offset) in duplicates) == repeats]

    def _late(self, stream: str, counted: Mapping[int, int], before: int) -> list[Record]:
        return [row for row in self._deliveries(stream, repeats=False) if row.offset >= counted.get(row.key, 0) and row.appended < before]

    def _late_windows(self, stream: str) -> set[int]:
        reached: dict[int, int] = {}
        late: set[int] = set()
        for row in sorted(self._journaled(stream)):
            before = reached.get(row.key, -1)
            joined = self._catalog.joined.get((stream, row.key), -1)
            if max(before, joined + 1) >= row.window_end:
                late.add(row.window_end)
            reached[row.key] = max(before, row.appended)
        return late

    def _published_duplicates(self, stream: str) -> dict[tuple[int, int], Duplicate]:
        name = duplicates_of(stream)
        rows = self._tables[name].rows(self._catalog.recorded[-1].targets[name])
        return {(row.partition, row.offset): row for row in rows if row.stream == stream}

    def _duplicates(self, stream: str) -> dict[tuple[int, int], Duplicate]:
        return self._published_duplicates(stream) | self._open[stream].duplicates

    def _newly_lost(self, publication: Publication) -> set[tuple[str, int, int]]:
        """What was found lost and is explained by this publication, not by one that another audit made meanwhile."""
        before = self._catalog.recorded[-1].streams
        return {
            (stream, key, offset)
            for opened in self._open.values()
            for stream, key, offset in opened.lost
            if before[stream].positions.get(key, Position(0, 0)).explained <= offset < publication.streams[stream].positions[key].explained
        }

    def _quarantined(self, stream: str) -> set[tuple[int, int]]:
        rows = self._tables[QUARANTINE].rows(self._catalog.recorded[-1].targets[QUARANTINE])
        return {(row.partition, row.offset) for row in rows if row.stream == stream}

    def _extra(self, stream: str, rows: Iterable[Record]) -> list[Record]:
        seen = self._quarantined(stream)
        extra = []
        for row in rows:
            if (row.key, row.offset) in seen:
                extra.append(row)
            seen.add((row.key, row.offset))
        return extra

    def _step_in(self, stream: str) -> None:
        self._step()
        if self._fails(stream):
            raise StreamFailure(stream, "made to fail")
