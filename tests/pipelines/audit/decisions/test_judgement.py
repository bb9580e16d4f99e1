"""What one finding about a stream does to it."""

from typing import cast

from pipelines.audit.decisions.judgement import Case, Finding, judge_stream
from pipelines.audit.decisions.lake import Comparison, DuplicateCount, Lake, Offsets, Span
from pipelines.audit.publication import MISREAD, Position, StreamFrontier, WindowFrontier


class OneStream:
    """A stream whose three new rows are complete; `wrong` of the sampled ones differ from their records."""

    def __init__(self, wrong: int) -> None:
        self.wrong = wrong

    def misread(self, stream: str) -> int:
        del stream
        return self.wrong

    def find_duplicates(self, stream: str) -> DuplicateCount:
        del stream
        return DuplicateCount(0, 0)

    def compare(self, name: str, stream: str, since: WindowFrontier, through: int) -> tuple[Comparison, ...]:
        del name, stream, since, through
        return ()

    def late_rows(self, stream: str, counted: object, before: int) -> int:
        del stream, counted, before
        return 0

    def reopened(self, name: str, stream: str, through: int) -> tuple[int, ...]:
        del name, stream, through
        return ()


def judge(wrong: int, *, is_released: bool = False) -> Finding:
    frontier = StreamFrontier({0: Position(0, 0)}, {"kpis": WindowFrontier(-1, -1, {0: 0})})
    offsets = {0: Offsets(3, 3, 0, 2, 12_000)}
    return judge_stream(cast("Lake", OneStream(wrong)), Case("runs", frontier, {"kpis": Span(10_000, 10_000)}, offsets, None, 12_000, 99, 10, is_released))


def test_a_delivery_that_differs_from_its_record_holds_the_stream() -> None:
    hold = judge(1).frontier.hold
    assert hold is not None
    assert hold.reason == MISREAD
    assert hold.is_incident


def test_deliveries_that_equal_their_records_are_published() -> None:
    assert judge(0).is_published


def test_a_released_stream_is_published_whatever_the_sample_says() -> None:
    assert judge(1, is_released=True).is_published
