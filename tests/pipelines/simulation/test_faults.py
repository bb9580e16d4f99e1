"""Each class of bad input is refused for the reason it was made for."""

import pytest

from contracts.registry import load
from contracts.validator import Validator
from pipelines.simulation.faults import FAULTS, MISSING, VICTIMS, WRONG_TIMES, WRONG_VALUES, broken
from pipelines.simulation.messages import messages
from pipelines.simulation.scenario import Scenario

START_MS = 1_795_000_000_000
REASONS = {
    **dict.fromkeys(WRONG_VALUES, "wrong_type"),
    **dict.fromkeys(MISSING, "missing"),
    **dict.fromkeys(WRONG_TIMES, "out_of_range"),
    **dict.fromkeys(["not_json", "not_an_object", "empty_value"], "malformed"),
    **dict.fromkeys(["below_range", "above_range"], "out_of_range"),
    **dict.fromkeys(["outside_enumeration", "false_canary"], "not_allowed"),
    "null_for_required": "missing",
    "too_long": "too_long",
    "unknown_event_type": "unknown_event_type",
    "invalid_utf8": "invalid_utf8",
    "null_value": "null_value",
}


@pytest.fixture(scope="module")
def victims() -> dict[str, dict[str, object]]:
    made = messages(Scenario(start_ms=START_MS, count=5000))
    return {message.stream: message.event for message in made if message.event["event_type"] == VICTIMS[message.stream]}


@pytest.mark.parametrize("stream", sorted(VICTIMS))
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_refused_for_its_reason(fault: str, stream: str, victims: dict[str, dict[str, object]]) -> None:
    violation = Validator(load()).check(stream, broken(fault, stream, victims[stream]), START_MS)
    assert violation is not None
    assert violation.reason == REASONS[fault]
