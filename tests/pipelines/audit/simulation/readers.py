"""Readers at every instant: each query names its tables in its view's order and must find one published state, computed from the truth."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random

from contracts.datasets import audit_of, duplicates_of, journal_of, partial_of
from pipelines.audit.publication import Position, Publication
from tests.pipelines.audit.simulation.catalog import HIDING, KEYS, Catalog, Record, Row

REMEMBERED = 5

State = dict[str, tuple[int, int, int]]


@dataclass(slots=True)
class Truth:
    """What publication k must show, from the topics alone: its frontiers, and the first published delivery of each identity."""

    catalog: Catalog
    known: dict[str, dict[int, int]] = field(default_factory=dict)
    winners: dict[str, list[tuple[int, Record]]] = field(default_factory=dict)
    seen: int = 0
    states: dict[tuple[str, int], State] = field(default_factory=dict)

    def learn(self) -> None:
        """Take in the publications recorded since."""
        while self.seen < len(self.catalog.recorded) - 1:
            before, after = self.catalog.recorded[self.seen : self.seen + 2]
            self.seen += 1
            for stream, frontier in after.streams.items():
                self._deliver(stream, before, frontier.positions, after.cycle)

    def facts(self, stream: str, cycle: int) -> State:
        """Distinct deliveries, their payloads' sum and maximum."""
        key = (stream, cycle)
        if key not in self.states:
            self.states[key] = {stream: _sum(record for k, record in self.winners.get(stream, ()) if k <= cycle)}
        return self.states[key]

    def kpis(self, name: str, cycle: int) -> State:
        """The same per stream, over the windows and offsets which the publication claims to have counted."""
        key = (name, cycle)
        if key not in self.states:
            self.states[key] = {
                stream: _sum(
                    record
                    for _, record in self.winners.get(stream, ())
                    if record.appended < frontier.windows[name].proved and record.offset < frontier.windows[name].counted.get(record.key, 0)
                )
                for stream, frontier in self.catalog.recorded[cycle].streams.items()
            }
        return self.states[key]

    def _deliver(self, stream: str, before: Publication, positions: Mapping[int, Position], cycle: int) -> None:
        old = before.streams[stream].positions
        new = [
            record
            for p, position in positions.items()
            for record in self.catalog.log(stream, p)[old[p].next_offset if p in old else 0 : position.next_offset]
            if record.kind == "valid" and (stream, p, record.offset) not in self.catalog.lost
        ]
        known, winners = self.known.setdefault(stream, {}), self.winners.setdefault(stream, [])
        for record in sorted(new, key=lambda record: (record.appended, record.partition, record.offset)):
            if record.identity not in known:
                known[record.identity] = record.payload
                winners.append((cycle, record))


@dataclass(frozen=True, slots=True)
class View:
    """Two tables resolved one after the other, the answer for two snapshots, and the answer that publication k must give."""

    first: str
    second: str
    answer: Callable[[int, int], State]
    expected: Callable[[int], State]


@dataclass(slots=True)
class Query:
    """One query over several views: each table is resolved once, in the order in which the views name them, at any instants."""

    oldest: int
    waiting: list[str]
    snapshots: dict[str, int] = field(default_factory=dict)

    def resolve(self, count: int, catalog: Catalog) -> None:
        """Resolve the next tables."""
        for name in self.waiting[:count]:
            self.snapshots[name] = catalog.tables[name].tag
        del self.waiting[:count]


