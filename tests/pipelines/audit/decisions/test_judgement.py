"""What one finding about a stream does to it."""

from dataclasses import replace
from typing import cast

import pytest

from pipelines.audit.decisions.judgement import Case, Finding, judge_stream
from pipelines.audit.decisions.lake import Comparison, DuplicateCount, Lake, Offsets, Span
from pipelines.audit.publication import BEHIND, MISREAD, Hold, Place, Position, StreamFrontier, UndeclaredKey, WindowFrontier

STRANGE = UndeclaredKey("billing", "run.started", "colour", 2)


class OneStream:
    """A stream whose three new rows are complete; `wrong` of the sampled ones differ from their records, `windows` are compared."""

    def __init__(self, wrong: int, *windows: Comparison) -> None:
        self.wrong = wrong
        self.windows = windows
        self.asked: tuple[Place, ...] = ()

    def misread(self, stream: str, again: tuple[Place, ...]) -> tuple[Place, ...]:
        del stream
        self.asked = again
        return tuple((0, offset) for offset in range(self.wrong))

    def find_duplicates(self, stream: str) -> DuplicateCount:
        del stream
        return DuplicateCount(0, 0)

    def compare(self, name: str, stream: str, since: WindowFrontier, through: int, seam_ms: int) -> tuple[Comparison, ...]:
        del name, stream, since, through, seam_ms
        return self.windows

    def late_rows(self, stream: str, counted: object, before: int) -> int:
        del stream, counted, before
        return 0

    def undeclared_keys(self, stream: str) -> tuple[UndeclaredKey, ...]:
        del stream
        return (STRANGE,)

    def reopened(self, name: str, stream: str, through: int) -> tuple[int, ...]:
        del name, stream, through
        return ()


def judge(wrong: int, *windows: Comparison, is_released: bool = False) -> Finding:
    return judge_held(OneStream(wrong, *windows), None, is_released=is_released)


def judge_held(lake: OneStream, hold: Hold | None, *, reach_ms: int = 12_000, is_released: bool = False) -> Finding:
    frontier = StreamFrontier({0: Position(0, 0)}, {"kpis": WindowFrontier(-1, -1, {0: 0})}, hold)
    offsets = {0: Offsets(3, 3, 0, 2, reach_ms)}
    return judge_stream(cast("Lake", lake), Case("runs", frontier, {"kpis": Span(10_000, 10_000)}, offsets, reach_ms, 99, 10, is_released))


def test_a_delivery_that_differs_from_its_record_holds_the_stream() -> None:
    hold = judge(1).frontier.hold
    assert hold is not None
    assert hold.reason == MISREAD
    assert hold.is_incident


def test_deliveries_that_equal_their_records_are_published() -> None:
    assert judge(0).is_published


def test_a_released_stream_is_published_whatever_the_sample_says() -> None:
    assert judge(1, is_released=True).is_published


@pytest.mark.parametrize(("wrong", "told"), [(0, (STRANGE,)), (1, ())], ids=["published", "held"])
def test_undeclared_keys_are_told_of_what_is_published(wrong: int, told: tuple[UndeclaredKey, ...]) -> None:
    assert judge(wrong).report.undeclared == told


OVERFLOWN = Comparison(
    10_000,
    equal_raw=False,
    doubled=False,
    has_duplicates=False,
    has_clashes=False,
    has_late=False,
    overflowed=("sum_a", "sum_b"),
    equal_otherwise=True,
)


def test_a_window_with_a_sum_of_more_than_64_bits_is_replaced_and_published() -> None:
    found = judge(0, OVERFLOWN)
    assert found.is_published
    assert found.changes["kpis"].replace == (10_000,)
    assert found.report.windows == {"kpis": {"overflow": 1}}


def test_each_sum_of_more_than_64_bits_is_an_incident() -> None:
    incidents = judge(0, OVERFLOWN, replace(OVERFLOWN, window_end=20_000)).frontier.incidents
    assert [(one.kind, one.detail.split()[0]) for one in incidents] == [("overflow", "sum_a"), ("overflow", "sum_b")]


def test_a_hold_names_the_records_that_were_misread() -> None:
    hold = judge(2).frontier.hold
    assert hold is not None
    assert hold.places == ((0, 0), (0, 1))
    assert hold.detail == "2 records are not in the journal as they were sent: 0/0, 0/1 (partition/offset)"


def test_a_stream_held_for_misread_records_has_the_same_records_read_again() -> None:
    lake = OneStream(0)
    assert judge_held(lake, Hold(MISREAD, 0, 0, "", ((0, 1),))).is_published
    assert lake.asked == ((0, 1),)


def test_misread_records_are_remembered_while_something_else_holds_the_stream() -> None:
    hold = judge_held(OneStream(0), Hold(MISREAD, 0, 0, "", ((0, 1),)), reach_ms=9_000).frontier.hold
    assert hold is not None
    assert (hold.reason, hold.places) == (BEHIND, ((0, 1),))
