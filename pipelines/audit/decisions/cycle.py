"""One cycle of the audit, written once for the engines and for the simulation: recover, cut, judge, stage, record, move the tags."""

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from contracts.datasets import QUARANTINE, audit_of, duplicates_of, journal_of, partial_of
from pipelines.audit.decisions import cut, verdict
from pipelines.audit.decisions.judgement import Case, Finding, judge_stream
from pipelines.audit.decisions.lake import Changes, Commit, Conflict, Lake, Log, Offsets, Span, TagMove
from pipelines.audit.decisions.logs import watch
from pipelines.audit.incidents import changed, continued
from pipelines.audit.publication import Publication, StreamFrontier, StreamReport

BUDGET = 20_000
PATIENCE_MS = 60_000
GRACE_MS = 3_000
"""How long the others wait for a held stream that is due again: its journal is often committed a moment after the partials."""

Outcome = Literal["idle", "waiting", "repaired", "published", "conflict"]


@dataclass(frozen=True, slots=True)
class CycleReport:
    """What a cycle did.

    idle: nothing new was committed. waiting: nothing could be published yet. repaired: double commits were removed from the
    journals of `repaired`, run the next cycle at once. conflict: another process committed first. `publication` is the last
    recorded one, None after a conflict; holds, positions and counts per stream are in it.
    """

    outcome: Outcome
    publication: Publication | None
    repaired: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PartialCut:
    """The snapshot of one partial table to be judged, and each stream's new windows in it."""

    snapshot: int
    spans: Mapping[str, Span]


def audit_written(lake: Lake) -> tuple[str, ...]:
    """Tables in which a dead cycle may have left rows."""
    return (*map(audit_of, lake.partials), *map(duplicates_of, lake.streams), QUARANTINE)


def tag_order(lake: Lake) -> tuple[str, ...]:
    """The order in which tags move: what hides or adds rows before what is hidden. Views name tables the other way round."""
    return (*audit_written(lake), *_flink_written(lake)[::-1])


