"""Coding-agent transcripts: a session is a run, a tool call a step, a message with usage one model call.

The whole input is read before the first event is yielded. A transcript repeats a message while it grows, a later delivery
repeats the earlier one, and a forked session repeats the session it came from; only what is known at the end is told, each
time in the same words, so that every repeat is a true re-delivery. No outcome is known: no run ever ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from connectors.sources.adapter import BadLine, Event, Skipped, milliseconds
from connectors.sources.aliases import aliases_of, looked_up, renamed, totals
from connectors.sources.transcripts import Line, Unread, open_transcripts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.sources.adapter import Item
    from connectors.sources.transcripts import Transcripts

ALIASES = aliases_of(__file__)
Fields = dict[str, Any]


class AgentSessions:
    """Reads a folder of transcripts or one transcript file."""

    name = "agent-sessions"

    def read(self, path: Path) -> Iterator[Item]:
        """Yield the events of every delivery, repeats included, in the order of delivery.

        Raises:
            SourceError: there are no transcripts.
        """
        transcripts = open_transcripts(path)
        known = _Knowledge(transcripts)
        for delivery in transcripts.deliveries():
            if isinstance(delivery, Unread):
                yield Skipped(delivery.where, delivery.line, delivery.reason)
            else:
                yield from _told(delivery, known)


ADAPTER = AgentSessions()


@dataclass(slots=True)
class _Call:
    """A model call, from all records that repeat its message; `fields` come from the first of them."""

    fields: Fields
    asked_ms: int | None
    begun_ms: int
    ended_ms: int
    usage: dict[str, int] = field(default_factory=dict)
    finish_reason: str | None = None
    failure: Fields | None = None


@dataclass(slots=True)
class _Mentions:
    """What one record speaks of; `trouble` says why it can give no event."""

    session: str | None = None
    call: str | None = None
    tools: list[str] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    trouble: str | None = None


class _Knowledge:
    """Everything that all records together say, and what each of them mentions."""

    def __init__(self, transcripts: Transcripts) -> None:
        self.mentions: dict[int, _Mentions] = {}
        self.runs: dict[str, Fields] = {}
        self.calls: dict[str, _Call] = {}
        self.steps: dict[str, Fields] = {}
        self.results: dict[str, tuple[int, str | None]] = {}
        self._times: dict[tuple[str, str], int] = {}
        for number, record in transcripts.records():
            self.mentions[number] = self._learn(record)

    def _learn(self, record: Fields) -> _Mentions:
        blocks = _blocks(record)
        tools = [block for block in blocks if block.get("type") == "tool_use"]
        results = [block for block in blocks if block.get("type") == "tool_result"]
        has_usage = record.get("type") == "assistant" and isinstance(looked_up(record, "message.usage"), dict)
        session, time = record.get("sessionId"), _time(record)
        if not session or time is None:
            wanted = tools or results or has_usage
            return _Mentions(trouble=("no_timestamp" if session else "no_session") if wanted else None)
        if record.get("version") and session not in self.runs:
            self.runs[session] = _run_started(record, time)
        if record.get("uuid"):
            self._times.setdefault((session, record["uuid"]), time)
        for block in tools:
            self.steps.setdefault(block["id"], _step(record, block, time))
        for block in results:
            self.results.setdefault(block["tool_use_id"], (time, _error(block)))
        call = self._learn_call(record, session, time) if has_usage else None
        return _Mentions(session, call, [block["id"] for block in tools], [block["tool_use_id"] for block in results])

    def _learn_call(self, record: Fields, session: str, time: int) -> str | None:
        message_id = looked_up(record, "message.id")
        if not message_id:
            return None
        call = self.calls.get(message_id)
        if call is None:
            call = self.calls[message_id] = _Call(_call_fields(record), self._asked(record, session), time, time)
            call.failure = _failure(record)
        usage = totals(record, ALIASES["usage"])
        if _tokens(usage) > _tokens(call.usage) or not call.usage:
            call.usage = usage
        call.begun_ms, call.ended_ms = min(call.begun_ms, time), max(call.ended_ms, time)
        call.finish_reason = looked_up(record, "message.stop_reason") or call.finish_reason
        return str(message_id)

    def _asked(self, record: Fields, session: str) -> int | None:
        """Return when the record that a message answers was written; a message of the client itself answers none."""
        if looked_up(record, "message.model") == ALIASES["written_by_the_client"] and not record.get("isApiErrorMessage"):
            return None
        return self._times.get((session, record.get("parentUuid") or ""))


def _told(delivery: Iterator[Line], known: _Knowledge) -> Iterator[Item]:
    """Tell one delivery: each session, call, tool and result in it once."""
    told: set[str] = set()
    for line in delivery:
        if line.number is None:
            yield BadLine(line.where, line.line, "not_json")
            continue
        mentions = known.mentions.get(line.number) or _Mentions(trouble="unknown_record")
        if mentions.trouble:
            yield Skipped(line.where, line.line, mentions.trouble)
        for stream, payload in _events(mentions, known):
            if payload["event_id"] not in told:
                told.add(payload["event_id"])
                yield Event(stream, payload, line.done)
        for result in mentions.results:
            if result not in known.steps:
                yield Skipped(line.where, line.line, "result_without_call")


def _events(mentions: _Mentions, known: _Knowledge) -> Iterator[tuple[str, Fields]]:
    if mentions.session in known.runs:
        yield "runs", known.runs[mentions.session]
    if mentions.call:
        yield "model_calls", _model_call(mentions.call, known.calls[mentions.call])
    for tool_id in mentions.tools:
        step = known.steps[tool_id]
        yield "runs", _sealed("step.started", tool_id, step["started_at"], step)
    for tool_id in mentions.results:
        if tool_id in known.steps:
            yield "runs", _step_ended(tool_id, known.steps[tool_id], *known.results[tool_id])


def _run_started(record: Fields, time: int) -> Fields:
    fields = {
        "run_id": record["sessionId"],
        "run_kind": ALIASES["run_kind"],
        "agent_id": ALIASES["agent_id"],
        "started_at": time,
        **renamed(record, ALIASES["session"]),
    }
    attributes = renamed(record, ALIASES["attributes"])
    return _sealed("run.started", record["sessionId"], time, fields | ({"attributes": attributes} if attributes else {}))


def _call_fields(record: Fields) -> Fields:
    return {
        "call_id": looked_up(record, "message.id"),
        "run_id": record["sessionId"],
        "agent_id": ALIASES["agent_id"],
        "provider": ALIASES["provider"],
        "operation": "chat",
        "is_leaf": True,
        **renamed(record, ALIASES["call"]),
    }


def _failure(record: Fields) -> Fields | None:
    """Return what a message of the client says about a call that failed, or None."""
    if not record.get("isApiErrorMessage"):
        return None
    statuses = [block["api_error_status"] for block in _blocks(record) if "api_error_status" in block]
    return {"error_type": ALIASES["call_error"]} | ({"http_status": statuses[0]} if statuses else {})


def _model_call(message_id: str, call: _Call) -> Fields:
    fields = {**call.fields, **call.usage, "duration_ms": _duration(call)}
    if call.finish_reason:
        fields["finish_reason"] = call.finish_reason
    kind = "model.failed" if call.failure else "model.completed"
    return _sealed(kind, message_id, call.ended_ms, fields | (call.failure or {}))


def _duration(call: _Call) -> int:
    """From the record that was answered to the last of the answer; where that is no call's time, of the answer alone."""
    waited = call.ended_ms - call.asked_ms if call.asked_ms is not None else -1
    return waited if 0 <= waited <= ALIASES["longest_call_ms"] else call.ended_ms - call.begun_ms


