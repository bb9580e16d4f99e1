"""Workflow histories become runs with outcomes, steps and model calls."""

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from connectors.kafka.records import canonical
from connectors.sources.adapter import BadLine, Event, Skipped, SourceError
from connectors.sources.temporal import ADAPTER
from contracts.registry import load
from contracts.validator import Validator

NOW_MS = 1_780_000_000_000
START = {
    "originalExecutionRunId": "r-1",
    "workflowId": "order-17",
    "workflowType": {"name": "OrderWorkflow"},
    "taskQueue": {"name": "orders"},
    "attempt": 1,
}
ASKED = {"model_name": "gpt-x", "input": "a secret question"}
ANSWERED = {"output": "a secret answer", "usage": {"input_tokens": 50, "output_tokens": 7, "input_tokens_details": {"cached_tokens": 20}}}


def payloads(value: object) -> dict[str, Any]:
    return {"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": base64.b64encode(json.dumps(value).encode()).decode()}]}


def event(number: int, kind: str, **attributes: Any) -> dict[str, Any]:
    spelled = kind[0].lower() + kind[1:]
    return {"eventId": str(number), "eventTime": f"2026-05-01T10:00:{number:02d}.123456789Z", "eventType": kind, f"{spelled}EventAttributes": attributes}


def shouted(found: dict[str, Any]) -> dict[str, Any]:
    """Return the event in Temporal's other spelling of its type."""
    words = "".join(f"_{letter}" if letter.isupper() else letter for letter in found["eventType"])
    return {**found, "eventType": f"EVENT_TYPE{words.upper()}"}


def history(ending: dict[str, Any] | None = None, activity: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return a history with one model call, which `activity` may end otherwise, and an ending."""
    return [
        event(1, "WorkflowExecutionStarted", **START),
        event(2, "WorkflowTaskScheduled"),
        event(3, "ActivityTaskScheduled", activityId="1", activityType={"name": "invoke_model_activity"}, input=payloads(ASKED)),
        event(4, "ActivityTaskStarted", scheduledEventId="3", attempt=2),
        activity or event(6, "ActivityTaskCompleted", scheduledEventId="3", result=payloads(ANSWERED)),
        *([ending] if ending else []),
    ]


def told(folder: Path, events: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    (folder / "history.json.gz").write_bytes(gzip.compress(json.dumps({"events": events}).encode()))
    return {item.payload["event_type"]: item.payload for item in ADAPTER.read(folder) if isinstance(item, Event)}


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("WorkflowExecutionCompleted", "run.succeeded"),
        ("WorkflowExecutionFailed", "run.failed"),
        ("WorkflowExecutionTimedOut", "run.timed_out"),
        ("WorkflowExecutionCanceled", "run.cancelled"),
        ("WorkflowExecutionTerminated", "run.cancelled"),
    ],
)
def test_each_ending_is_an_outcome_that_knows_its_start(tmp_path: Path, kind: str, outcome: str) -> None:
    ended = told(tmp_path, history(event(9, kind)))[outcome]
    assert (ended["run_id"], ended["run_kind"], ended["workflow_id"]) == ("r-1", "workflow", "OrderWorkflow")
    assert ended["event_time"] - ended["started_at"] == 8000


def test_both_spellings_of_a_type_say_the_same(tmp_path: Path) -> None:
    events = history(event(9, "WorkflowExecutionCompleted"))
    assert told(tmp_path, events) == told(tmp_path, [shouted(found) for found in events])


def test_a_history_without_an_end_leaves_its_run_open(tmp_path: Path) -> None:
    assert set(told(tmp_path, history())) == {"run.started", "step.started", "step.completed", "model.completed"}


def test_an_activity_is_a_step_with_its_duration(tmp_path: Path) -> None:
    step = told(tmp_path, history())["step.completed"]
    assert (step["step_id"], step["task_id"], step["attempt"], step["duration_ms"]) == ("r-1:1", "invoke_model_activity", 2, 2000)


def test_a_failed_activity_names_its_error_and_not_its_message(tmp_path: Path) -> None:
    failure = {"message": "a secret reason", "applicationFailureInfo": {"type": "RateLimited"}}
    events = told(tmp_path, history(activity=event(6, "ActivityTaskFailed", scheduledEventId="3", failure=failure)))
    assert events["step.failed"]["error_type"] == events["model.failed"]["error_type"] == "RateLimited"


def test_a_model_call_knows_its_model_and_tokens(tmp_path: Path) -> None:
    call = told(tmp_path, history())["model.completed"]
    assert (call["provider"], call["request_model"], call["duration_ms"]) == ("openai", "gpt-x", 2000)
    assert (call["input_tokens"], call["output_tokens"], call["cache_read_tokens"]) == (50, 7, 20)


def test_no_text_leaves_a_payload(tmp_path: Path) -> None:
    assert "secret" not in json.dumps(told(tmp_path, history()))


def test_a_request_to_cancel_is_a_command(tmp_path: Path) -> None:
    assert told(tmp_path, history(event(9, "WorkflowExecutionCancelRequested")))["execution.commanded"]["command"] == "cancel"


def test_every_event_keeps_its_contract(tmp_path: Path) -> None:
    told(tmp_path, history(event(9, "WorkflowExecutionFailed", failure={"message": "text"})))
    validator = Validator(load())
    events = [item for item in ADAPTER.read(tmp_path) if isinstance(item, Event)]
    assert [found for item in events if (found := validator.check(item.stream, canonical(item.payload), NOW_MS))] == []


def test_what_is_no_history_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{broken")
    (tmp_path / "b.json").write_text(json.dumps({"events": history()[1:]}))
    assert list(ADAPTER.read(tmp_path)) == [BadLine("a.json", 1, "not_json"), Skipped("b.json", 1, "no_start")]


def test_a_folder_without_histories_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no workflow histories"):
        list(ADAPTER.read(tmp_path))
