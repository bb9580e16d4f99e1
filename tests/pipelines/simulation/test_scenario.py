"""A scenario that contradicts itself is refused in one sentence."""

from typing import Any

import pytest

from pipelines.simulation.scenario import Scenario, ScenarioError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"duplicates": 1.5}, "duplicates: must be a share"),
        ({"duplicates": 0.5, "malformed": 0.5}, "leave no room"),
        ({"rate": -1}, "rate"),
        ({"rate": 0}, "count: is needed"),
        ({"spread_s": 60}, "count: is needed"),
    ],
)
def test_a_contradiction_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        Scenario(start_ms=0, **options)


def test_a_duration_at_a_rate_is_a_count() -> None:
    assert Scenario(start_ms=0, rate=250, duration_s=8).total == 2000
