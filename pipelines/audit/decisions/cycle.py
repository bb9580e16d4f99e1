"""One cycle of the audit, written once for the engines and for the simulation: recover, cut, judge, stage, record, move the tags."""

import functools
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from contracts.datasets import QUARANTINE, audit_of, duplicates_of, journal_of, partial_of
from pipelines.audit.decisions import cut, verdict
from pipelines.audit.decisions.judgement import Case, Finding, hold_failed, judge_stream
from pipelines.audit.decisions.lake import Changes, Conflict, Lake, Log, StreamFailure, TagMove
from pipelines.audit.decisions.logs import acknowledged, begun_anew, is_another, watch
from pipelines.audit.decisions.opening import Opening, open_stream
from pipelines.audit.decisions.partial_cuts import PartialCut, PartialCuts, Reach
from pipelines.audit.incidents import changed, continued
from pipelines.audit.publication import REPAIRING, Epoch, Publication, StreamFrontier, StreamReport, key_of

BUDGET = 20_000
BITE = 300_000
MOST_BITES = 8
"""So many bites of one journal are opened at once where windows cannot be told right from wrong by fewer; then they are wrong."""
PATIENCE_MS = 60_000

Outcome = Literal["idle", "waiting", "published", "conflict"]


@dataclass(frozen=True, slots=True)
class CycleReport:
    """What a cycle did.

    idle: nothing new was committed. waiting: nothing could be published yet. conflict: another process committed first.
    `publication` is the last recorded one, None after a conflict; holds, positions and counts per stream are in it. `repaired`:
    streams from whose journals double commits were removed.
    """

    outcome: Outcome
    publication: Publication | None
    repaired: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Judged:
    """What one cycle has found out: the journals as opened, the partial snapshots to publish, each stream's case and finding."""

    opened: Mapping[str, Opening]
    chosen: Mapping[str, PartialCut]
    cases: Mapping[str, Case]
    findings: dict[str, Finding]


def audit_written(lake: Lake) -> tuple[str, ...]:
    """Tables in which a dead cycle may have left rows."""
    return (*map(audit_of, lake.partials), *map(duplicates_of, lake.streams), QUARANTINE)


def tag_order(lake: Lake) -> tuple[str, ...]:
    """The order in which tags move: what hides or adds rows before what is hidden. Views name tables the other way round."""
    return (*audit_written(lake), *_flink_written(lake)[::-1])


