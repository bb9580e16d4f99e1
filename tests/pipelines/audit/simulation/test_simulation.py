"""The audit's cycle in ten thousand seeded worlds, and proof that the simulation can fail."""

import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from types import ModuleType
from typing import Any

import pytest

from contracts.datasets import QUARANTINE, audit_of, journal_of
from pipelines.audit.decisions import cut, cycle, judgement
from pipelines.audit.decisions.cycle import BITE
from pipelines.audit.decisions.lake import Changes, Comparison, Lake
from pipelines.audit.incidents import LOST, NEW_LOG, Incident
from pipelines.audit.publication import BEHIND, CATCHING_UP, INCIDENTS, MISCOUNTED, MISREAD, REPAIRING, STRAY, UNEXPLAINED, Position, Publication, key_of
from tests.pipelines.audit.simulation import catalog, readers, simulated_lake
from tests.pipelines.audit.simulation.catalog import KEYS, Coordinates, Record, Row
from tests.pipelines.audit.simulation.simulated_lake import SimulatedLake
from tests.pipelines.audit.simulation.world import World

SEEDS = int(os.environ.get("AUDIT_SEEDS", "2000"))
CHUNK = 500
TURNS = 10
SETTLING = 14

Wanted = dict[str, list[tuple[int, int]]]


def simulate(seed: int, *, obeys_visible_from: bool = True) -> World:
    """Run one world to its end; AssertionError when an invariant breaks (readers check theirs at every instant)."""
    world = World(seed, obeys_visible_from=obeys_visible_from)
    for _ in range(TURNS):
        world.turn()
    return simulate_rest(world)


def simulate_rest(world: World) -> World:
    """Let faults and input end, and everything be published; AssertionError when something is left or an invariant breaks."""
    wanted = {s: [(len(log), max((r.appended for r in log), default=-1)) for log in logs] for s, logs in world.catalog.logs.items()}
    world.flink.restart(adopts_partitions=True)
    for _ in range(SETTLING if world.bite == BITE else 5 * SETTLING):
        world.settle()
        if not unfinished(world, wanted):
            break
    left = unfinished(world, wanted)
    if left:
        assert world.has_bug, f"held or stuck: {left}"
        assert left == {"a"}, f"a bug in a stopped {left}"
        for _ in range(4 if world.bite == BITE else 5 * SETTLING):
            world.settle(release=frozenset(left))
    assert not unfinished(world, wanted)
    check_offsets(world)
    check_totals(world)
    check_progress(world)
    check_replacements(world)
    check_holds(world)
    check_losses(world)
    return world


def unfinished(world: World, wanted: Wanted) -> set[str]:
    """Streams of which something that was wanted is not published yet."""
    streams = world.catalog.recorded[-1].streams
    return {
        stream
        for stream, logs in wanted.items()
        for p, (length, reached) in enumerate(logs, start=key_of(world.catalog.epochs[stream], 0))
        if streams[stream].hold
        or p not in streams[stream].positions
        or streams[stream].positions[p].next_offset < length
        or any(each.counted.get(p, 0) < length or each.proved <= reached for each in streams[stream].windows.values())
    }


def check_offsets(world: World) -> None:
    """Below the frontier an offset is journaled or quarantined or absent, once."""
    tables, last = world.catalog.tables, world.catalog.recorded[-1]
    refused: list[Coordinates] = tables[QUARANTINE].rows(tables[QUARANTINE].tag)
    for stream, frontier in last.streams.items():
        journal: list[Record] = tables[journal_of(stream)].rows(tables[journal_of(stream)].tag)
        for p, position in frontier.positions.items():
            found = Counter(row.offset for row in journal if row.key == p)
            found.update(row.offset for row in refused if (row.stream, row.partition) == (stream, p))
            log = world.catalog.log(stream, p)[: position.next_offset]
            found.update(record.offset for record in log if record.kind == "absent" and (stream, p, record.offset) not in world.catalog.lost)
            found.update(offset for name, partition, offset in world.catalog.lost if (name, partition) == (stream, p))
            assert found == Counter(range(position.next_offset))


def check_totals(world: World) -> None:
    """As many repeats are counted as are listed."""
    for stream, frontier in world.catalog.recorded[-1].streams.items():
        tables = [table for name, table in world.catalog.tables.items() if name.startswith("audit.duplicates")]
        listed = sum(row.stream == stream for table in tables for row in table.rows(table.tag))
        assert frontier.repeats == listed >= frontier.conflicting


