"""Bounds and types of the values of expressions."""

from __future__ import annotations

import re

import pytest

from kpis.expressions import parse
from kpis.values import MixedTypesError, outgrown, type_of
from tests.statements import CONTRACTS

CALLS = CONTRACTS.streams["model_calls"]


@pytest.mark.parametrize(
    "expression",
    ["input_tokens + output_tokens", "duration_ms * 1000", "event_time - 60000", "COALESCE(cost_usd, 0) * 9000", "CASE WHEN is_leaf THEN attempt END + 1"],
)
def test_what_stays_within_64_bits_is_taken(expression: str) -> None:
    assert outgrown(parse(expression).tree, CALLS) is None


@pytest.mark.parametrize(
    ("expression", "part"),
    [
        ("cost_usd * 10000", "cost_usd * 10000"),
        ("duration_ms * duration_ms", "duration_ms * duration_ms"),
        ("COALESCE(cost_usd * cost_usd, 0)", "cost_usd * cost_usd"),
        ("-event_time * event_time + 1", "-event_time * event_time + 1"),
        ("attempt > duration_ms * duration_ms", "duration_ms * duration_ms"),
        ("(0 - cost_usd) * 10000", "(0 - cost_usd) * 10000"),
        ("CASE WHEN is_leaf THEN cost_usd ELSE 0 END * 10000", "CASE WHEN is_leaf THEN cost_usd ELSE 0 END * 10000"),
    ],
)
def test_what_may_outgrow_64_bits_is_named(expression: str, part: str) -> None:
    assert outgrown(parse(expression).tree, CALLS) == part


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("provider", "text"),
        ("COALESCE(provider, 'a')", "text"),
        ("CASE WHEN is_leaf THEN provider END", "text"),
        ("attempt + 1", "whole"),
        ("event_time - 60000", "whole"),
        ("CASE WHEN provider = 'a' THEN attempt END", "whole"),
        ("CASE WHEN cost_usd IS NULL THEN input_tokens ELSE 0 END", "whole"),
        ("attempt * 1.5", "fraction"),
        ("COALESCE(cost_usd, 0) * 2", "money"),
        ("cost_usd + cost_usd", "money"),
        ("cost_usd > 0 AND is_leaf", "condition"),
        ("provider IN ('a', 'b') OR attempt BETWEEN 1 AND 2", "condition"),
        ("NULL", None),
    ],
)
def test_the_type_of_a_value_is_told(expression: str, told: str | None) -> None:
    assert type_of(parse(expression).tree, CALLS) == told


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("cost_usd > 1", "'cost_usd > 1' takes money and whole together"),
        ("COALESCE(cost_usd, 1)", "'COALESCE(cost_usd, 1)' takes money and whole together"),
        ("CASE WHEN is_leaf THEN cost_usd ELSE input_tokens END", "takes money and whole together"),
        ("cost_usd * 1.5", "'cost_usd * 1.5' takes fraction and money together"),
        ("cost_usd * cost_usd", "'cost_usd * cost_usd' is money times money"),
        ("provider = 1", "'provider = 1' takes text and whole together"),
        ("attempt AND is_leaf", "'attempt' is no condition"),
        ("CASE WHEN attempt THEN 1 END", "'attempt' is no condition"),
        ("CASE attempt WHEN 1 THEN 1 END", "compares by itself"),
    ],
)
def test_what_cannot_be_taken_together_is_named(expression: str, said: str) -> None:
    with pytest.raises(MixedTypesError, match=re.escape(said)):
        type_of(parse(expression).tree, CALLS)
