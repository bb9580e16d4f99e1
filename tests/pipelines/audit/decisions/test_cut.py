"""Which snapshots may be judged together."""

from pipelines.audit.decisions.cut import has_grown, is_past, lagging, least_reach
from pipelines.audit.decisions.lake import Offsets, Span
from pipelines.audit.publication import Position, StreamFrontier, WindowFrontier


def offsets(reach_ms: int) -> Offsets:
    return Offsets(rows=1, distinct=1, repeated=0, high=0, reach_ms=reach_ms)


def passed(window_end: int) -> StreamFrontier:
    return StreamFrontier({}, {"kpis": WindowFrontier(window_end, window_end, {})})


def test_a_journal_reaches_as_far_as_its_slowest_partition() -> None:
    assert least_reach((0, 1), {}, {0: offsets(90), 1: offsets(70)}) == 70


def test_a_listed_partition_without_any_row_stops_the_journal() -> None:
    assert least_reach((0, 1), {}, {0: offsets(90)}) == -1


def test_published_rows_count_for_the_reach() -> None:
    assert least_reach((0,), {0: Position(3, 3, reach_ms=80)}, {0: offsets(75)}) == 80


def test_a_topic_that_lists_no_partition_has_reached_nothing() -> None:
    assert least_reach((), {}, {}) == -1


def test_equal_milliseconds_are_not_past_a_window() -> None:
    assert not is_past(100, 100)
    assert is_past(101, 100)


def test_a_journal_that_is_not_past_the_newest_window_lags() -> None:
    assert lagging({"a": Span(10, 100), "b": Span(10, 100)}, {"a": 100, "b": 101}) == {"a"}


def test_a_stream_that_is_not_required_does_not_lag() -> None:
    assert lagging({"a": Span(10, 100)}, {}) == frozenset()


def test_every_stream_with_new_rows_needs_a_newer_window() -> None:
    streams = {"a": passed(50), "b": passed(50)}
    assert has_grown({"a": Span(40, 60)}, "kpis", streams)
    assert not has_grown({"a": Span(40, 60), "b": Span(40, 50)}, "kpis", streams)