def check_progress(world: World) -> None:
    """Published offsets and windows never go back, and every publication has its rows in ops."""
    for before, after in zip(world.catalog.recorded, world.catalog.recorded[1:], strict=False):
        assert after.cycle == before.cycle + 1
        assert after.cycle in world.catalog.ops
        for stream, frontier in before.streams.items():
            following = after.streams[stream]
            assert all(following.positions[p].next_offset >= old.next_offset for p, old in frontier.positions.items())
            assert all(following.windows[name].proved >= old.proved for name, old in frontier.windows.items())


def check_replacements(world: World) -> None:
    """A window of a stream is replaced by one publication only."""
    for name in KEYS:
        table = world.catalog.tables[audit_of(name)]
        rows: list[Row] = table.rows(table.tag)
        replaced = {(row.stream, row.window_end, row.visible_from) for row in rows if row.kind == "replacement"}
        assert not [window for window, n in Counter(each[:2] for each in replaced).items() if n > 1]
        adjusted = {(row.stream, row.window_end, row.visible_from) for row in rows if row.kind == "adjustment"}
        assert not [window for window, n in Counter(each[:2] for each in adjusted).items() if n > 1]
        assert not adjusted & replaced


def check_holds(world: World) -> None:
    """Where nothing is odd but late and repeated commits, kills, duplicates and bad records, no stream is ever held as wrong."""
    if world.is_calm:
        holds = {frontier.hold.reason for each in world.catalog.recorded for frontier in each.streams.values() if frontier.hold}
        assert holds <= {UNEXPLAINED, BEHIND, CATCHING_UP} | ({REPAIRING} if world.has_two_audits else set())


def check_losses(world: World) -> None:
    """What is lost, and nothing else, was in an incident with its range, and the accounts of every partition add up."""
    told: dict[tuple[object, ...], Incident] = {}
    for publication in world.catalog.recorded:
        for report in publication.reports.values():
            assert all(account.is_balanced for account in report.accounts)
            told |= {(incident.topic[0], *incident.key): incident for incident in report.opened if incident.kind == LOST}
    named = {(one.topic[0], key_of(one.epoch, one.partition), offset) for one in told.values() for offset in range(one.first_offset, one.last_offset + 1)}
    assert world.catalog.lost <= named
    for before, after in pairwise(world.catalog.recorded):
        for stream, report in after.reports.items():
            for account in report.accounts:
                old = before.streams[stream].positions.get(account.key, Position(0, 0))
                assert (account.first_offset, account.next_offset) == (old.next_offset, after.streams[stream].positions[account.key].next_offset)


def is_caught(seeds: int, *, obeys_visible_from: bool = True) -> bool:
    """True when one of the first worlds breaks an invariant."""
    for seed in range(seeds):
        try:
            simulate(seed, obeys_visible_from=obeys_visible_from)
        except AssertionError:
            return True
    return False


@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_every_reader_at_every_instant_sees_a_published_state(first: int) -> None:
    for seed in range(first, min(first + CHUNK, SEEDS)):
        try:
            simulate(seed)
        except Exception as error:
            error.add_note(f"seed {seed}")
            raise


def test_the_worlds_contain_every_situation() -> None:
    met: Counter[str] = Counter()
    for seed in range(150):
        for publication in simulate(seed).catalog.recorded:
            met.update(frontier.hold.reason for frontier in publication.streams.values() if frontier.hold)
            for report in publication.reports.values():
                met.update(verdict for windows in report.windows.values() for verdict in windows)
                met.update(incident.kind for incident in report.opened)
                met.update({"conflicting": report.conflicting, "absent": report.absent, "lost": report.lost, "refused": report.refused})
                met["supplement"] += sum(report.supplemented.values())
    verdicts = {"stand", "duplicate", "clash", "double_commit", "late", "none"}
    others = {UNEXPLAINED, CATCHING_UP, REPAIRING, "conflicting", "absent", LOST, NEW_LOG, "refused", "supplement"}
    assert {name for name, n in met.items() if n} == verdicts | INCIDENTS - {MISREAD, MISCOUNTED, STRAY} | others


def test_readers_notice_audit_rows_that_are_visible_too_early() -> None:
    assert is_caught(50, obeys_visible_from=False)