class Readers:
    """Every query of one view that could have resolved its tables at any two instants, the first at most a few states ago.

    And, drawn at random, queries over all views at once.
    """

    def __init__(self, catalog: Catalog, *, obeys_visible_from: bool = True) -> None:
        """`obeys_visible_from` False: the views apply all audit rows, as a mutation."""
        self._catalog = catalog
        self._obeys = obeys_visible_from
        self.truth = Truth(catalog)
        self.views = [self._kpi_view(name) for name in KEYS] + [self._facts_view(stream) for stream in catalog.streams]
        self._starts: list[list[list[int]]] = [[] for _ in self.views]
        self._complete = 0
        self._answers: dict[tuple[int, int, int], State] = {}
        self._proved: set[tuple[int, int, int, int]] = set()
        self._random = Random(0)
        self._queries: list[Query] = []
        self.observe()

    def observe(self) -> None:
        """Check all queries that resolve their last table now; called whenever a tag moved or a publication was recorded."""
        self.truth.learn()
        last = self._catalog.recorded[-1]
        tables = self._catalog.tables
        if all(tables[name].tag == target for name, target in last.targets.items()):
            self._complete = last.cycle
        for number, view in enumerate(self.views):
            starts = self._starts[number]
            if starts and starts[-1][0] == tables[view.first].tag:
                starts[-1][1] = self._complete
            else:
                starts.append([tables[view.first].tag, self._complete])
            second = tables[view.second].tag
            for first, oldest in starts[-REMEMBERED:]:
                self._check(number, first, second, oldest)
        self._go_on()

    def _go_on(self) -> None:
        """Start a query over all views, let every one resolve some more of its tables, and check those that have them all."""
        views = self._random.sample(self.views, len(self.views))
        self._queries.append(Query(self._complete, [*dict.fromkeys(name for view in views for name in (view.first, view.second))]))
        for query in self._queries:
            query.resolve(self._random.randrange(4), self._catalog)
            for number, view in enumerate(self.views if not query.waiting else ()):
                self._check(number, query.snapshots[view.first], query.snapshots[view.second], query.oldest)
        self._queries = [query for query in self._queries if query.waiting]

    def _check(self, number: int, first: int, second: int, oldest: int) -> None:
        if (number, first, second, oldest) in self._proved:
            return
        self._proved.add((number, first, second, oldest))
        view = self.views[number]
        key = (number, first, second)
        if key not in self._answers:
            self._answers[key] = view.answer(first, second)
        answer = self._answers[key]
        cycles = range(oldest, self._catalog.recorded[-1].cycle + 1)
        legal = [view.expected(cycle) for cycle in cycles]
        assert answer in legal, f"{view.first} then {view.second}: read {answer}, {cycles} show {legal}"

    def _kpi_view(self, name: str) -> View:
        partials, audit = self._catalog.tables[partial_of(name)], self._catalog.tables[audit_of(name)]

        def answer(first: int, second: int) -> State:
            rows: list[Row] = partials.rows(first)
            newest = dict.fromkeys(self._catalog.streams, -1)
            for row in rows:
                newest[row.stream] = max(newest[row.stream], row.window_end)
            ours = [row for row in audit.rows(second) if (not self._obeys or row.visible_from <= newest[row.stream])]
            hidden = {(row.stream, row.window_end) for row in ours if row.kind in HIDING}
            shown = [row for row in rows if (row.stream, row.window_end) not in hidden]
            return _total(shown + [row for row in ours if row.kind != "held"], self._catalog.streams)

        return View(partial_of(name), audit_of(name), answer, lambda cycle: self.truth.kpis(name, cycle))

    def _facts_view(self, stream: str) -> View:
        journal, duplicates = self._catalog.tables[journal_of(stream)], self._catalog.tables[duplicates_of(stream)]

        def answer(first: int, second: int) -> State:
            hidden = {(row.partition, row.offset) for row in duplicates.rows(second) if row.stream == stream}
            rows = (row for row in journal.rows(first) if (row.key, row.offset) not in hidden)
            return {stream: _sum(rows)}

        return View(journal_of(stream), duplicates_of(stream), answer, lambda cycle: self.truth.facts(stream, cycle))


def _sum(records: Iterable[Record]) -> tuple[int, int, int]:
    payloads = [record.payload for record in records]
    return len(payloads), sum(payloads), max(payloads, default=0)


def _total(rows: list[Row], streams: tuple[str, ...]) -> State:
    totals = dict.fromkeys(streams, (0, 0, 0))
    for row in rows:
        n, total, greatest = totals[row.stream]
        totals[row.stream] = n + row.n, total + row.total, max(greatest, row.greatest)
    return totals