def _step(record: Fields, block: Fields, time: int) -> Fields:
    return {
        "run_id": record["sessionId"],
        "step_id": block["id"],
        "task_id": block.get("name") or "unknown",
        "step_type": "tool",
        "started_at": time,
        **renamed(record, ALIASES["step"]),
    }


def _step_ended(tool_id: str, step: Fields, ended_ms: int, error: str | None) -> Fields:
    fields = dict(step)
    if ended_ms >= step["started_at"]:
        fields["duration_ms"] = ended_ms - step["started_at"]
    if error is None:
        return _sealed("step.completed", tool_id, ended_ms, fields)
    return _sealed("step.failed", tool_id, ended_ms, {**fields, "error_type": error})


def _error(block: Fields) -> str | None:
    return str(ALIASES["errors"].get(block.get("error_head"), ALIASES["other_error"])) if block.get("is_error") else None


def _sealed(event_type: str, own_id: str, time: int, fields: Fields) -> Fields:
    return {**ALIASES["envelope"], "event_id": f"{own_id}:{event_type}", "event_type": event_type, "event_time": time, **fields}


def _blocks(record: Fields) -> list[Fields]:
    """Return the blocks of a message; one without what it must have is as good as absent."""
    content = looked_up(record, "message.content")
    needed = {"tool_use": "id", "tool_result": "tool_use_id"}
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    return [block for block in blocks if block.get(needed.get(block.get("type", ""), "type"))]


def _tokens(usage: dict[str, int]) -> int:
    return usage.get("input_tokens", 0) + usage.get("output_tokens", 0)


def _time(record: Fields) -> int | None:
    try:
        return milliseconds(record["timestamp"])
    except (KeyError, TypeError, ValueError):
        return None
