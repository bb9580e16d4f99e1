"""Which offsets are missing, and how many of them one cycle reads again."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kafka.reader import Range
from pipelines.audit.engine.missing_offsets import _within as within
from pipelines.audit.engine.missing_offsets import gaps

RANGES = [Range(0, 4), Range(10, 10), Range(20, 29)]


def offsets(ranges: list[Range]) -> list[int]:
    return [offset for part in ranges for offset in range(part.first, part.last + 1)]


@given(st.sets(st.integers(0, 60)), st.integers(0, 30), st.integers(0, 30))
def test_gaps_are_exactly_what_is_not_present(present: set[int], first: int, length: int) -> None:
    last = first + length
    found = gaps(np.array(sorted(present), dtype=np.int64), first, last)
    assert offsets(found) == [offset for offset in range(first, last + 1) if offset not in present]


@given(st.sets(st.integers(0, 60)))
def test_gaps_do_not_touch_each_other(present: set[int]) -> None:
    found = gaps(np.array(sorted(present), dtype=np.int64), 0, 60)
    assert all(one.last + 1 < other.first for one, other in pairwise(found))


@pytest.mark.parametrize("budget", range(17))
def test_a_budget_is_spent_on_the_lowest_offsets(budget: int) -> None:
    wanted, rest = within(RANGES, budget)
    assert offsets(wanted) == offsets(RANGES)[:budget]
    assert rest == (offsets(RANGES)[budget] if budget < 16 else None)
