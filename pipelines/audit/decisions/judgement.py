"""Judge one stream in one cycle: explain its missing offsets, find its duplicates, compare its windows, and say what follows."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipelines.audit.decisions import verdict
from pipelines.audit.decisions.cut import is_past
from pipelines.audit.decisions.lake import Changes, Comparison, Explanation, Lake, Log, Offsets, Span
from pipelines.audit.decisions.logs import with_losses
from pipelines.audit.incidents import OVERFLOW, Incident, merged
from pipelines.audit.publication import (
    BEHIND,
    MISCOUNTED,
    MISMATCH,
    MISREAD,
    REFUSED,
    UNEXPLAINED,
    Account,
    Position,
    StreamFrontier,
    StreamReport,
    WindowFrontier,
)


@dataclass(frozen=True, slots=True)
class Case:
    """A stream as the cut shows it.

    `spans`: its new windows per partial table in the cut. `offsets`: its new journal rows per partition, None when the stream is
    held and not yet due again. `log`: its topic, None when that does not exist. `reach_ms`: what its journal reached in every
    partition.
    """

    stream: str
    frontier: StreamFrontier
    spans: Mapping[str, Span]
    offsets: Mapping[int, Offsets] | None
    log: Log | None
    reach_ms: int
    now_ms: int
    budget: int
    is_released: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """The stream's next frontier and the rows that go with it; `is_published` when its journal's tag may move."""

    frontier: StreamFrontier
    changes: Mapping[str, Changes]
    report: StreamReport
    is_published: bool


def judge_stream(lake: Lake, case: Case) -> Finding:
    """Judge a stream whose journal and partials are open; nothing is written."""
    if case.offsets is None:
        return _held(lake, case, case.frontier, StreamReport())
    explained, report, reason = _explain(lake, case, case.offsets)
    accounts = _accounts(explained.positions, case.offsets)
    reason = reason or _not_ready(case) or _miscounted(case, accounts) or _misread(lake, case)
    compared: dict[str, tuple[Comparison, ...]] = {}
    if reason is None:
        found = lake.find_duplicates(case.stream)
        windows = case.frontier.windows
        compared = {name: lake.compare(name, case.stream, windows[name], span.last) for name, span in case.spans.items()}
        report = replace(report, duplicates=found.repeats, conflicting=found.conflicting, windows=_count_verdicts(compared))
        unproved = any(verdict.judge(comparison) == "none" for each in compared.values() for comparison in each)
        reason = MISMATCH if unproved and not case.is_released else None
    if reason is not None:
        hold = verdict.hold_for(reason, case.frontier.hold, case.now_ms)
        return _held(lake, case, replace(explained, hold=hold), report)
    return _published(lake, replace(case, frontier=explained), case.offsets, compared, replace(report, accounts=accounts))


def _explain(lake: Lake, case: Case, offsets: Mapping[int, Offsets]) -> tuple[StreamFrontier, StreamReport, str | None]:
    frontier = replace(case.frontier, positions=_positions(case.frontier, offsets))
    report = StreamReport(rows=sum(found.rows for found in offsets.values()))
    if not any(verdict.count_missing(frontier.positions[p].next_offset, found) for p, found in offsets.items()):
        return frontier, report, None
    found = lake.explain(case.stream, {p: position.explained for p, position in frontier.positions.items()}, case.budget)
    refused = sum(found.refused.values())
    if refused and not case.is_released:
        return frontier, replace(report, refused=refused), REFUSED
    report = replace(
        report,
        quarantined=sum(found.quarantined.values()) + refused,
        absent=sum(found.absent.values()),
        lost=sum(stretch.size for stretch in found.lost),
        refused=refused,
    )
    positions = {p: _explained(p, position, found) for p, position in frontier.positions.items()}
    incidents = with_losses(frontier.incidents, case.log.topic if case.log else case.stream, found.lost, case.now_ms)
    is_complete = all(positions[p].explained > each.high for p, each in offsets.items())
    return replace(frontier, positions=positions, incidents=incidents), report, None if is_complete else UNEXPLAINED


def _explained(partition: int, position: Position, found: Explanation) -> Position:
    return replace(
        position,
        explained=found.through.get(partition, position.explained),
        quarantined=position.quarantined + found.quarantined.get(partition, 0) + found.refused.get(partition, 0),
        absent=position.absent + found.absent.get(partition, 0),
        lost=position.lost + sum(stretch.size for stretch in found.lost if stretch.partition == partition),
    )


def _accounts(positions: Mapping[int, Position], offsets: Mapping[int, Offsets]) -> tuple[Account, ...]:
    return tuple(
        Account(p, position.next_offset, found.high + 1, found.distinct, position.quarantined, position.absent, position.lost)
        for p, position in positions.items()
        if (found := offsets.get(p)) and found.high >= position.next_offset
    )


def _miscounted(case: Case, accounts: tuple[Account, ...]) -> str | None:
    """Every offset is counted once, as what it is; a sum that is wrong is never made right by a number that is derived."""
    return None if case.is_released or all(account.is_balanced for account in accounts) else MISCOUNTED


def _misread(lake: Lake, case: Case) -> str | None:
    return MISREAD if lake.misread(case.stream) and not case.is_released else None


def _not_ready(case: Case) -> str | None:
    """A held stream goes on only together with every table in which it is hidden, past the cut in all of them."""
    hold = case.frontier.hold
    if not all(is_past(case.reach_ms, span.last) for span in case.spans.values()):
        return BEHIND
    hidden = {name for name, windows in case.frontier.windows.items() if windows.proved < windows.passed}
    return hold.reason if hold and not hidden <= case.spans.keys() else None


def _held(lake: Lake, case: Case, frontier: StreamFrontier, report: StreamReport) -> Finding:
    windows = dict(frontier.windows)
    changes: dict[str, Changes] = {}
    for name, span in case.spans.items():
        before = windows[name]
        windows[name] = replace(before, passed=span.last)
        shown = lake.reopened(name, case.stream, span.last)
        changes[name] = Changes(
            span.last,
            restore=tuple(end for end in shown if end <= before.proved),
            hold=tuple(end for end in shown if end > before.proved),
        )
    return Finding(replace(frontier, windows=windows), changes, replace(report, rows=0), is_published=False)


def _published(
    lake: Lake,
    case: Case,
    offsets: Mapping[int, Offsets],
    compared: Mapping[str, tuple[Comparison, ...]],
    report: StreamReport,
) -> Finding:
    positions = {
        p: Position(found.high + 1, found.high + 1, max(found.reach_ms, before.reach_ms)) if (found := offsets.get(p)) else before
        for p, before in _positions(case.frontier, offsets).items()
    }
    windows = dict(case.frontier.windows)
    changes: dict[str, Changes] = {}
    supplemented: dict[str, int] = {}
    for name, span in case.spans.items():
        before = windows[name]
        windows[name] = WindowFrontier(span.last, span.last, {p: position.next_offset for p, position in positions.items()})
        supplemented[name] = lake.late_rows(case.stream, before.counted, before.proved)
        stands = {c.window_end for c in compared[name] if c.window_end > before.passed and verdict.judge(c) in verdict.CORRECT}
        changes[name] = Changes(
            span.last,
            adjust=tuple(c.window_end for c in compared[name] if c.window_end in stands and c.has_duplicates),
            replace=tuple(c.window_end for c in compared[name] if c.window_end not in stands),
            restore=lake.reopened(name, case.stream, before.proved),
            supplement=before.counted if supplemented[name] else None,
            supplement_before=before.proved,
        )
    frontier = replace(
        case.frontier,
        positions=positions,
        windows=windows,
        hold=None,
        repeats=case.frontier.repeats + report.duplicates,
        conflicting=case.frontier.conflicting + report.conflicting,
        incidents=merged(case.frontier.incidents, _overflows(compared, case.now_ms)),
    )
    return Finding(frontier, changes, replace(report, supplemented=supplemented), is_published=True)


def _overflows(compared: Mapping[str, tuple[Comparison, ...]], now_ms: int) -> tuple[Incident, ...]:
    """One incident per measure, however many windows it outgrows."""
    grown = sorted({(name, measure) for name, each in compared.items() for comparison in each for measure in comparison.overflowed})
    return tuple(Incident(OVERFLOW, f"{measure} of {name} outgrew 64 bits and is empty in the cells concerned", now_ms) for name, measure in grown)


def _positions(frontier: StreamFrontier, offsets: Mapping[int, Offsets]) -> dict[int, Position]:
    return {p: frontier.positions.get(p, Position(0, 0)) for p in sorted(frontier.positions.keys() | offsets.keys())}


def _count_verdicts(compared: Mapping[str, tuple[Comparison, ...]]) -> Mapping[str, Mapping[str, int]]:
    return {name: dict(Counter(verdict.judge(comparison) for comparison in each)) for name, each in compared.items()}
