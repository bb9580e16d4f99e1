"""Transcripts become events that say the same thing each time they are told."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from connectors.kafka.records import canonical
from connectors.sources.adapter import BadLine, Event, Item, Skipped, SourceError
from connectors.sources.agent_sessions import ADAPTER
from contracts.registry import load
from contracts.validator import Validator

REAL = Path(__file__).parents[3].parent / "shared" / "data" / "agent-sessions"
NOW_MS = 1_780_000_000_000


def read(path: Path) -> list[Item]:
    return list(ADAPTER.read(path))


def told(path: Path) -> dict[str, dict[str, Any]]:
    return {item.payload["event_id"]: item.payload for item in read(path) if isinstance(item, Event)}


def test_a_session_is_a_run_that_never_ends(transcripts: Path) -> None:
    run = told(transcripts)["s-1:run.started"]
    assert (run["run_id"], run["run_kind"], run["agent_id"], run["agent_version"]) == ("s-1", "agent", "claude-code", "2.1.0")
    assert run["started_at"] == run["event_time"] == 1_777_629_600_000
    kinds = {event["event_type"] for event in told(transcripts).values()}
    assert kinds == {"run.started", "step.started", "step.completed", "step.failed", "model.completed", "model.failed"}


def test_a_message_is_one_call_with_its_largest_usage(transcripts: Path) -> None:
    call = told(transcripts)["m-1:model.completed"]
    counted = {name: call[name] for name in ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")}
    assert counted == {"input_tokens": 60, "output_tokens": 8, "cache_read_tokens": 30, "cache_write_tokens": 20}


def test_a_call_lasts_from_what_it_answers_to_its_last_record(transcripts: Path) -> None:
    call = told(transcripts)["m-1:model.completed"]
    assert (call["duration_ms"], call["event_time"]) == (4000, 1_777_629_604_000)


def test_every_repeat_is_a_true_re_delivery(transcripts: Path) -> None:
    payloads: dict[str, set[bytes]] = {}
    for item in read(transcripts):
        if isinstance(item, Event):
            payloads.setdefault(item.payload["event_id"], set()).add(canonical(item.payload))
    assert {event_id for event_id, told_as in payloads.items() if len(told_as) > 1} == set()


def test_a_grown_transcript_tells_everything_again(transcripts: Path) -> None:
    events = Counter(item.payload["event_id"] for item in read(transcripts) if isinstance(item, Event))
    assert events["s-1:run.started"] == 3
    assert events["m-1:model.completed"] == events["t-1:step.completed"] == 2


def test_a_message_of_two_sessions_is_one_call_of_the_first(transcripts: Path) -> None:
    assert told(transcripts)["m-2:model.completed"]["run_id"] == "s-1"


def test_a_failed_tool_is_a_failed_step(transcripts: Path) -> None:
    step = told(transcripts)["t-2:step.failed"]
    assert (step["task_id"], step["error_type"], step["duration_ms"]) == ("Bash", "exit_code", 4000)


def test_a_tool_without_a_result_only_started(transcripts: Path) -> None:
    assert [event_id for event_id in told(transcripts) if event_id.startswith("t-3:")] == ["t-3:step.started"]


def test_an_error_written_by_the_client_is_a_failed_call(transcripts: Path) -> None:
    call = told(transcripts)["m-3:model.failed"]
    assert (call["error_type"], call["http_status"]) == ("api_error", 529)


def test_calls_of_sub_agents_are_not_counted(transcripts: Path) -> None:
    assert not any(event_id.startswith("m-9") for event_id in told(transcripts))


def test_what_cannot_be_told_is_reported(transcripts: Path) -> None:
    others = [item for item in read(transcripts) if not isinstance(item, Event)]
    assert others == [
        BadLine("a.jsonl@2", 5, "not_json"),
        Skipped("a.jsonl@2", 8, "result_without_call"),
        Skipped("deliveries.jsonl.gz", 3, "unavailable"),
        Skipped("c.jsonl@4", 3, "no_timestamp"),
    ]


def test_every_event_keeps_its_contract(transcripts: Path) -> None:
    validator = Validator(load())
    events = [item for item in read(transcripts) if isinstance(item, Event)]
    assert [found for item in events if (found := validator.check(item.stream, canonical(item.payload), NOW_MS))] == []


def test_transcript_files_are_read_as_the_agent_writes_them(tmp_path: Path) -> None:
    line = {"type": "user", "sessionId": "s-9", "timestamp": "2026-05-01T10:00:00Z", "version": "2.1.0", "message": {"content": "hello"}}
    (tmp_path / "s-9.jsonl").write_text(json.dumps(line) + "\n{broken\n")
    started, broken = read(tmp_path)
    assert isinstance(started, Event)
    assert started.payload["event_id"] == "s-9:run.started"
    assert broken == BadLine("s-9.jsonl", 2, "not_json")


def test_a_folder_without_transcripts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no transcript files"):
        read(tmp_path)


@pytest.mark.skipif(not REAL.exists(), reason="the recorded sessions are not here")
def test_the_recorded_sessions_give_exactly_their_known_totals() -> None:
    calls: dict[tuple[str, str, str], dict[str, Any]] = {}
    broken = 0
    for item in ADAPTER.read(REAL):
        broken += isinstance(item, BadLine)
        if isinstance(item, Event) and item.stream == "model_calls":
            payload = item.payload
            identity = payload["tenant_id"], payload["source"], payload["event_id"]
            assert calls.setdefault(identity, payload) == payload
    assert sum(call["input_tokens"] + call["output_tokens"] for call in calls.values()) == 1_877_601_324
    assert (len({call["call_id"] for call in calls.values()}), len(calls), broken) == (19_641, 19_641, 14)
