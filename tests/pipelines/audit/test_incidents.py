"""Incidents open once, grow, and close when they heal or are acknowledged."""

from dataclasses import replace
from itertools import pairwise

import pytest

from pipelines.audit.incidents import LAG, LOST, Incident, changed, merged, open_incidents, standing
from pipelines.audit.publication import MISMATCH, UNEXPLAINED, Hold, StreamFrontier

FREE = StreamFrontier({}, {})
LOSS = Incident(LOST, "5 to 9 are gone", 1_000, "runs.v1", 0, 5, 9)
GROWN = replace(LOSS, detail="5 to 12 are gone", since_ms=2_000, last_offset=12)


def test_an_incident_found_again_is_the_same() -> None:
    assert merged([LOSS], [replace(LOSS, since_ms=2_000)]) == (LOSS,)


def test_a_range_that_grows_keeps_its_beginning() -> None:
    assert merged([LOSS], [GROWN]) == (replace(GROWN, since_ms=1_000),)


def test_another_place_is_another_incident() -> None:
    assert merged([LOSS], [replace(LOSS, partition=1)]) == (LOSS, replace(LOSS, partition=1))


def test_what_opens_grows_and_closes_is_told_once() -> None:
    states = [FREE, replace(FREE, incidents=(LOSS,)), replace(FREE, incidents=(GROWN,)), FREE]
    assert [changed(*pair) for pair in pairwise(states)] == [((LOSS,), ()), ((GROWN,), ()), ((), (GROWN,))]


def test_a_hold_that_finds_more_is_told_again_and_not_closed() -> None:
    hold = Hold(MISMATCH, 0, 0, "1 window")
    before, after = replace(FREE, hold=hold), replace(FREE, hold=replace(hold, detail="2 windows"))
    opened, closed = changed(before, after)
    assert [one.detail for one in opened] == ["2 windows"]
    assert closed == ()


def test_what_stays_open_is_not_told_again() -> None:
    assert changed(replace(FREE, incidents=(LOSS,)), replace(FREE, incidents=(LOSS,))) == ((), ())


def test_a_hold_that_needs_somebody_is_an_incident() -> None:
    assert [one.kind for one in open_incidents(replace(FREE, hold=Hold(MISMATCH, 0, 0))).values()] == [MISMATCH]
    assert open_incidents(replace(FREE, hold=Hold(UNEXPLAINED, 0, 0))) == {}


@pytest.mark.parametrize(
    ("frontier", "told"),
    [
        (FREE, ("pass", None)),
        (replace(FREE, hold=Hold(UNEXPLAINED, 0, 0)), ("pass", UNEXPLAINED)),
        (replace(FREE, incidents=(Incident(LAG, "", 0),)), ("alarm", LAG)),
        (replace(FREE, incidents=(Incident(LAG, "", 0), LOSS)), ("incomplete", LOST)),
        (replace(FREE, incidents=(LOSS,), hold=Hold(MISMATCH, 0, 0)), ("held", MISMATCH)),
    ],
)
def test_readers_are_told_the_worst(frontier: StreamFrontier, told: tuple[str, str | None]) -> None:
    assert standing(frontier) == told
