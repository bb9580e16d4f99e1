"""Each class of bad input is refused for the reason it was made for."""

import pytest

from contracts.registry import load
from contracts.validator import Validator
from pipelines.simulation.faults import FAULTS, MISSING, WRONG_TIMES, WRONG_VALUES, broken, faults_of, field_of, victim_of
from pipelines.simulation.messages import messages
from pipelines.simulation.scenario import Scenario

CONTRACTS = load()
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


STREAMS = CONTRACTS.streams


@pytest.fixture(scope="module")
def victims() -> dict[str, dict[str, object]]:
    made = messages(Scenario(start_ms=START_MS, count=5000), CONTRACTS)
    return {message.stream: message.event for message in made if message.event["event_type"] == victim_of(STREAMS[message.stream]).name}


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_refused_for_its_reason(fault: str, stream: str, victims: dict[str, dict[str, object]]) -> None:
    violation = Validator(CONTRACTS).check(stream, broken(fault, STREAMS[stream], victims[stream]), START_MS)
    assert violation is not None
    assert violation.reason == REASONS[fault]


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "false_canary"])
def test_a_fault_is_found_in_the_field_that_was_broken(fault: str, stream: str, victims: dict[str, dict[str, object]]) -> None:
    violation = Validator(CONTRACTS).check(stream, broken(fault, STREAMS[stream], victims[stream]), START_MS)
    assert violation is not None
    assert violation.field == field_of(fault, STREAMS[stream])


def test_a_stream_without_numbers_has_no_fault_in_them() -> None:
    runs = STREAMS["runs"]
    plain = runs.model_copy(update={"event_types": {"step.started": runs.event_types["step.started"]}})
    assert set(FAULTS) - set(faults_of(plain)) == {"text_for_number"}


def test_a_fault_of_a_field_that_a_stream_lacks_is_refused() -> None:
    runs = STREAMS["runs"]
    plain = runs.model_copy(update={"event_types": {"step.started": runs.event_types["step.started"]}})
    with pytest.raises(ValueError, match="runs: has no field for text_for_number"):
        broken("text_for_number", plain, {})
