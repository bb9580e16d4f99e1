"""Column names of measures: readable, and never the same for two meanings."""

from __future__ import annotations

from collections import Counter

import pytest

from kpis.model import Measure
from kpis.names import MAX_LENGTH, column_of

CONDITIONS = (
    "attempt = 1", "attempt <> 1", "attempt > 1", "attempt >= 1", "attempt < 1", "attempt <= 1", "attempt = -1", "attempt IN (1)", "attempt NOT IN (1)",
    "attempt IN (1, 2)", "attempt IN (12)", "attempt = 1.2", "attempt IS NULL", "attempt IS NOT NULL", "attempt BETWEEN 1 AND 2", "attempt + 1 = 2",
    "attempt - 1 = 2", "attempt * 1 = 2", "a = 'b'", "a = b", "a = 'B'", "a = 'b c'", "a = 'b_c'", "a = 'b.c'", "a = '1'", "a = 1", "a IN ('b', 'c')",
    "a IN ('b_text_c')", "a IN (b, c)", "a IN (b_c)", "a IN ('b', 1)", "a IN ('b_1')", "a OR b AND c", "(a OR b) AND c", "a AND b", "a_and_b", "NOT a",
    "not_a", "a LIKE 'b%'", "a LIKE 'b'", "COALESCE(a, b)", "COALESCE(a, c)", "a = ''", "a = 'it''s'", "a = TRUE", "a = 'true'", "a = 'TRUE'",
)  # fmt: skip


def test_two_conditions_have_two_names() -> None:
    names = Counter(column_of(Measure(kind="count", where=condition)) for condition in CONDITIONS)
    assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize(
    ("measure", "name"),
    [
        (Measure(kind="count"), "n"),
        (Measure(kind="sum", value="input_tokens"), "sum_input_tokens"),
        (Measure(kind="count", where="attempt > 1"), "count_attempt_gt_1"),
        (Measure(kind="count", where="a = -1 AND b = 'c'"), "count_a_eq_minus_1_and_b_eq_text_c"),
        (Measure(kind="max", value="a - b", where="c IS NOT NULL"), "max_a_minus_b_if_not_c_is_null"),
    ],
)
def test_a_simple_measure_is_spelled(measure: Measure, name: str) -> None:
    assert column_of(measure) == name


def test_a_condition_is_not_taken_for_part_of_the_value() -> None:
    assert column_of(Measure(kind="sum", value="a", where="b")) != column_of(Measure(kind="sum", value="a_if_b"))


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_name_is_one_that_all_engines_take(condition: str) -> None:
    name = column_of(Measure(kind="sum", value="x", where=condition))
    assert name.isidentifier()
    assert name == name.lower()
    assert len(name) <= MAX_LENGTH


def test_a_long_name_ends_in_a_hash() -> None:
    one, other = (column_of(Measure(kind="count", where=f"{'a' * 100} = {number}")) for number in (1, 2))
    assert one != other
    assert len(one) <= MAX_LENGTH


def test_ranks_are_part_of_the_meaning() -> None:
    one, other = (column_of(Measure(kind="latest", value="a", rank={"b": rank})) for rank in (1, 2))
    assert one != other
