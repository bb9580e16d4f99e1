"""Which event types a KPI counts."""

from __future__ import annotations

from typing import Any

import pytest

from kpis.events import event_types
from kpis.model import Kpi
from tests.statements import CONTRACTS

STREAM = CONTRACTS.streams["model_calls"]
CALLS, ALL = ("model.completed", "model.failed"), ("model.completed", "model.failed", "model.switched")


def kpi(**told: Any) -> Kpi:
    words = dict.fromkeys(("title", "description", "owner"), "told")
    return Kpi(kpi="some", unit="ms", better="lower", stream="model_calls", **words, **told)


@pytest.mark.parametrize(
    ("told", "counted"),
    [
        ({"count": "event_type = 'model.failed' AND is_leaf"}, ("model.failed",)),
        ({"sum": "duration_ms"}, CALLS),
        ({"count": "to_model IS NOT NULL"}, ("model.switched",)),
        ({"count": None}, ALL),
        ({"count": "error_type IS NULL"}, ALL),
        ({"count": "COALESCE(attempt, 1) = 1"}, ALL),
        ({"count": "attempt = 1 OR reason = 'cost'"}, ALL),
        ({"count": "NOT (attempt = 1 AND reason = 'cost')"}, ALL),
        ({"count": "400 NOT IN (http_status, 429)"}, ALL),
        ({"sum": "COALESCE(output_tokens, duration_ms)"}, ALL),
        ({"sum": "CASE WHEN is_leaf THEN output_tokens ELSE 1 END", "where": "duration_ms > 5"}, CALLS),
    ],
)
def test_an_event_type_is_left_out_only_when_nothing_of_it_is_counted(told: dict[str, Any], counted: tuple[str, ...]) -> None:
    assert event_types(kpi(**told), STREAM) == counted