class Auditor:
    """Runs cycles. It remembers between them only what spares work; everything that matters is in the last publication.

    `budget`: offsets read again per stream and cycle. `patience_ms`: how long a stream whose journal lags may keep the others
    from publishing, counted from the commit of the oldest partial snapshot that waits. `bite`: rows of a table after which no
    further commit is opened in the same cycle, so that a backlog is published piece by piece.
    """

    def __init__(self, lake: Lake, budget: int = BUDGET, patience_ms: int = PATIENCE_MS, bite: int = BITE) -> None:
        """Touches nothing; the first cycle recovers."""
        self._lake = lake
        self._budget = budget
        self._patience_ms = patience_ms
        self._bite = bite
        self._settled: int | None = None
        self._seen: Mapping[str, int] = {}
        self._journaled: dict[str, Mapping[int, int]] = {}
        self._bites: dict[str, int] = {}
        self._logs: dict[str, Log] = {}

    def run(self, now_ms: int, release: frozenset[str] = frozenset()) -> CycleReport:
        """One cycle; may be killed anywhere and repeated.

        Streams in `release` are judged now, what cannot be explained is taken from the journal, and their incidents are closed. Whatever the
        lake raises except Conflict and StreamFailure passes through; the next cycle then recovers first.
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
        self._roll_back(published)
        self._lake.write_ops(published)
        self._seen = {}
        return published

    def _roll_back(self, published: Publication) -> None:
        for table in audit_written(self._lake):
            head = self._lake.head(table)
            if head != published.targets[table]:
                self._lake.rollback(table, head, published.targets[table])

    def _advance(self, published: Publication, now_ms: int, release: frozenset[str]) -> CycleReport:
        heads = {table: self._lake.head(table) for table in _flink_written(self._lake)}
        due = tuple(stream for stream, frontier in published.streams.items() if stream in release or verdict.is_due(frontier.hold, now_ms))
        logs = self._lake.logs()
        begun = replace(published, streams={stream: self._begin(stream, frontier, logs.get(stream), now_ms) for stream, frontier in published.streams.items()})
        is_new = heads != self._seen or begun != published or any(published.streams[stream].hold for stream in due)
        cuts = PartialCuts(self._lake, published, heads, self._bite)
        opened, failures = self._open(begun, heads, due if is_new else (), cuts)
        frontiers = {stream: self._watch(stream, frontier, logs.get(stream), now_ms, release) for stream, frontier in begun.streams.items()}
        if not is_new and frontiers == published.streams:
            return CycleReport("idle", published)
        if not is_new:
            opened, failures = self._open(begun, heads, due, cuts)
        repaired = tuple(stream for stream, opening in opened.items() if opening.is_repaired)
        bitten = frozenset(stream for stream, opening in opened.items() if not opening.is_whole)
        reached = {s: cut.least_reach(_listed(logs, frontiers[s], s), frontiers[s].positions, opening.offsets) for s, opening in opened.items()}
        reach = Reach(reached, bitten)
        if cuts.may_catch_up(reach, now_ms):
            return CycleReport("waiting", published, repaired)
        chosen = cuts.choose(reach, now_ms, self._patience_ms)
        for name, partial in chosen.items():
            self._lake.open_partials(name, published.targets[partial_of(name)], partial.snapshot)
        cases = {
            stream: Case(
                stream=stream,
                frontier=frontier,
                spans={name: partial.spans[stream] for name, partial in chosen.items() if stream in partial.spans},
                offsets=opened[stream].offsets if stream in opened else None,
                reach_ms=reach.ms.get(stream, -1),
                now_ms=now_ms,
                budget=self._budget,
                is_released=stream in release,
                is_whole=stream not in bitten,
                is_conclusive=stream not in bitten or self._bites.get(stream, 1) >= MOST_BITES,
                failure=failures.get(stream),
            )
            for stream, frontier in frontiers.items()
        }
        findings = {stream: judge_stream(self._lake, case) for stream, case in cases.items()}
        self._remember(findings)
        following = self._publication(published, Judged(opened, chosen, cases, findings))
        self._seen = {} if bitten or cuts.are_bitten else heads
        if following is None:
            return CycleReport("waiting", published, repaired)
        self._publish(following)
        return CycleReport("published", following, repaired)

    def _begin(self, stream: str, frontier: StreamFrontier, log: Log | None, now_ms: int) -> StreamFrontier:
        """The frontier, in a new epoch when the log is another one than its positions are about."""
        if log is None:
            return frontier
        if not frontier.epochs:
            return replace(frontier, epochs=(Epoch(-1, log.topic, log.topic_id),))
        # What was seen a moment ago may be older than what is published.
        if is_another(frontier, log) and is_another(frontier, log := self._lake.logs(fresh=True).get(stream, log)):
            ask = self._lake
            return begun_anew(
                frontier,
                log,
                self._logs.get(stream),
                now_ms=now_ms,
                window_ms=ask.window_ms,
                appended_at=functools.partial(ask.appended_at, stream),
                offsets_since=functools.partial(ask.offsets_since, stream),
            )
        self._logs[stream] = log
        return frontier

    def _watch(self, stream: str, frontier: StreamFrontier, log: Log | None, now_ms: int, release: frozenset[str]) -> StreamFrontier:
        """The frontier with the incidents that are open now; those of a released stream are acknowledged."""
        before = acknowledged(frontier) if stream in release else frontier
        return watch(before, log, self._journaled.get(stream), now_ms, functools.partial(self._lake.appended_at, stream))

    def _open(
        self, published: Publication, heads: Mapping[str, int], due: tuple[str, ...], cuts: PartialCuts
    ) -> tuple[Mapping[str, Opening], Mapping[str, StreamFailure]]:
        """The journals of the streams that are due, and what kept the others from being opened."""
        opened: dict[str, Opening] = {}
        failures: dict[str, StreamFailure] = {}
        for stream in due:
            self._journaled.pop(stream, None)
            try:
                opened[stream] = open_stream(self._lake, published, stream, heads[journal_of(stream)], self._rows_due(published, stream, cuts))
                self._require_same_log(stream, published.streams[stream], opened[stream])
            except StreamFailure as failure:
                opened.pop(stream, None)
                failures[stream] = failure
            else:
                if opened[stream].is_whole:
                    self._journaled[stream] = {p: found.high + 1 for p, found in opened[stream].offsets.items()}
        return opened, failures

    def _require_same_log(self, stream: str, frontier: StreamFrontier, opening: Opening) -> None:
        """A repaired journal has rows that were committed after the logs were looked at."""
        log = self._lake.logs(fresh=True).get(stream) if opening.is_repaired else None
        if log and frontier.epochs and is_another(frontier, log):
            raise StreamFailure(stream, "the log began anew while the journal was repaired", REPAIRING)

    def _rows_due(self, published: Publication, stream: str, cuts: PartialCuts) -> int:
        """How many rows to open: none of a stream that is far ahead of its windows, unless they wait for it."""
        frontier = published.streams[stream]
        rows = self._bite * self._bites.get(stream, 1)
        if frontier.hold or self._lake.carried(stream) < rows:
            return rows
        reach_ms = {stream: cut.least_reach(_listed(self._lake.logs(), frontier, stream), frontier.positions, {})}
        return rows if any(cuts.lagging_first(name, reach_ms) for name in self._lake.partials) else 0

    def _remember(self, findings: Mapping[str, Finding]) -> None:
        for stream, finding in findings.items():
            if finding.is_published:
                self._bites.pop(stream, None)
            elif finding.needs_more:
                self._bites[stream] = min(2 * self._bites.get(stream, 1), MOST_BITES)

    def _publication(self, published: Publication, judged: Judged) -> Publication | None:
        """What follows from the findings, staged. A stream whose rows cannot be made is held, and everything staged anew."""
        targets = dict(published.targets)
        for name, partial in judged.chosen.items():
            targets[partial_of(name)] = partial.snapshot
        for stream, finding in judged.findings.items():
            if finding.is_published:
                targets[journal_of(stream)] = judged.opened[stream].snapshot
        streams = {stream: continued(published.streams[stream], finding.frontier) for stream, finding in judged.findings.items()}
        if targets == published.targets and streams == published.streams:
            return None
        cycle = published.cycle + 1
        try:
            self._stage(cycle, targets, judged.chosen, judged.findings)
        except StreamFailure as failure:
            if not judged.findings[failure.stream].is_published:
                raise
            self._roll_back(published)
            judged.findings[failure.stream] = hold_failed(self._lake, judged.cases[failure.stream], failure)
            return self._publication(published, judged)
        reports = {stream: _reported(finding, published.streams[stream]) for stream, finding in judged.findings.items()}
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
        moves = [TagMove(table, before[table], targets[table]) for table in tag_order(self._lake) if before[table] != targets[table]]
        own = frozenset(audit_written(self._lake))
        for is_own, group in itertools.groupby(moves, key=lambda move: move.table in own):
            for together in [tuple(group)] if is_own else [(move,) for move in group]:
                self._lake.move_tags(together)


def _flink_written(lake: Lake) -> tuple[str, ...]:
    """Partials first: a journal looked at after them is rarely behind them."""
    return (*(partial_of(name) for name in lake.partials), *(journal_of(stream) for stream in lake.streams))


def _listed(logs: Mapping[str, Log], frontier: StreamFrontier, stream: str) -> tuple[int, ...]:
    """Keys of the partitions as the broker lists them; where the topic does not exist, of those that are known."""
    return tuple(key_of(frontier.epoch, partition) for partition in (logs[stream].ends if stream in logs else frontier.current))


def _reported(finding: Finding, before: StreamFrontier) -> StreamReport:
    opened, closed = changed(before, finding.frontier)
    return replace(finding.report, opened=opened, closed=closed)


def _has_rows(changes: Changes | None) -> bool:
    return changes is not None and bool(changes.adjust or changes.replace or changes.restore or changes.supplement or changes.hold)
