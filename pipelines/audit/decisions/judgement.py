"""Judge one stream in one cycle: explain its missing offsets, find its duplicates, compare its windows, and say what follows."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from pipelines.audit.decisions import verdict
from pipelines.audit.decisions.cut import is_past
from pipelines.audit.decisions.lake import Changes, Comparison, Explanation, Lake, Offsets, Span, StreamFailure
from pipelines.audit.decisions.logs import with_losses
from pipelines.audit.incidents import OVERFLOW, Incident, merged
from pipelines.audit.publication import (
    BEHIND,
    CATCHING_UP,
    MISCOUNTED,
    MISMATCH,
    MISREAD,
    REFUSED,
    STRAY,
    UNEXPLAINED,
    Account,
    Hold,
    Place,
    Position,
    StreamFrontier,
    StreamReport,
    WindowFrontier,
)

SHOWN = 5
"""Places and windows that a hold names; their number is told too."""


@dataclass(frozen=True, slots=True)
class Case:
    """A stream as the cut shows it.

    `spans`: its new windows per partial table in the cut. `offsets`: its new journal rows per partition, None when the stream is
    held and not yet due again, or could not be opened: `failure`. `reach_ms`: what its journal reached in every partition.
    `is_whole`: no newer journal rows are there than those opened. `is_conclusive`: what differs now would differ with newer rows too.
    """

    stream: str
    frontier: StreamFrontier
    spans: Mapping[str, Span]
    offsets: Mapping[int, Offsets] | None
    reach_ms: int
    now_ms: int
    budget: int
    is_released: bool
    is_whole: bool = True
    is_conclusive: bool = True
    failure: StreamFailure | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """The stream's next frontier and the rows that go with it; `is_published` when its journal's tag may move."""

    frontier: StreamFrontier
    changes: Mapping[str, Changes]
    report: StreamReport
    is_published: bool
    needs_more: bool = False
    """Nothing can be said before more of the journal is opened at once."""


@dataclass(frozen=True, slots=True)
class Objection:
    """Why the stream is not published; `places` as in `verdict.hold_for`. `is_early`: nothing was found, it is to be judged again soon."""

    reason: str
    detail: str = ""
    places: tuple[Place, ...] | None = None
    is_early: bool = False
    needs_more: bool = False


@dataclass(frozen=True, slots=True)
class Proof:
    """Per partial table the windows as they were compared, and the newest that may be shown."""

    compared: Mapping[str, tuple[Comparison, ...]]
    proved: Mapping[str, int]


def judge_stream(lake: Lake, case: Case) -> Finding:
    """Judge a stream whose journal and partials are open; nothing is written. A stream that cannot be judged is held."""
    if case.failure is not None:
        return hold_failed(lake, case, case.failure)
    if case.offsets is None:
        return _held(lake, case, case.frontier, StreamReport())
    try:
        return _judge(lake, case, case.offsets)
    except StreamFailure as failure:
        return hold_failed(lake, case, failure)


def hold_failed(lake: Lake, case: Case, failure: StreamFailure) -> Finding:
    """Hold a stream that cannot be judged where it is."""
    hold = verdict.hold_for(failure.reason, case.frontier.hold, case.now_ms, failure.detail)
    return _held(lake, case, replace(case.frontier, hold=hold), StreamReport())


def _judge(lake: Lake, case: Case, offsets: Mapping[int, Offsets]) -> Finding:
    explained, report, objection = _explain(lake, case, offsets)
    accounts = _accounts(explained.positions, offsets)
    objection = objection or _not_ready(case) or _miscounted(case, accounts) or _misread(lake, case)
    compared: dict[str, tuple[Comparison, ...]] = {}
    proved: dict[str, int] = {}
    if objection is None:
        found = lake.find_duplicates(case.stream)
        windows = case.frontier.windows
        compared = {name: lake.compare(name, case.stream, windows[name], _provable(case, span), explained.seam_ms) for name, span in case.spans.items()}
        known = compared if case.is_conclusive or case.is_released else _before_differences(lake, case, compared, explained.seam_ms)
        proved = {name: _proved(case, span, name, known[name], compared[name]) for name, span in case.spans.items()}
        report = replace(report, duplicates=found.repeats, conflicting=found.conflicting, windows=_count_verdicts(known))
        objection = None if case.is_released else _mismatch(known) or _inconclusive(case, known, compared)
        compared = known
    if objection is not None:
        hold = verdict.hold_for(objection.reason, case.frontier.hold, case.now_ms, objection.detail, objection.places)
        hold = replace(hold, retry_ms=case.now_ms + verdict.SOON_MS) if objection.is_early else hold
        finding = _held(lake, case, replace(explained, hold=hold), report)
        return replace(finding, needs_more=objection.needs_more)
    return _published(lake, replace(case, frontier=explained), offsets, Proof(compared, proved), replace(report, accounts=accounts))


def _explain(lake: Lake, case: Case, offsets: Mapping[int, Offsets]) -> tuple[StreamFrontier, StreamReport, Objection | None]:
    frontier = replace(case.frontier, positions=_positions(case.frontier, offsets))
    report = StreamReport(rows=sum(found.rows for found in offsets.values()))
    if not any(verdict.count_missing(frontier.positions[p].next_offset, found) for p, found in offsets.items()):
        return frontier, report, None
    found = lake.explain(case.stream, {p: position.explained for p, position in frontier.positions.items()}, case.budget)
    refused = sum(found.refused.values())
    if (refused or found.lost) and not case.is_conclusive:
        # A job that was started again further back journals them after what it had read before.
        return frontier, replace(report, refused=refused), _early(case)
    if refused and not case.is_released:
        return frontier, replace(report, refused=refused), Objection(REFUSED, f"{refused:,} records are valid and not in the journal")
    report = replace(
        report,
        quarantined=sum(found.quarantined.values()) + refused,
        absent=sum(found.absent.values()),
        lost=sum(stretch.size for stretch in found.lost),
        refused=refused,
    )
    positions = {p: _explained(p, position, found) for p, position in frontier.positions.items()}
    incidents = with_losses(frontier, found.lost, case.now_ms)
    is_complete = all(positions[p].explained > each.high for p, each in offsets.items())
    # Where rows are lost, a job that starts again cannot read what was journaled just before them once more.
    seam_ms = max(frontier.seam_ms, *(each.reach_ms + lake.window_ms for each in offsets.values())) if found.lost else frontier.seam_ms
    objection = None if is_complete else Objection(UNEXPLAINED, "more offsets are missing than one cycle may read again")
    return replace(frontier, positions=positions, incidents=incidents, seam_ms=seam_ms), report, objection


def _explained(key: int, position: Position, found: Explanation) -> Position:
    return replace(
        position,
        explained=found.through.get(key, position.explained),
        quarantined=position.quarantined + found.quarantined.get(key, 0) + found.refused.get(key, 0),
        absent=position.absent + found.absent.get(key, 0),
        lost=position.lost + sum(stretch.size for stretch in found.lost if stretch.key == key),
    )


def _accounts(positions: Mapping[int, Position], offsets: Mapping[int, Offsets]) -> tuple[Account, ...]:
    return tuple(
        Account(p, position.next_offset, found.high + 1, found.distinct, position.quarantined, position.absent, position.lost)
        for p, position in positions.items()
        if (found := offsets.get(p)) and found.high >= position.next_offset
    )


def _miscounted(case: Case, accounts: tuple[Account, ...]) -> Objection | None:
    """Every offset is counted once, as what it is; a sum that is wrong is never made right by a number that is derived."""
    if case.is_released or case.offsets is None:
        return None
    if any(found.strays for found in case.offsets.values()):
        return Objection(STRAY, "rows came at offsets at which others, or none, are published")
    if all(account.is_balanced for account in accounts):
        return None
    return Objection(MISCOUNTED, "journaled, quarantined, absent and lost offsets do not add up to the range")


def _misread(lake: Lake, case: Case) -> Objection | None:
    """Records once found wrong are looked at again until they are right: another sample says nothing about them."""
    if case.is_released:
        return None
    again = case.frontier.hold.places if case.frontier.hold else ()
    wrong = lake.misread(case.stream, again)
    if not wrong:
        return None
    detail = f"{len(wrong):,} records are not in the journal as they were sent: {_some(f'{p}/{offset}' for p, offset in wrong)} (partition/offset)"
    return Objection(MISREAD, detail, wrong)


def _mismatch(compared: Mapping[str, tuple[Comparison, ...]]) -> Objection | None:
    ends = {name: [comparison.window_end for comparison in each if verdict.judge(comparison) == "none"] for name, each in compared.items()}
    told = [f"{len(each):,} windows of {name} that end at {_some(map(_clock, each))}" for name, each in ends.items() if each]
    return Objection(MISMATCH, f"the stream's rows are not what the journal says in {' and '.join(told)}", ()) if told else None


def _before_differences(lake: Lake, case: Case, compared: Mapping[str, tuple[Comparison, ...]], seam_ms: int) -> dict[str, tuple[Comparison, ...]]:
    """The windows before the first that nothing explains: rows behind the bite may belong to it, as the partials are ahead of it."""
    known = {name: tuple(takewhile(lambda comparison: verdict.judge(comparison) != "none", each)) for name, each in compared.items()}
    return {
        # A delivery that counts in a window left out now does not count yet.
        name: each
        if len(each) == len(compared[name])
        else lake.compare(name, case.stream, case.frontier.windows[name], each[-1].window_end, seam_ms)
        if each
        else ()
        for name, each in known.items()
    }


def _proved(case: Case, span: Span, name: str, known: tuple[Comparison, ...], compared: tuple[Comparison, ...]) -> int:
    if len(known) == len(compared) and is_past(case.reach_ms, span.last):
        return span.last
    return max((comparison.window_end for comparison in known), default=case.frontier.windows[name].proved)


def _inconclusive(case: Case, known: Mapping[str, tuple[Comparison, ...]], compared: Mapping[str, tuple[Comparison, ...]]) -> Objection | None:
    return None if any(known.values()) or not any(compared.values()) else _early(case)


def _early(case: Case) -> Objection:
    """More of the journal has to be looked at; an incident stays what it is meanwhile."""
    hold = case.frontier.hold
    if hold and hold.is_incident:
        return Objection(hold.reason, hold.detail, is_early=True, needs_more=True)
    return Objection(CATCHING_UP, "what is opened has to be seen with more of the journal", is_early=True, needs_more=True)


def _not_ready(case: Case) -> Objection | None:
    """A held stream goes on only together with every table in which it is hidden, past the cut in all of them.

    Of a journal that is opened in bites the windows up to its reach may go on before the others.
    """
    hold = case.frontier.hold
    if case.is_whole and not all(is_past(case.reach_ms, span.last) for span in case.spans.values()):
        return Objection(BEHIND, "a partition of the journal has not reached the windows that are there already")
    hidden = {name for name, windows in case.frontier.windows.items() if windows.proved < windows.passed}
    return Objection(hold.reason, hold.detail, is_early=True) if hold and not hidden <= case.spans.keys() else None


def _provable(case: Case, span: Span) -> int:
    """The newest window end of which the opened journal may have every row."""
    return span.last if is_past(case.reach_ms, span.last) else case.reach_ms - 1


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
    proof: Proof,
    report: StreamReport,
) -> Finding:
    compared, proved = proof.compared, proof.proved
    positions = {
        p: Position(found.high + 1, found.high + 1, max(found.reach_ms, before.reach_ms)) if (found := offsets.get(p)) else before
        for p, before in _positions(case.frontier, offsets).items()
    }
    windows = dict(case.frontier.windows)
    changes: dict[str, Changes] = {}
    supplemented: dict[str, int] = {}
    for name, span in case.spans.items():
        before = windows[name]
        windows[name] = WindowFrontier(proved[name], span.last, {p: position.next_offset for p, position in positions.items()})
        supplemented[name] = lake.late_rows(case.stream, before.counted, before.proved)
        stands = {c.window_end for c in compared[name] if c.window_end > before.passed and verdict.judge(c) in verdict.CORRECT}
        changes[name] = Changes(
            span.last,
            adjust=tuple(c.window_end for c in compared[name] if c.window_end in stands and c.has_duplicates),
            replace=tuple(c.window_end for c in compared[name] if c.window_end not in stands),
            restore=lake.reopened(name, case.stream, before.proved),
            supplement=before.counted if supplemented[name] else None,
            supplement_before=before.proved,
            hold=_hidden(lake, case, name, proved[name]),
        )
    frontier = replace(
        case.frontier,
        positions=positions,
        windows=windows,
        hold=_left(case, windows),
        repeats=case.frontier.repeats + report.duplicates,
        conflicting=case.frontier.conflicting + report.conflicting,
        incidents=merged(case.frontier.incidents, _overflows(compared, case.now_ms)),
    )
    report = replace(report, supplemented=supplemented, undeclared=lake.undeclared_keys(case.stream))
    return Finding(frontier, changes, report, is_published=True)


def _overflows(compared: Mapping[str, tuple[Comparison, ...]], now_ms: int) -> tuple[Incident, ...]:
    """One incident per measure, however many windows it outgrows."""
    grown = sorted({(name, measure) for name, each in compared.items() for comparison in each for measure in comparison.overflowed})
    return tuple(Incident(OVERFLOW, f"{measure} of {name} outgrew 64 bits and is empty in the cells concerned", now_ms) for name, measure in grown)


def _hidden(lake: Lake, case: Case, name: str, proved: int) -> tuple[int, ...]:
    """Windows that come into sight and are not proved."""
    last = case.spans[name].last
    return tuple(end for end in lake.reopened(name, case.stream, last) if end > proved) if proved < last else ()


def _left(case: Case, windows: Mapping[str, WindowFrontier]) -> Hold | None:
    """The hold of a stream of which windows are still hidden."""
    if all(each.proved == each.passed for each in windows.values()):
        return None
    return verdict.hold_for(CATCHING_UP, case.frontier.hold, case.now_ms, f"the journal is published up to {_clock(case.reach_ms)}, newer windows follow", ())


def _positions(frontier: StreamFrontier, offsets: Mapping[int, Offsets]) -> dict[int, Position]:
    return {p: frontier.positions.get(p, Position(0, 0)) for p in sorted(frontier.positions.keys() | offsets.keys())}


def _count_verdicts(compared: Mapping[str, tuple[Comparison, ...]]) -> Mapping[str, Mapping[str, int]]:
    return {name: dict(Counter(verdict.judge(comparison) for comparison in each)) for name, each in compared.items()}


def _some(parts: Iterable[str]) -> str:
    found = list(parts)
    return ", ".join(found[:SHOWN]) + (" and others" if len(found) > SHOWN else "")


def _clock(moment_ms: int) -> str:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=moment_ms)).isoformat(timespec="milliseconds") if moment_ms >= 0 else "nothing"
