"""Ranges of wanted offsets; reading them needs a broker and is tested on one."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from connectors.kafka.reader import Range, merge

ranges = st.lists(st.builds(lambda first, length: Range(first, first + length), st.integers(0, 50), st.integers(0, 9)))


def offsets(parts: list[Range]) -> list[int]:
    return [offset for part in parts for offset in range(part.first, part.last + 1)]


@given(ranges)
def test_merging_keeps_every_offset_once_and_ascending(parts: list[Range]) -> None:
    assert offsets(merge(parts)) == sorted(set(offsets(parts)))


@given(ranges)
def test_merged_ranges_leave_a_gap_between_them(parts: list[Range]) -> None:
    merged = merge(parts)
    assert all(left.last + 1 < right.first for left, right in pairwise(merged))