@pytest.mark.parametrize("first", ["partials", "journal"])
def test_readers_notice_a_wrong_order_of_tags(first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = cycle.tag_order

    def wrong(lake: Lake) -> tuple[str, ...]:
        return tuple(sorted(right(lake), key=lambda table: not table.startswith(first)))

    monkeypatch.setattr(cycle, "tag_order", wrong)
    assert is_caught(50)


def test_readers_notice_tags_that_move_before_the_intent_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    def publish(self: cycle.Auditor, publication: Publication) -> None:
        self._move_tags(publication)
        self._lake.record(publication)
        self._lake.write_ops(publication)

    monkeypatch.setattr(cycle.Auditor, "_publish", publish)
    assert is_caught(50)


def test_a_query_over_two_streams_notices_a_table_of_duplicates_that_they_share(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (cycle, catalog, readers, simulated_lake):
        monkeypatch.setattr(module, "duplicates_of", lambda _: "audit.duplicates")
    assert is_caught(50)


@pytest.mark.parametrize(
    ("module", "name", "seeds"),
    [
        pytest.param(cut, "is_past", 100, id="a cut that does not wait for the journals"),
        pytest.param(cut, "has_grown", 1000, id="repeated windows published without a newer one"),
    ],
)
def test_a_cut_that_always_fits_is_noticed(module: ModuleType, name: str, seeds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, name, lambda *_: True)
    monkeypatch.setattr(judgement, name, lambda *_: True, raising=False)
    assert is_caught(seeds)


def test_a_log_that_begins_anew_unnoticed_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cycle, "is_another", lambda *_: False)
    assert is_caught(100)


def test_rows_of_a_dead_cycle_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimulatedLake, "rollback", lambda *_: None)
    monkeypatch.setattr(SimulatedLake, "_require_head", lambda *_: None)
    assert is_caught(300)


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        pytest.param("_require_head", lambda *_: None, id="stage on top of another audit's rows"),
        pytest.param("_require_tag", lambda *_: None, id="a woken audit moves tags back"),
        pytest.param("_require_cycle", lambda *_: None, id="two audits publish the same cycle"),
    ],
)
def test_a_second_audit_that_is_not_refused_is_noticed(name: str, broken: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SimulatedLake, name, broken)
    assert is_caught(600)


def test_a_published_window_recomputed_instead_of_restored_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = SimulatedLake.stage_rows

    def recompute(self: SimulatedLake, name: str, parent: int, cycle: int, changes: Mapping[str, Changes]) -> int:
        recomputed = {stream: replace(each, replace=each.replace + each.restore, restore=()) for stream, each in changes.items()}
        return stage(self, name, parent, cycle, recomputed)

    monkeypatch.setattr(SimulatedLake, "stage_rows", recompute)
    assert is_caught(600)


def test_a_repeat_with_another_payload_that_is_merely_subtracted_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    compare = SimulatedLake.compare

    def blind(*asked: Any) -> tuple[Comparison, ...]:
        return tuple(replace(each, has_clashes=False) for each in compare(*asked))

    monkeypatch.setattr(SimulatedLake, "compare", blind)
    assert is_caught(100)


def test_duplicates_that_were_never_counted_and_are_subtracted_all_the_same_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = SimulatedLake.stage_rows

    def subtract_more(self: SimulatedLake, name: str, parent: int, cycle: int, changes: Mapping[str, Changes]) -> int:
        more = {stream: replace(each, adjust=each.adjust + each.replace) for stream, each in changes.items()}
        return stage(self, name, parent, cycle, more)

    monkeypatch.setattr(SimulatedLake, "stage_rows", subtract_more)
    assert is_caught(100)


def test_a_stream_that_cannot_be_judged_for_a_while_stops_no_other_and_heals() -> None:
    for seed in range(40):
        world = World(seed)
        world.fails, world.failing, world.is_calm = True, 1.0, False
        for _ in range(TURNS):
            world.turn()
        last = world.catalog.recorded[-1].streams
        assert all(position.next_offset == 0 for position in last["a"].positions.values())
        simulate_rest(world)


def test_the_other_stream_is_published_while_one_cannot_be_judged() -> None:
    proved = []
    for seed in range(40):
        world = World(seed)
        world.fails, world.failing = True, 1.0
        for _ in range(TURNS):
            world.turn()
        proved.append(world.catalog.recorded[-1].streams["b"].windows["kpis"].proved)
    assert sum(end > 0 for end in proved) > 20
