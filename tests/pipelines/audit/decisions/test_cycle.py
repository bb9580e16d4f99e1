"""One cycle over the simulated lake, in a world that stands still."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from contracts.datasets import audit_of, journal_of, partial_of
from pipelines.audit.decisions.cycle import Auditor, tag_order
from pipelines.audit.decisions.lake import Commit, Conflict, Explanation
from pipelines.audit.decisions.partial_cuts import GRACE_MS
from pipelines.audit.incidents import LOST, Incident
from pipelines.audit.publication import BEHIND, FAILED, MISCOUNTED, MISMATCH, UNEXPLAINED, Account
from tests.pipelines.audit.decisions.scene import Scene
from tests.pipelines.audit.simulation.catalog import Catalog, File, Record, Row
from tests.pipelines.audit.simulation.rival import Killed
from tests.pipelines.audit.simulation.simulated_lake import SimulatedLake


def test_a_clean_window_is_published_without_audit_rows() -> None:
    scene = Scene()
    scene.deliver("a", "valid", "valid", "valid", through=11)
    assert scene.auditor.run(0).outcome == "published"
    assert scene.proved("a") == 10
    assert scene.catalog.recorded[-1].reports["a"].windows == {"kpis": {"stand": 1}, "runs": {"stand": 1}}
    assert not scene.catalog.tables[audit_of("kpis")].rows(scene.catalog.tables[audit_of("kpis")].tag)


def test_a_cycle_without_news_loads_the_record_the_heads_and_the_logs_only() -> None:
    scene = Scene()
    scene.deliver("a", "valid", "valid", "valid", through=11)
    scene.auditor.run(0)
    before = scene.steps
    assert scene.auditor.run(0).outcome == "idle"
    assert scene.steps - before == 1 + 4 + 1


def test_a_storm_of_bad_records_delays_its_stream_only() -> None:
    scene = Scene(budget=2)
    scene.deliver("a", "valid", *["bad"] * 5, "valid", "valid", through=11)
    scene.deliver("b", "valid", "valid", "valid", through=11)
    scene.auditor.run(0)
    hold = scene.hold("a")
    assert hold
    assert hold.reason == UNEXPLAINED
    assert (scene.proved("a"), scene.proved("b")) == (-1, 10)


def test_a_storm_is_explained_over_several_cycles() -> None:
    scene = Scene(budget=2)
    scene.deliver("a", "valid", *["bad"] * 5, "valid", "valid", through=11)
    for through in (21, 31, 41):
        scene.auditor.run(0)
        scene.deliver("a", "valid", "valid", "valid", through=through)
    scene.auditor.run(0)
    assert scene.hold("a") is None
    assert scene.proved("a") == 40


def test_what_several_cycles_explained_is_counted_when_it_is_published() -> None:
    scene = Scene(budget=2)
    scene.deliver("a", "valid", *["bad"] * 5, "valid", "valid", through=11)
    for through in (21, 31, 41):
        scene.auditor.run(0)
        scene.deliver("a", "valid", "valid", "valid", through=through)
    scene.auditor.run(0)
    accounts = [account for publication in scene.catalog.recorded[1:] for account in publication.reports["a"].accounts]
    assert accounts[0] == Account(0, 0, 14, journaled=9, quarantined=5, absent=0, lost=0)


def test_an_account_that_does_not_add_up_holds_its_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimulatedLake, "explain", lambda *_: Explanation({0: 3}))
    scene = Scene()
    scene.deliver("a", "valid", "bad", "valid", through=11)
    scene.auditor.run(0)
    hold = scene.hold("a")
    assert hold
    assert (hold.reason, hold.is_incident) == (MISCOUNTED, True)


def test_offsets_that_left_the_log_are_lost_while_nothing_is_committed() -> None:
    scene = Scene()
    scene.deliver("a", "valid", "valid", "valid", through=11)
    scene.auditor.run(0)
    scene.catalog.logs["a"][0] += [Record(0, 3 + n, "valid", n, n, 12) for n in range(4)]
    scene.catalog.starts["a"][0] = 5
    assert scene.auditor.run(7).outcome == "published"
    (lost,) = scene.catalog.recorded[-1].reports["a"].opened
    assert (lost.kind, lost.topic, lost.partition, lost.first_offset, lost.last_offset, lost.since_ms) == (LOST, "a.v1", 0, 3, 4, 7)
    assert scene.auditor.run(8).outcome == "idle"


def test_lost_offsets_are_published_as_such() -> None:
    scene = Scene()
    scene.deliver("a", "valid", "valid", "valid", through=11)
    scene.auditor.run(0)
    scene.catalog.logs["a"][0] += [Record(0, 3, "valid", 1, 1, 12)]
    scene.catalog.starts["a"][0] = 4
    scene.auditor.run(7)
    scene.deliver("a", "valid", "valid", through=21)
    scene.auditor.run(9)
    last = scene.catalog.recorded[-1]
    assert last.reports["a"].accounts == (Account(0, 3, 6, journaled=2, quarantined=0, absent=0, lost=1),)
    assert [(one.first_offset, one.last_offset, one.since_ms) for one in last.streams["a"].incidents] == [(3, 3, 7)]
    assert last.streams["a"].hold is None


def test_a_loss_is_none_when_its_rows_are_committed_after_all() -> None:
    scene = Scene()
    scene.deliver("a", "valid", "valid", "valid", through=11)
    scene.auditor.run(0)
    scene.catalog.logs["a"][0] += [Record(0, 3, "valid", 1, 1, 12)]
    scene.catalog.starts["a"][0] = 4
    scene.auditor.run(7)
    scene.catalog.commit(journal_of("a"), (File(tuple(scene.catalog.logs["a"][0][3:])),), 0)
    scene.auditor.run(8)
    assert scene.catalog.recorded[-1].streams["a"].incidents == ()


def test_a_window_that_nothing_explains_holds_its_stream_until_it_is_released() -> None:
    scene = Scene()
    assert scene.miscount("a").reason == MISMATCH
    scene.deliver("a", "valid", "valid", "valid", through=21)
    scene.auditor.run(0, release=frozenset({"a"}))
    assert scene.hold("a") is None
    assert scene.proved("a") == 20


def test_a_release_closes_the_incidents_of_a_stream() -> None:
    scene = Scene()
    scene.deliver("a", "valid", "valid", "valid", through=11)
    scene.auditor.run(0)
    last = scene.catalog.recorded[-1]
    lost = Incident(LOST, "gone", 0)
    scene.catalog.recorded[-1] = replace(last, streams={**last.streams, "a": replace(last.streams["a"], incidents=(lost,))})
    assert scene.auditor.run(0).outcome == "idle"
    scene.auditor.run(0, release=frozenset({"a"}))
    assert (scene.catalog.recorded[-1].streams["a"].incidents, scene.catalog.recorded[-1].reports["a"].closed) == ((), (lost,))


def test_double_commits_are_removed_before_anything_is_published() -> None:
    scene = Scene()
    scene.deliver("a", "valid", "valid", "valid", through=11)
    scene.catalog.commit(journal_of("a"), (File(tuple(scene.catalog.logs["a"][0])),), 0)
    scene.deliver("b", "valid", "valid", "valid", through=11)
    report = scene.auditor.run(0)
    assert (report.outcome, report.repaired) == ("published", ("a",))
    journal = scene.catalog.tables[journal_of("a")]
    assert [row.offset for row in journal.rows(journal.tag)] == [0, 1, 2]
    assert (scene.proved("a"), scene.proved("b")) == (10, 10)


def test_a_double_commit_in_every_checkpoint_stops_nobody() -> None:
    scene = Scene()
    for through in (11, 21, 31):
        for stream in "ab":
            scene.deliver(stream, "valid", "valid", "valid", through=through)
        scene.catalog.commit(journal_of("a"), (File(tuple(scene.catalog.logs["a"][0][-3:])),), 0)
        scene.auditor.run(0)
        assert (scene.proved("a"), scene.proved("b")) == (through - 1, through - 1)


def test_a_journal_that_is_committed_to_faster_than_it_is_repaired_waits_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(*_: object) -> int:
        raise Conflict

    monkeypatch.setattr(SimulatedLake, "drop_double_commits", lose)
    scene = Scene()
    scene.deliver("a", "valid", "valid", "valid", through=11)
    scene.catalog.commit(journal_of("a"), (File(tuple(scene.catalog.logs["a"][0])),), 0)
    scene.deliver("b", "valid", "valid", "valid", through=11)
    assert scene.auditor.run(0).outcome == "published"
    hold = scene.hold("a")
    assert hold
    assert not hold.is_incident
    assert (scene.proved("a"), scene.proved("b")) == (-1, 10)


def test_a_stream_that_cannot_be_judged_stops_no_other() -> None:
    scene = Scene()
    scene.failing.add("a")
    scene.deliver("a", "valid", "valid", "valid", through=11)
    scene.deliver("b", "valid", "valid", "valid", through=11)
    assert scene.auditor.run(0).outcome == "published"
    hold = scene.hold("a")
    assert hold
    assert (hold.reason, hold.detail, hold.is_incident) == (FAILED, "made to fail", True)
    assert (scene.proved("a"), scene.proved("b")) == (-1, 10)


def test_a_stream_goes_on_when_it_can_be_judged_again() -> None:
    scene = Scene()
    scene.failing.add("a")
    scene.deliver("a", "valid", "valid", "valid", through=11)
    scene.auditor.run(0)
    scene.failing.clear()
    scene.deliver("a", "valid", "valid", "valid", through=21)
    scene.auditor.run(0)
    assert scene.hold("a") is None
    assert scene.proved("a") == 20


@pytest.mark.parametrize("calls", range(1, 9))
def test_a_stream_that_fails_at_any_question_is_held_alone(calls: int) -> None:
    scene = Scene()
    left = [calls]

    def fails(stream: str) -> bool:
        left[0] -= stream == "a"
        return stream == "a" and left[0] < 0

    auditor = Auditor(SimulatedLake(scene.catalog, lambda: None, lambda: 0, fails))
    scene.deliver("a", "valid", "bad", "valid", "valid", through=11, miscounted=0)
    scene.catalog.logs["a"][0].append(Record(0, 4, "valid", 11_000, 9, 12))
    scene.catalog.commit(journal_of("a"), (File((scene.catalog.logs["a"][0][4],)),), 0)
    scene.deliver("b", "valid", "valid", "valid", through=11)
    assert auditor.run(0).outcome == "published"
    assert scene.proved("b") == 10
    assert not scene.catalog.tables[audit_of("kpis")].rows(scene.catalog.tables[audit_of("kpis")].tag) or scene.hold("a")


def test_a_journal_whose_history_is_broken_holds_its_stream_only(monkeypatch: pytest.MonkeyPatch) -> None:
    right = SimulatedLake.commits

    def broken(self: SimulatedLake, table: str, since: int) -> tuple[Commit, ...]:
        if table == journal_of("a"):
            raise Conflict
        return right(self, table, since)

    monkeypatch.setattr(SimulatedLake, "commits", broken)
    scene = Scene()
    for stream in "ab":
        scene.deliver(stream, "valid", "valid", "valid", through=11)
    assert scene.auditor.run(0).outcome == "published"
    hold = scene.hold("a")
    assert hold
    assert hold.reason == FAILED
    assert (scene.proved("a"), scene.proved("b")) == (-1, 10)


def kill_everywhere() -> list[int]:
    scene = Scene()
    deliver_trouble(scene)
    scene.auditor.run(0)
    return list(range(1, scene.steps + 1))


def deliver_trouble(scene: Scene) -> None:
    """A duplicate, a bad record and a miscounted stream: every table gets rows."""
    scene.deliver("a", "valid", "bad", "valid", "valid", "valid", through=11)
    scene.catalog.logs["a"][0].append(Record(0, 5, "valid", 11_000, 9, 12))
    scene.catalog.commit(journal_of("a"), (File((scene.catalog.logs["a"][0][5],)),), 0)
    scene.deliver("b", "valid", "valid", "valid", through=11, miscounted=1)


@pytest.mark.parametrize("step", kill_everywhere())
def test_a_cycle_killed_at_any_step_is_repeated_to_the_same_state(step: int) -> None:
    calm, killed = Scene(), Scene()
    killed.dies_at = step
    for scene in (calm, killed):
        deliver_trouble(scene)
    with pytest.raises(Killed):
        killed.auditor.run(0)
    for auditor in (calm.auditor, killed.start()):
        auditor.run(0)
    assert shown(killed) == shown(calm)


def shown(scene: Scene) -> dict[str, list[object]]:
    return {name: table.rows(table.tag) for name, table in scene.catalog.tables.items()}


def test_a_second_audit_is_refused() -> None:
    scene = Scene()
    scene.deliver("a", "valid", "valid", "valid", through=11)
    rival = scene.start()
    interrupt: Callable[[], None] = scene.step

    def step() -> None:
        interrupt()
        if scene.steps == 12:
            rival.run(0)

    slow = Auditor(SimulatedLake(scene.catalog, step, lambda: 0))
    assert slow.run(0).outcome == "conflict"
    assert [publication.cycle for publication in scene.catalog.recorded] == [0, 1]


def test_what_hides_rows_is_tagged_before_what_is_hidden() -> None:
    kinds = [table.split(".")[0] for table in tag_order(SimulatedLake(Catalog({"a": 1}), lambda: None, lambda: 0))]
    assert kinds == ["audit"] * 3 + ["ops", "journal"] + ["partials"] * 2


def test_a_held_stream_is_given_a_moment_when_its_journal_is_committed_after_its_partials() -> None:
    scene = Scene()
    held = scene.miscount("a")
    for name in ("kpis", "runs"):
        scene.catalog.commit(partial_of(name), (File((Row("a", 20, 1, 1, 1, 1),)),), held.retry_ms)
    assert scene.auditor.run(held.retry_ms).outcome == "waiting"
    assert scene.hold("a") == held
    scene.auditor.run(held.retry_ms + GRACE_MS)
    later = scene.hold("a")
    assert later
    assert (later.reason, later.retry_ms > held.retry_ms) == (BEHIND, True)


def test_a_held_stream_that_lags_does_not_stop_the_others_however_often_something_is_committed() -> None:
    scene = Scene()
    held = scene.miscount("a")
    for second in range(10):
        known = {name: {*scene.catalog.tables[partial_of(name)].snapshots} for name in ("kpis", "runs")}
        scene.deliver("b", "valid", "valid", "valid", through=21 + 10 * second)
        scene.catalog.commit(partial_of("kpis"), (File((Row("a", 40 + 10 * second, 0, 1, 1, 1),)),), 0)
        for name, before in known.items():
            snapshots = scene.catalog.tables[partial_of(name)].snapshots
            for number in snapshots.keys() - before:
                snapshots[number].committed_ms = held.retry_ms + 1_000 * second
        scene.auditor.run(held.retry_ms + 1_000 * second)
    assert scene.proved("b") > 60
