"""Bounds and types of the values of expressions."""

from __future__ import annotations

import pytest

from kpis.expressions import parse
from kpis.values import is_text, outgrown
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


@pytest.mark.parametrize("expression", ["provider", "'a'", "COALESCE(provider, 'a')", "CASE WHEN is_leaf THEN provider END", "(provider)"])
def test_text_is_told(expression: str) -> None:
    assert is_text(parse(expression).tree, CALLS)


@pytest.mark.parametrize("expression", ["attempt", "1", "attempt + 1", "CASE WHEN provider = 'a' THEN attempt END"])
def test_numbers_are_told(expression: str) -> None:
    assert not is_text(parse(expression).tree, CALLS)
