"""Expressions of definitions: parsed once, written for each engine from the tree."""

from __future__ import annotations

import pytest

from kpis.expressions import Engine, all_of, fill, parse

MARKS: dict[Engine, str] = {"flink": "`", "duckdb": '"', "trino": '"'}


def test_columns_of_an_expression_are_found_wherever_they_are() -> None:
    assert parse("CASE WHEN a > 1 THEN COALESCE(b, c) END").columns == {"a", "b", "c"}


def test_a_condition_is_taken_apart_at_its_ands_only() -> None:
    assert parse("a = 1 AND (b = 2 OR c = 3)").conjuncts == (parse("a = 1"), parse("b = 2 OR c = 3"))


def test_a_choice_keeps_its_brackets_when_it_is_joined_again() -> None:
    assert all_of(*parse("(a = 1 OR b = 2) AND c").conjuncts) == parse("(a = 1 OR b = 2) AND c")


def test_joined_conditions_keep_their_meaning() -> None:
    assert all_of(parse("a OR b"), None, parse("c")) == parse("(a OR b) AND c")


@pytest.mark.parametrize("engine", MARKS)
def test_reserved_words_are_quoted_as_names_and_left_alone_in_texts(engine: Engine) -> None:
    mark = MARKS[engine]
    assert parse("procedure = 'bad value here'").sql(engine) == f"{mark}procedure{mark} = 'bad value here'"


@pytest.mark.parametrize("engine", MARKS)
def test_a_quote_in_a_text_stays_one(engine: Engine) -> None:
    assert parse("a = 'it''s'").sql(engine) == "a = 'it''s'"


def test_what_is_put_into_a_template_keeps_its_brackets() -> None:
    assert fill("x * 2", x=parse("a + b")) == parse("(a + b) * 2")


@pytest.mark.parametrize("condition", ["a IS TRUE", "a IS NOT TRUE", "NOT a IS FALSE", "a IS b"])
def test_nothing_is_compared_by_is_but_null(condition: str) -> None:
    with pytest.raises(ValueError, match="only IS NULL is allowed in a definition"):
        parse(condition)


@pytest.mark.parametrize(("condition", "named"), [("is_leaf", None), ("kind <> 'a'", None), ("kind NOT IN ('a')", None), ("kind = 'a' OR is_leaf", None)])
def test_a_condition_that_other_values_meet_names_none(condition: str, named: None) -> None:
    assert parse(condition).values_of("kind") is named


def test_conditions_that_must_all_hold_name_what_meets_each() -> None:
    assert parse("kind IN ('a', 'b') AND kind = 'b' AND is_leaf").values_of("kind") == frozenset({"b"})