class Auditor:
    """Runs cycles. It remembers between them only what spares work; everything that matters is in the last publication.

    `budget`: offsets read again per stream and cycle. `patience_ms`: how long a stream whose journal lags may keep the others
    from publishing, counted from the commit of the oldest partial snapshot that waits.
    """

    def __init__(self, lake: Lake, budget: int = BUDGET, patience_ms: int = PATIENCE_MS) -> None:
        """Touches nothing; the first cycle recovers."""
        self._lake = lake
        self._budget = budget
        self._patience_ms = patience_ms
        self._settled: int | None = None
        self._seen: Mapping[str, int] = {}
        self._journaled: dict[str, Mapping[int, int]] = {}

    def run(self, now_ms: int, release: frozenset[str] = frozenset()) -> CycleReport:
        """One cycle; may be killed anywhere and repeated.

        Streams in `release` are judged now, what cannot be explained is taken from the journal, and their incidents are closed. Whatever the lake raises
        except Conflict passes through; the next cycle then recovers first.
        """
        settled, self._settled = self._settled, None
        try:
            published = self._recover(settled)
            report = self._advance(published, now_ms, release)
        except Conflict:
            return CycleReport("conflict", None)
        self._settled = report.publication.cycle if report.publication else None
        return report

    def _recover(self, settled: int | None) -> Publication:
        published = self._lake.published()
        if published.cycle == settled:
            return published
        self._move_tags(published)
        for table in audit_written(self._lake):
            head = self._lake.head(table)
            if head != published.targets[table]:
                self._lake.rollback(table, head, published.targets[table])
        self._lake.write_ops(published)
        self._seen = {}
        return published

    def _advance(self, published: Publication, now_ms: int, release: frozenset[str]) -> CycleReport:
        heads = {table: self._lake.head(table) for table in _flink_written(self._lake)}
        due = tuple(stream for stream, frontier in published.streams.items() if stream in release or verdict.is_due(frontier.hold, now_ms))
        is_new = heads != self._seen or any(published.streams[stream].hold for stream in due)
        opened = {stream: self._open_journal(published, heads, stream) for stream in due if is_new}
        logs = self._lake.logs()
        frontiers = {stream: self._watch(stream, frontier, logs.get(stream), now_ms, release) for stream, frontier in published.streams.items()}
        if not is_new and frontiers == published.streams:
            return CycleReport("idle", published)
        opened = opened or {stream: self._open_journal(published, heads, stream) for stream in due}
        repaired = tuple(stream for stream in due if any(offsets.repeated for offsets in opened[stream].values()))
        for stream in repaired:
            self._lake.drop_double_commits(stream)
        if repaired:
            return CycleReport("repaired", published, repaired)
        reach = {stream: cut.least_reach(_listed(logs, frontiers, stream), frontiers[stream].positions, offsets) for stream, offsets in opened.items()}
        if self._may_catch_up(published, heads, reach, now_ms):
            return CycleReport("waiting", published)
        chosen, findings = self._judge(replace(published, streams=frontiers), logs, heads, opened, reach, now_ms=now_ms, release=release)
        following = self._publication(published, heads, chosen, findings)
        self._seen = heads
        if following is None:
            return CycleReport("waiting", published)
        self._publish(following)
        return CycleReport("published", following)

    def _open_journal(self, published: Publication, heads: Mapping[str, int], stream: str) -> Mapping[int, Offsets]:
        table = journal_of(stream)
        positions = {p: position.next_offset for p, position in published.streams[stream].positions.items()}
        offsets = self._lake.open_journal(stream, published.targets[table], heads[table], positions)
        self._journaled[stream] = {p: found.high + 1 for p, found in offsets.items()}
        return offsets

    def _watch(self, stream: str, frontier: StreamFrontier, log: Log | None, now_ms: int, release: frozenset[str]) -> StreamFrontier:
        """The frontier with the incidents that are open now; those of a released stream are acknowledged."""
        before = replace(frontier, incidents=()) if stream in release else frontier
        return watch(before, log, self._journaled.get(stream), now_ms, functools.partial(self._lake.appended_at, stream))

    def _judge(
        self,
        published: Publication,
        logs: Mapping[str, Log],
        heads: Mapping[str, int],
        opened: Mapping[str, Mapping[int, Offsets]],
        reach: Mapping[str, int],
        *,
        now_ms: int,
        release: frozenset[str],
    ) -> tuple[Mapping[str, PartialCut], Mapping[str, Finding]]:
        chosen = self._choose(published, heads, reach, now_ms)
        for name, partial in chosen.items():
            self._lake.open_partials(name, published.targets[partial_of(name)], partial.snapshot)
        return chosen, {
            stream: judge_stream(
                self._lake,
                Case(
                    stream=stream,
                    frontier=frontier,
                    spans={name: partial.spans[stream] for name, partial in chosen.items() if stream in partial.spans},
                    offsets=opened.get(stream),
                    log=logs.get(stream),
                    reach_ms=reach.get(stream, -1),
                    now_ms=now_ms,
                    budget=self._budget,
                    is_released=stream in release,
                ),
            )
            for stream, frontier in published.streams.items()
        }

    def _may_catch_up(self, published: Publication, heads: Mapping[str, int], reach: Mapping[str, int], now_ms: int) -> bool:
        """True when a held stream lags behind a partial snapshot that was committed only now."""
        held = {stream: at for stream, at in reach.items() if published.streams[stream].hold}
        for name in self._lake.partials if held else ():
            table = partial_of(name)
            waiting = self._waiting(table, published.targets[table], heads[table])
            if waiting and now_ms - waiting[-1].committed_ms < GRACE_MS and cut.lagging(self._spans(published, name, waiting[-1]), held):
                return True
        return False

    def _choose(self, published: Publication, heads: Mapping[str, int], reach: Mapping[str, int], now_ms: int) -> Mapping[str, PartialCut]:
        """The newest snapshot per partial table that every journal is past; without the held ones, and those that block for too long."""
        held = {stream for stream in reach if published.streams[stream].hold}
        free = {stream: at for stream, at in reach.items() if stream not in held}
        chosen: dict[str, PartialCut] = {}
        blocking: set[str] = set()
        for name in self._lake.partials:
            table = partial_of(name)
            waiting = self._waiting(table, published.targets[table], heads[table])
            found = (held and self._walk_back(published, name, waiting, reach)) or self._walk_back(published, name, waiting, free)
            if found:
                chosen[name] = found
            elif waiting and now_ms - waiting[0].committed_ms >= self._patience_ms:
                blocking |= self._blocking(published, name, waiting, free)
        if not blocking:
            return chosen
        return self._choose(published, heads, {stream: at for stream, at in reach.items() if stream not in blocking}, now_ms)

    def _waiting(self, table: str, tagged: int, head: int) -> tuple[Commit, ...]:
        """Commits to a partial table after the tagged one, through the head as this cycle saw it."""
        if head == tagged:
            return ()
        commits = self._lake.commits(table, tagged)
        return commits[: [commit.snapshot for commit in commits].index(head) + 1]

    def _walk_back(self, published: Publication, name: str, waiting: tuple[Commit, ...], reach: Mapping[str, int]) -> PartialCut | None:
        for commit in reversed(waiting):
            spans = self._spans(published, name, commit)
            if cut.has_grown(spans, name, published.streams) and not cut.lagging(spans, reach):
                return PartialCut(commit.snapshot, spans)
        return None

    def _blocking(self, published: Publication, name: str, waiting: tuple[Commit, ...], reach: Mapping[str, int]) -> frozenset[str]:
        """Streams without which the oldest snapshot with newer windows would fit."""
        for commit in waiting:
            spans = self._spans(published, name, commit)
            if cut.has_grown(spans, name, published.streams):
                return cut.lagging(spans, reach)
        return frozenset()

    def _spans(self, published: Publication, name: str, commit: Commit) -> Mapping[str, Span]:
        table = partial_of(name)
        return self._lake.window_spans(table, published.targets[table], commit.snapshot)

    def _publication(
        self,
        published: Publication,
        heads: Mapping[str, int],
        chosen: Mapping[str, PartialCut],
        findings: Mapping[str, Finding],
    ) -> Publication | None:
        targets = dict(published.targets)
        for name, partial in chosen.items():
            targets[partial_of(name)] = partial.snapshot
        for stream, finding in findings.items():
            if finding.is_published:
                targets[journal_of(stream)] = heads[journal_of(stream)]
        streams = {stream: continued(published.streams[stream], finding.frontier) for stream, finding in findings.items()}
        if targets == published.targets and streams == published.streams:
            return None
        cycle = published.cycle + 1
        self._stage(cycle, targets, chosen, findings)
        reports = {stream: _reported(finding, published.streams[stream]) for stream, finding in findings.items()}
        return replace(published, cycle=cycle, streams=streams, targets=targets, before=published.targets, reports=reports)

    def _stage(self, cycle: int, targets: dict[str, int], chosen: Mapping[str, PartialCut], findings: Mapping[str, Finding]) -> None:
        reshaped = self._lake.reshaped
        for name in chosen:
            changes = {stream: finding.changes[name] for stream, finding in findings.items() if _has_rows(finding.changes.get(name))}
            if changes or audit_of(name) in reshaped:
                targets[audit_of(name)] = self._lake.stage_rows(name, targets[audit_of(name)], cycle, changes)
        for stream, finding in findings.items():
            table = duplicates_of(stream)
            found = finding.is_published and finding.report.duplicates > 0
            if found or table in reshaped:
                targets[table] = self._lake.stage_duplicates(stream, targets[table], cycle, found=found)
        explained = tuple(s for s, finding in findings.items() if finding.report.quarantined)
        if explained or QUARANTINE in reshaped:
            targets[QUARANTINE] = self._lake.stage_quarantine(targets[QUARANTINE], cycle, explained)

    def _publish(self, publication: Publication) -> None:
        self._lake.record(publication)
        self._move_tags(publication)
        self._lake.write_ops(publication)

    def _move_tags(self, publication: Publication) -> None:
        before, targets = publication.before, publication.targets
        moves = tuple(TagMove(table, before[table], targets[table]) for table in tag_order(self._lake) if before[table] != targets[table])
        if moves:
            self._lake.move_tags(moves)


def _flink_written(lake: Lake) -> tuple[str, ...]:
    """Partials first: a journal looked at after them is rarely behind them."""
    return (*(partial_of(name) for name in lake.partials), *(journal_of(stream) for stream in lake.streams))


def _listed(logs: Mapping[str, Log], frontiers: Mapping[str, StreamFrontier], stream: str) -> tuple[int, ...]:
    """Partitions as the broker lists them; where the topic does not exist, those that are known."""
    return tuple(logs[stream].ends if stream in logs else frontiers[stream].positions)


def _reported(finding: Finding, before: StreamFrontier) -> StreamReport:
    opened, closed = changed(before, finding.frontier)
    return replace(finding.report, opened=opened, closed=closed)


def _has_rows(changes: Changes | None) -> bool:
    return changes is not None and bool(changes.adjust or changes.replace or changes.restore or changes.supplement or changes.hold)
