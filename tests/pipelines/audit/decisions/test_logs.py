"""What the broker's logs say of a stream."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.audit.decisions.lake import Log, Stretch
from pipelines.audit.decisions.logs import MOST_LOSSES, acknowledged, begun_anew, is_another, watch, with_losses
from pipelines.audit.incidents import LAG, LOST, NEW_LOG, NO_TOPIC
from pipelines.audit.publication import Epoch, Position, StreamFrontier, facts_through, key_of

HOUR_MS = 3_600_000
FRONTIER = StreamFrontier({0: Position(10, 10, 5_000), 1: Position(8, 8, 6_000)}, {}, epochs=(Epoch(-1, "a.v1", "first"),))
LOG = Log("a.v1", "first", {0: 0, 1: 0}, {0: 10, 1: 9}, 2 * HOUR_MS)
ANEW = Log("a.v1", "second", {0: 0, 1: 0}, {0: 3, 1: 0}, 2 * HOUR_MS)


def kinds(frontier: StreamFrontier, log: Log | None, now_ms: int = 7_000, oldest_ms: int = 6_500) -> list[tuple[str, int, int]]:
    watched = watch(frontier, log, {}, now_ms, lambda *_: oldest_ms)
    return [(incident.kind, incident.first_offset, incident.last_offset) for incident in watched.incidents]


def begun(log: Log, before: Log | None = LOG) -> StreamFrontier:
    def appended_at(partition: int, offset: int) -> int | None:
        del offset
        return 9_000 if partition == 0 else None

    return begun_anew(FRONTIER, log, before, now_ms=9_500, window_ms=10, appended_at=appended_at, offsets_since=lambda _: {0: 4, 1: 9})


def test_a_log_that_is_read_in_time_is_no_incident() -> None:
    assert kinds(FRONTIER, LOG) == []


def test_a_topic_that_does_not_exist_is_an_alarm_until_it_does() -> None:
    missing = watch(FRONTIER, None, {}, 7_000, lambda *_: None)
    assert [incident.kind for incident in missing.incidents] == [NO_TOPIC]
    assert kinds(missing, LOG) == []


@pytest.mark.parametrize(("oldest_ms", "found"), [(HOUR_MS, []), (HOUR_MS - 2, [(LAG, -1, -1)])])
def test_a_lag_past_half_of_the_retention_is_an_alarm(oldest_ms: int, found: list[tuple[str, int, int]]) -> None:
    assert kinds(FRONTIER, LOG, 2 * HOUR_MS - 1, oldest_ms) == found


def test_a_lag_is_an_alarm_also_while_the_journal_is_opened_in_bites() -> None:
    watched = watch(FRONTIER, LOG, None, 2 * HOUR_MS - 1, lambda *_: HOUR_MS - 2)
    assert [incident.kind for incident in watched.incidents] == [LAG]


def test_a_loss_stays_told_while_the_journal_is_opened_in_bites() -> None:
    lost = watch(FRONTIER, replace(LOG, starts={0: 0, 1: 9}), {}, 7_000, lambda *_: None)
    assert [incident.kind for incident in lost.incidents] == [LOST]
    assert watch(lost, LOG, None, 7_000, lambda *_: None) == lost


def test_records_that_are_kept_for_ever_never_lag() -> None:
    assert kinds(FRONTIER, replace(LOG, retention_ms=-1), 1000 * HOUR_MS, 0) == []


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        pytest.param(LOG, False, id="the same"),
        pytest.param(replace(LOG, topic_id="second"), True, id="created anew"),
        pytest.param(replace(LOG, topic="a.v2"), True, id="another topic"),
        pytest.param(replace(LOG, ends={0: 9, 1: 9}), True, id="shorter than what is published"),
    ],
)
def test_a_log_is_another_one(log: Log, *, expected: bool) -> None:
    assert is_another(FRONTIER, log) is expected


def test_positions_begin_anew_in_a_log_that_was_created_anew() -> None:
    assert {partition: position.next_offset for partition, position in begun(ANEW).current.items()} == {0: 0, 1: 0}
    assert begun(ANEW).positions[0] == FRONTIER.positions[0]


def test_facts_reach_as_far_as_before_until_the_new_log_has_more() -> None:
    assert facts_through(begun(ANEW)) == facts_through(FRONTIER) == 5_000


def test_a_new_log_is_an_incident_that_names_both() -> None:
    (incident,) = begun(ANEW).incidents
    assert incident.kind == NEW_LOG
    assert "a.v1 (second) is not the log that was read before (a.v1, first)" in incident.detail


def test_a_new_log_without_a_record_is_waited_for() -> None:
    assert begun_anew(FRONTIER, ANEW, LOG, now_ms=1, window_ms=10, appended_at=lambda *_: None, offsets_since=lambda _: {}) == FRONTIER


def test_what_the_old_log_had_and_nobody_journaled_is_lost_with_it_until_it_is_acknowledged() -> None:
    assert kinds(begun(ANEW), ANEW)[1:] == [(LOST, 8, 8)]
    assert kinds(acknowledged(begun(ANEW)), ANEW) == []


def test_a_log_that_lost_its_end_goes_on_after_what_was_published() -> None:
    shorter = begun(replace(LOG, ends={0: 4, 1: 9}))
    assert (shorter.epochs[-1].begun_ms, shorter.positions[key_of(1, 0)].next_offset) == (6_001, 4)


def test_a_loss_that_goes_on_where_another_ends_makes_that_longer() -> None:
    known = with_losses(FRONTIER, (Stretch(0, 10, 12),), 1)
    (lost,) = with_losses(replace(FRONTIER, incidents=known), (Stretch(0, 13, 20),), 2)
    assert (lost.first_offset, lost.last_offset, lost.since_ms) == (10, 20, 1)


def test_losses_without_number_are_one_incident_per_partition() -> None:
    lost = tuple(Stretch(0, 10 * number, 10 * number) for number in range(1, 30_000))
    told = with_losses(FRONTIER, (*lost, Stretch(1, 8, 9)), 1)
    assert [(one.partition, one.first_offset, one.last_offset) for one in told] == [(0, 10, 299_990), (1, 8, 9)]
    assert told[0].detail.startswith("many of the offsets 10 to 299990 ")


def test_losses_of_many_cycles_become_one_incident() -> None:
    frontier = FRONTIER
    for number in range(1, MOST_LOSSES + 2):
        frontier = replace(frontier, incidents=with_losses(frontier, (Stretch(0, 10 * number, 10 * number),), number))
    assert [(one.first_offset, one.last_offset, one.since_ms) for one in frontier.incidents] == [(10, 10 * MOST_LOSSES + 10, 1)]
