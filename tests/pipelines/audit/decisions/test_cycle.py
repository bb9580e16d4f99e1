"""One cycle over the simulated lake, in a world that stands still."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from contracts.datasets import audit_of, journal_of, partial_of
from pipelines.audit.decisions.cycle import BITE, Auditor, tag_order
from pipelines.audit.decisions.lake import Commit, Conflict, Explanation
from pipelines.audit.decisions.partial_cuts import GRACE_MS
from pipelines.audit.incidents import LOST, Incident
from pipelines.audit.publication import BEHIND, FAILED, MISCOUNTED, MISMATCH, UNEXPLAINED, Account, Hold
from tests.pipelines.audit.simulation.catalog import Catalog, File, Record, Row
from tests.pipelines.audit.simulation.rival import Killed
from tests.pipelines.audit.simulation.simulated_lake import SimulatedLake


class Desk:
    """A catalog of the streams a and b with one partition each, an auditor, and a count of its steps."""

    def __init__(self, budget: int = 5, bite: int = BITE) -> None:
        self.catalog = Catalog({"a": 1, "b": 1})
        self.open: dict[str, list[Record]] = {"a": [], "b": []}
        self.steps = 0
        self.dies_at = -1
        self.budget = budget
        self.bite = bite
        self.failing: set[str] = set()
        self.auditor = self.start()

    def start(self) -> Auditor:
        lake = SimulatedLake(self.catalog, self.step, lambda: 0, self.failing.__contains__)
        return Auditor(lake, budget=self.budget, bite=self.bite)

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.dies_at:
            raise Killed

    def deliver(self, stream: str, *kinds: str, through: int, miscounted: int = 0) -> None:
        """Records of these kinds one millisecond apart that end at `through`; journal and the window they fill, committed."""
        log = self.catalog.logs[stream][0]
        first = through - len(kinds) + 1
        records = [Record(0, len(log) + i, kind, 1000 * through + i, i + 1, first + i) for i, kind in enumerate(kinds)]
        log.extend(records)
        valid = [record for record in records if record.kind == "valid"]
        self.catalog.commit(journal_of(stream), (File(tuple(valid)),), 0)
        waiting = self.open[stream] + valid
        closed = [record for record in waiting if record.window_end <= through]
        self.open[stream] = [record for record in waiting if record.window_end > through]
        for name, keys in (("kpis", 2), ("runs", 3)):
            rows = [Row(stream, r.window_end, r.identity % keys, 1 + miscounted, r.payload, r.payload) for r in closed]
            self.catalog.commit(partial_of(name), (File(tuple(rows)),), 0)

    def miscount(self, stream: str) -> Hold:
        """Let a stream count one too many in a window and be judged; the hold that comes of it."""
        self.deliver(stream, "valid", "valid", "valid", through=11, miscounted=1)
        self.auditor.run(0)
        hold = self.hold(stream)
        assert hold
        return hold

    def hold(self, stream: str) -> Hold | None:
        return self.catalog.recorded[-1].streams[stream].hold

    def proved(self, stream: str) -> int:
        return self.catalog.recorded[-1].streams[stream].windows["kpis"].proved


def test_a_clean_window_is_published_without_audit_rows() -> None:
    desk = Desk()
    desk.deliver("a", "valid", "valid", "valid", through=11)
    assert desk.auditor.run(0).outcome == "published"
    assert desk.proved("a") == 10
    assert desk.catalog.recorded[-1].reports["a"].windows == {"kpis": {"stand": 1}, "runs": {"stand": 1}}
    assert not desk.catalog.tables[audit_of("kpis")].rows(desk.catalog.tables[audit_of("kpis")].tag)


def test_a_cycle_without_news_loads_the_record_the_heads_and_the_logs_only() -> None:
    desk = Desk()
    desk.deliver("a", "valid", "valid", "valid", through=11)
    desk.auditor.run(0)
    before = desk.steps
    assert desk.auditor.run(0).outcome == "idle"
    assert desk.steps - before == 1 + 4 + 1


def test_a_storm_of_bad_records_delays_its_stream_only() -> None:
    desk = Desk(budget=2)
    desk.deliver("a", "valid", *["bad"] * 5, "valid", "valid", through=11)
    desk.deliver("b", "valid", "valid", "valid", through=11)
    desk.auditor.run(0)
    hold = desk.hold("a")
    assert hold
    assert hold.reason == UNEXPLAINED
    assert (desk.proved("a"), desk.proved("b")) == (-1, 10)


def test_a_storm_is_explained_over_several_cycles() -> None:
    desk = Desk(budget=2)
    desk.deliver("a", "valid", *["bad"] * 5, "valid", "valid", through=11)
    for through in (21, 31, 41):
        desk.auditor.run(0)
        desk.deliver("a", "valid", "valid", "valid", through=through)
    desk.auditor.run(0)
    assert desk.hold("a") is None
    assert desk.proved("a") == 40


def test_what_several_cycles_explained_is_counted_when_it_is_published() -> None:
    desk = Desk(budget=2)
    desk.deliver("a", "valid", *["bad"] * 5, "valid", "valid", through=11)
    for through in (21, 31, 41):
        desk.auditor.run(0)
        desk.deliver("a", "valid", "valid", "valid", through=through)
    desk.auditor.run(0)
    accounts = [account for publication in desk.catalog.recorded[1:] for account in publication.reports["a"].accounts]
    assert accounts[0] == Account(0, 0, 14, journaled=9, quarantined=5, absent=0, lost=0)


def test_an_account_that_does_not_add_up_holds_its_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimulatedLake, "explain", lambda *_: Explanation({0: 3}))
    desk = Desk()
    desk.deliver("a", "valid", "bad", "valid", through=11)
    desk.auditor.run(0)
    hold = desk.hold("a")
    assert hold
    assert (hold.reason, hold.is_incident) == (MISCOUNTED, True)


def test_offsets_that_left_the_log_are_lost_while_nothing_is_committed() -> None:
    desk = Desk()
    desk.deliver("a", "valid", "valid", "valid", through=11)
    desk.auditor.run(0)
    desk.catalog.logs["a"][0] += [Record(0, 3 + n, "valid", n, n, 12) for n in range(4)]
    desk.catalog.starts["a"][0] = 5
    assert desk.auditor.run(7).outcome == "published"
    (lost,) = desk.catalog.recorded[-1].reports["a"].opened
    assert (lost.kind, lost.topic, lost.partition, lost.first_offset, lost.last_offset, lost.since_ms) == (LOST, "a.v1", 0, 3, 4, 7)
    assert desk.auditor.run(8).outcome == "idle"


def test_lost_offsets_are_published_as_such() -> None:
    desk = Desk()
    desk.deliver("a", "valid", "valid", "valid", through=11)
    desk.auditor.run(0)
    desk.catalog.logs["a"][0] += [Record(0, 3, "valid", 1, 1, 12)]
    desk.catalog.starts["a"][0] = 4
    desk.auditor.run(7)
    desk.deliver("a", "valid", "valid", through=21)
    desk.auditor.run(9)
    last = desk.catalog.recorded[-1]
    assert last.reports["a"].accounts == (Account(0, 3, 6, journaled=2, quarantined=0, absent=0, lost=1),)
    assert [(one.first_offset, one.last_offset, one.since_ms) for one in last.streams["a"].incidents] == [(3, 3, 7)]
    assert last.streams["a"].hold is None


def test_a_loss_is_none_when_its_rows_are_committed_after_all() -> None:
    desk = Desk()
    desk.deliver("a", "valid", "valid", "valid", through=11)
    desk.auditor.run(0)
    desk.catalog.logs["a"][0] += [Record(0, 3, "valid", 1, 1, 12)]
    desk.catalog.starts["a"][0] = 4
    desk.auditor.run(7)
    desk.catalog.commit(journal_of("a"), (File(tuple(desk.catalog.logs["a"][0][3:])),), 0)
    desk.auditor.run(8)
    assert desk.catalog.recorded[-1].streams["a"].incidents == ()


def test_a_window_that_nothing_explains_holds_its_stream_until_it_is_released() -> None:
    desk = Desk()
    assert desk.miscount("a").reason == MISMATCH
    desk.deliver("a", "valid", "valid", "valid", through=21)
    desk.auditor.run(0, release=frozenset({"a"}))
    assert desk.hold("a") is None
    assert desk.proved("a") == 20


def test_a_release_closes_the_incidents_of_a_stream() -> None:
    desk = Desk()
    desk.deliver("a", "valid", "valid", "valid", through=11)
    desk.auditor.run(0)
    last = desk.catalog.recorded[-1]
    lost = Incident(LOST, "gone", 0)
    desk.catalog.recorded[-1] = replace(last, streams={**last.streams, "a": replace(last.streams["a"], incidents=(lost,))})
    assert desk.auditor.run(0).outcome == "idle"
    desk.auditor.run(0, release=frozenset({"a"}))
    assert (desk.catalog.recorded[-1].streams["a"].incidents, desk.catalog.recorded[-1].reports["a"].closed) == ((), (lost,))


def test_double_commits_are_removed_before_anything_is_published() -> None:
    desk = Desk()
    desk.deliver("a", "valid", "valid", "valid", through=11)
    desk.catalog.commit(journal_of("a"), (File(tuple(desk.catalog.logs["a"][0])),), 0)
    desk.deliver("b", "valid", "valid", "valid", through=11)
    report = desk.auditor.run(0)
    assert (report.outcome, report.repaired) == ("published", ("a",))
    journal = desk.catalog.tables[journal_of("a")]
    assert [row.offset for row in journal.rows(journal.tag)] == [0, 1, 2]
    assert (desk.proved("a"), desk.proved("b")) == (10, 10)


def test_a_double_commit_in_every_checkpoint_stops_nobody() -> None:
    desk = Desk()
    for through in (11, 21, 31):
        for stream in "ab":
            desk.deliver(stream, "valid", "valid", "valid", through=through)
        desk.catalog.commit(journal_of("a"), (File(tuple(desk.catalog.logs["a"][0][-3:])),), 0)
        desk.auditor.run(0)
        assert (desk.proved("a"), desk.proved("b")) == (through - 1, through - 1)


def test_a_journal_that_is_committed_to_faster_than_it_is_repaired_waits_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(*_: object) -> int:
        raise Conflict

    monkeypatch.setattr(SimulatedLake, "drop_double_commits", lose)
    desk = Desk()
    desk.deliver("a", "valid", "valid", "valid", through=11)
    desk.catalog.commit(journal_of("a"), (File(tuple(desk.catalog.logs["a"][0])),), 0)
    desk.deliver("b", "valid", "valid", "valid", through=11)
    assert desk.auditor.run(0).outcome == "published"
    hold = desk.hold("a")
    assert hold
    assert not hold.is_incident
    assert (desk.proved("a"), desk.proved("b")) == (-1, 10)


def test_the_events_of_an_array_count_for_nobody() -> None:
    desk = Desk()
    desk.deliver("a", "valid", "valid", "valid", through=11)
    record = Record(0, 3, "array", 77, 5, 12)
    desk.catalog.logs["a"][0].append(record)
    desk.catalog.commit(journal_of("a"), (File((record,)), File((record._replace(identity=78),))), 0)
    desk.deliver("a", "valid", "valid", "valid", through=21)
    desk.auditor.run(0)
    assert desk.hold("a") is None
    journal, quarantine = desk.catalog.tables[journal_of("a")], desk.catalog.tables["ops.quarantine"]
    assert 3 not in [row.offset for row in journal.rows(journal.tag)]
    assert [row.offset for row in quarantine.rows(quarantine.tag)] == [3]


def test_a_stream_that_cannot_be_judged_stops_no_other() -> None:
    desk = Desk()
    desk.failing.add("a")
    desk.deliver("a", "valid", "valid", "valid", through=11)
    desk.deliver("b", "valid", "valid", "valid", through=11)
    assert desk.auditor.run(0).outcome == "published"
    hold = desk.hold("a")
    assert hold
    assert (hold.reason, hold.detail, hold.is_incident) == (FAILED, "made to fail", True)
    assert (desk.proved("a"), desk.proved("b")) == (-1, 10)


def test_a_stream_goes_on_when_it_can_be_judged_again() -> None:
    desk = Desk()
    desk.failing.add("a")
    desk.deliver("a", "valid", "valid", "valid", through=11)
    desk.auditor.run(0)
    desk.failing.clear()
    desk.deliver("a", "valid", "valid", "valid", through=21)
    desk.auditor.run(0)
    assert desk.hold("a") is None
    assert desk.proved("a") == 20


@pytest.mark.parametrize("calls", range(1, 9))
def test_a_stream_that_fails_at_any_question_is_held_alone(calls: int) -> None:
    desk = Desk()
    left = [calls]

    def fails(stream: str) -> bool:
        left[0] -= stream == "a"
        return stream == "a" and left[0] < 0

    auditor = Auditor(SimulatedLake(desk.catalog, lambda: None, lambda: 0, fails))
    desk.deliver("a", "valid", "bad", "valid", "valid", through=11, miscounted=0)
    desk.catalog.logs["a"][0].append(Record(0, 4, "valid", 11_000, 9, 12))
    desk.catalog.commit(journal_of("a"), (File((desk.catalog.logs["a"][0][4],)),), 0)
    desk.deliver("b", "valid", "valid", "valid", through=11)
    assert auditor.run(0).outcome == "published"
    assert desk.proved("b") == 10
    assert not desk.catalog.tables[audit_of("kpis")].rows(desk.catalog.tables[audit_of("kpis")].tag) or desk.hold("a")


def test_a_journal_whose_history_is_broken_holds_its_stream_only(monkeypatch: pytest.MonkeyPatch) -> None:
    right = SimulatedLake.commits

    def broken(self: SimulatedLake, table: str, since: int) -> tuple[Commit, ...]:
        if table == journal_of("a"):
            raise Conflict
        return right(self, table, since)

    monkeypatch.setattr(SimulatedLake, "commits", broken)
    desk = Desk()
    for stream in "ab":
        desk.deliver(stream, "valid", "valid", "valid", through=11)
    assert desk.auditor.run(0).outcome == "published"
    hold = desk.hold("a")
    assert hold
    assert hold.reason == FAILED
    assert (desk.proved("a"), desk.proved("b")) == (-1, 10)


def test_a_backlog_is_published_bite_by_bite() -> None:
    desk = Desk(bite=3)
    for through in (11, 21, 31, 41):
        desk.deliver("a", "valid", "valid", "valid", through=through)
    proved = []
    for _ in range(4):
        assert desk.auditor.run(0).outcome == "published"
        proved.append(desk.proved("a"))
    assert proved == [10, 20, 30, 40]


def test_a_stream_far_ahead_of_its_windows_is_not_opened_further() -> None:
    desk = Desk(bite=3)
    for through in (11, 21, 31, 41):
        records = [Record(0, through + i, "valid", through + i, 1, through + i) for i in range(3)]
        desk.catalog.commit(journal_of("a"), (File(tuple(records)),), 0)
    desk.catalog.logs["a"][0].extend(Record(0, offset, "absent", 0, 0, 0) for offset in range(44))
    for _ in range(4):
        desk.auditor.run(0)
    journal = desk.catalog.tables[journal_of("a")]
    assert len(journal.rows(journal.tag)) == 3


def test_a_stream_held_for_long_catches_up_bite_by_bite_while_the_others_go_on() -> None:
    desk = Desk(bite=3)
    desk.failing.add("a")
    for through in (11, 21, 31, 41):
        for stream in "ab":
            desk.deliver(stream, "valid", "valid", "valid", through=through)
        desk.auditor.run(0)
    desk.failing.clear()
    proved = []
    for number, through in enumerate((51, 61, 71), 1):
        for stream in "ab":
            desk.deliver(stream, "valid", "valid", "valid", through=through)
        for cycle in range(4):
            desk.auditor.run(10_000 * number + 2_000 * cycle)
        proved.append(desk.proved("a"))
    assert proved[0] < proved[1] < proved[2]
    assert desk.proved("b") == 70


def kill_everywhere() -> list[int]:
    desk = Desk()
    deliver_trouble(desk)
    desk.auditor.run(0)
    return list(range(1, desk.steps + 1))


def deliver_trouble(desk: Desk) -> None:
    """A duplicate, a bad record and a miscounted stream: every table gets rows."""
    desk.deliver("a", "valid", "bad", "valid", "valid", "valid", through=11)
    desk.catalog.logs["a"][0].append(Record(0, 5, "valid", 11_000, 9, 12))
    desk.catalog.commit(journal_of("a"), (File((desk.catalog.logs["a"][0][5],)),), 0)
    desk.deliver("b", "valid", "valid", "valid", through=11, miscounted=1)


@pytest.mark.parametrize("step", kill_everywhere())
def test_a_cycle_killed_at_any_step_is_repeated_to_the_same_state(step: int) -> None:
    calm, killed = Desk(), Desk()
    killed.dies_at = step
    for desk in (calm, killed):
        deliver_trouble(desk)
    with pytest.raises(Killed):
        killed.auditor.run(0)
    for auditor in (calm.auditor, killed.start()):
        auditor.run(0)
    assert shown(killed) == shown(calm)


def shown(desk: Desk) -> dict[str, list[object]]:
    return {name: table.rows(table.tag) for name, table in desk.catalog.tables.items()}


def test_a_second_audit_is_refused() -> None:
    desk = Desk()
    desk.deliver("a", "valid", "valid", "valid", through=11)
    rival = desk.start()
    interrupt: Callable[[], None] = desk.step

    def step() -> None:
        interrupt()
        if desk.steps == 12:
            rival.run(0)

    slow = Auditor(SimulatedLake(desk.catalog, step, lambda: 0))
    assert slow.run(0).outcome == "conflict"
    assert [publication.cycle for publication in desk.catalog.recorded] == [0, 1]


def test_what_hides_rows_is_tagged_before_what_is_hidden() -> None:
    kinds = [table.split(".")[0] for table in tag_order(SimulatedLake(Catalog({"a": 1}), lambda: None, lambda: 0))]
    assert kinds == ["audit"] * 3 + ["ops", "journal"] + ["partials"] * 2


def test_a_held_stream_is_given_a_moment_when_its_journal_is_committed_after_its_partials() -> None:
    desk = Desk()
    held = desk.miscount("a")
    for name in ("kpis", "runs"):
        desk.catalog.commit(partial_of(name), (File((Row("a", 20, 1, 1, 1, 1),)),), held.retry_ms)
    assert desk.auditor.run(held.retry_ms).outcome == "waiting"
    assert desk.hold("a") == held
    desk.auditor.run(held.retry_ms + GRACE_MS)
    later = desk.hold("a")
    assert later
    assert (later.reason, later.retry_ms > held.retry_ms) == (BEHIND, True)


@pytest.mark.parametrize("release", [frozenset[str](), frozenset({"a"})], ids=["judged", "released"])
def test_records_that_are_journaled_behind_the_bite_are_not_refused(release: frozenset[str]) -> None:
    desk = Desk(bite=3)
    log = desk.catalog.logs["a"][0]
    log += [Record(0, n, "valid", n, 1, n) for n in range(6)]
    desk.catalog.commit(journal_of("a"), (File(tuple(log[3:])),), 0)
    desk.catalog.commit(journal_of("a"), (File(tuple(log[:3])),), 0)
    desk.deliver("b", "valid", "valid", "valid", through=11)
    for now_ms in range(0, 10_000, 1_000):
        desk.auditor.run(now_ms, release)
    last = desk.catalog.recorded[-1].streams["a"]
    assert (last.hold, last.positions[0].next_offset) == (None, 6)
    assert not any(publication.reports["a"].refused for publication in desk.catalog.recorded[-1:])


def test_records_that_are_journaled_behind_the_bite_are_not_lost_with_the_log() -> None:
    desk = Desk(bite=3)
    log = desk.catalog.logs["a"][0]
    log += [Record(0, n, "valid", n, 1, n) for n in range(6)]
    desk.catalog.starts["a"][0] = 6
    desk.catalog.commit(journal_of("a"), (File(tuple(log[3:])),), 0)
    desk.catalog.commit(journal_of("a"), (File(tuple(log[:3])),), 0)
    desk.deliver("b", "valid", "valid", "valid", through=11)
    for now_ms in range(0, 10_000, 1_000):
        desk.auditor.run(now_ms)
    last = desk.catalog.recorded[-1].streams["a"]
    assert (last.hold, last.positions[0].next_offset, last.incidents) == (None, 6, ())


def test_a_held_stream_that_lags_does_not_stop_the_others_however_often_something_is_committed() -> None:
    desk = Desk()
    held = desk.miscount("a")
    for second in range(10):
        known = {name: {*desk.catalog.tables[partial_of(name)].snapshots} for name in ("kpis", "runs")}
        desk.deliver("b", "valid", "valid", "valid", through=21 + 10 * second)
        desk.catalog.commit(partial_of("kpis"), (File((Row("a", 40 + 10 * second, 0, 1, 1, 1),)),), 0)
        for name, before in known.items():
            snapshots = desk.catalog.tables[partial_of(name)].snapshots
            for number in snapshots.keys() - before:
                snapshots[number].committed_ms = held.retry_ms + 1_000 * second
        desk.auditor.run(held.retry_ms + 1_000 * second)
    assert desk.proved("b") > 60
