"""Verdicts over windows, offsets and held streams."""

import pytest

from pipelines.audit.decisions.lake import Comparison, Offsets
from pipelines.audit.decisions.verdict import LONGEST_WAIT_MS, Verdict, count_missing, hold_for, is_due, judge
from pipelines.audit.publication import MISMATCH, UNEXPLAINED, Hold


@pytest.mark.parametrize(
    ("equal_raw", "doubled", "has_duplicates", "has_clashes", "has_late", "expected"),
    [
        (True, False, False, False, False, "stand"),
        (True, False, False, False, True, "stand"),
        (True, False, True, False, True, "duplicate"),
        (True, False, True, True, False, "clash"),
        (False, True, False, False, False, "double_commit"),
        (False, True, True, True, True, "double_commit"),
        (False, False, False, False, True, "late"),
        (False, False, True, True, False, "none"),
        (False, False, False, False, False, "none"),
    ],
)
def test_a_window_is_judged(*, equal_raw: bool, doubled: bool, has_duplicates: bool, has_clashes: bool, has_late: bool, expected: Verdict) -> None:
    assert judge(Comparison(10, equal_raw, doubled, has_duplicates, has_clashes, has_late)) == expected


@pytest.mark.parametrize(("equal_otherwise", "expected"), [(True, "overflow"), (False, "late")])
def test_a_sum_that_outgrows_64_bits_explains_nothing_but_itself(*, equal_otherwise: bool, expected: Verdict) -> None:
    comparison = Comparison(
        10, equal_raw=False, doubled=False, has_duplicates=True, has_clashes=False, has_late=True, overflowed=("sum_a",), equal_otherwise=equal_otherwise
    )
    assert judge(comparison) == expected


def test_offsets_without_a_gap_miss_nothing() -> None:
    assert count_missing(5, Offsets(rows=3, distinct=3, repeated=0, high=7, reach_ms=0)) == 0


def test_a_repeated_row_does_not_hide_a_gap() -> None:
    assert count_missing(5, Offsets(rows=3, distinct=2, repeated=1, high=7, reach_ms=0)) == 1


def test_a_partition_with_no_row_past_its_position_misses_nothing() -> None:
    assert count_missing(5, Offsets(rows=0, distinct=0, repeated=0, high=4, reach_ms=-1)) == 0


def test_a_stream_held_for_the_first_time_is_judged_again_at_once() -> None:
    assert hold_for(MISMATCH, None, 1_000) == Hold(MISMATCH, 1_000, 1_000)


def test_a_held_stream_is_left_alone_for_as_long_as_it_was_held() -> None:
    assert hold_for(MISMATCH, Hold(UNEXPLAINED, 1_000, 1_000), 5_000) == Hold(MISMATCH, 1_000, 9_000)


def test_a_held_stream_is_never_forgotten() -> None:
    assert hold_for(MISMATCH, Hold(MISMATCH, 0, 0), 10 * LONGEST_WAIT_MS).retry_ms == 11 * LONGEST_WAIT_MS


def test_a_budget_goes_on_in_the_next_cycle() -> None:
    assert hold_for(UNEXPLAINED, Hold(UNEXPLAINED, 0, 0), 5_000).retry_ms == 5_000


def test_a_free_stream_is_always_due() -> None:
    assert is_due(None, 0)


def test_a_held_stream_is_due_at_its_time() -> None:
    assert not is_due(Hold(MISMATCH, 0, 100), 99)
    assert is_due(Hold(MISMATCH, 0, 100), 100)
