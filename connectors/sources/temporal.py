"""Temporal workflow histories: a workflow execution is a run with its outcome, an activity a step, some are model calls.

Payloads are opened only to read names of models and counters of tokens; no text leaves them.
"""

from __future__ import annotations

import base64
import gzip
from itertools import chain
from typing import TYPE_CHECKING, Any

import orjson

from connectors.sources.adapter import BadLine, Event, Skipped, SourceError, milliseconds
from connectors.sources.aliases import aliases_of, looked_up, renamed, totals

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from connectors.sources.adapter import Item

ALIASES = aliases_of(__file__)
LONGEST = 128
Fields = dict[str, Any]


class Temporal:
    """Reads one history or a folder of histories, JSON, possibly compressed."""

    name = "temporal"

    def read(self, path: Path) -> Iterator[Item]:
        """Yield the events of every history, in the order of its events.

        Raises:
            SourceError: there are no histories.
        """
        files = [path] if path.is_file() else sorted(chain(path.rglob("*.json"), path.rglob("*.json.gz")))
        if not files:
            message = f"{path}: no workflow histories"
            raise SourceError(message)
        for count, file in enumerate(files, start=1):
            history = _opened(file)
            if history is None:
                yield BadLine(file.name, 1, "not_json")
            else:
                yield from _told(file.name, history, count / len(files))


ADAPTER = Temporal()


class _History:
    """What is known about one workflow execution while its events are read in order."""

    def __init__(self, run: Fields) -> None:
        self.run = run
        self.scheduled: dict[str, Fields] = {}
        self.started: dict[str, Fields] = {}

    def events(self, kind: str, event: Fields, time: int) -> Iterator[tuple[str, Fields]]:
        """Yield what one event of the history says."""
        own = _attributes(event)
        if kind == ALIASES["run_started"]:
            yield "runs", self._sealed("run.started", event, time, self.run)
        elif kind in ALIASES["run_ended"]:
            yield "runs", self._run_ended(event, time, ALIASES["run_ended"][kind])
        elif kind == ALIASES["cancel_requested"]:
            fields = {"command": "cancel", "run_id": self.run["run_id"]}
            yield "runs", self._sealed("execution.commanded", event, time, fields)
        elif kind == ALIASES["step_scheduled"]:
            self.scheduled[event["eventId"]] = own
        elif kind == ALIASES["step_started"] and own.get("scheduledEventId") in self.scheduled:
            step = self.started[own["scheduledEventId"]] = self._step(own, time)
            yield "runs", self._sealed("step.started", event, time, step)
        elif kind in ALIASES["step_ended"] and own.get("scheduledEventId") in self.scheduled:
            yield from self._step_ended(event, time, ALIASES["step_ended"][kind])

    def _run_ended(self, event: Fields, time: int, outcome: Fields) -> Fields:
        fields = {**self.run, **renamed(outcome, {"status_reason": "status_reason"})}
        if outcome["event_type"] == "run.failed":
            fields["error_type"] = _error(event)
        return self._sealed(outcome["event_type"], event, time, fields)

    def _step(self, own: Fields, time: int) -> Fields:
        activity = self.scheduled[own["scheduledEventId"]]
        return {
            "run_id": self.run["run_id"],
            "step_id": f"{self.run['run_id']}:{activity['activityId']}"[:LONGEST],
            "task_id": looked_up(activity, "activityType.name"),
            "step_type": "activity",
            "started_at": time,
            **renamed(own, {"attempt": "attempt"}),
        }

    def _step_ended(self, event: Fields, time: int, outcome: Fields) -> Iterator[tuple[str, Fields]]:
        own = _attributes(event)
        step = self.started.get(own["scheduledEventId"])
        fields = dict(step) if step else {name: value for name, value in self._step(own, time).items() if name != "started_at"}
        if step and time >= step["started_at"]:
            fields["duration_ms"] = time - step["started_at"]
        if outcome["event_type"] == "step.failed":
            fields["error_type"] = outcome.get("error_type") or _error(event)
        yield "runs", self._sealed(outcome["event_type"], event, time, fields)
        if fields["task_id"] in ALIASES["model_calls"] and "duration_ms" in fields:
            yield "model_calls", self._model_call(event, time, fields)

    def _model_call(self, event: Fields, time: int, step: Fields) -> Fields:
        own = _attributes(event)
        table = ALIASES["model_calls"][step["task_id"]]
        asked = _payload(self.scheduled[own["scheduledEventId"]].get("input"))
        answered = _payload(own.get("result"))
        fields = {
            "call_id": step["step_id"],
            "step_id": step["step_id"],
            "run_id": step["run_id"],
            "provider": table["provider"],
            "request_model": str(looked_up(asked, table["model"]) or ALIASES["unnamed_model"])[:LONGEST],
            "operation": "chat",
            "is_leaf": True,
            "duration_ms": step["duration_ms"],
            **renamed(step, {"attempt": "attempt", "error_type": "error_type"}),
            **totals(answered, table["usage"]),
        }
        return self._sealed("model.failed" if "error_type" in step else "model.completed", event, time, fields)

    def _sealed(self, event_type: str, event: Fields, time: int, fields: Fields) -> Fields:
        event_id = f"{self.run['run_id']}:{event['eventId']}:{event_type}"
        run = {"correlation_id": self.run["correlation_id"]} if "correlation_id" in self.run else {}
        return {**ALIASES["envelope"], **run, "event_id": event_id, "event_type": event_type, "event_time": time, **fields}


def _told(where: str, history: list[Fields], done: float) -> Iterator[Item]:
    start = history[0] if history else {}
    if _kind(start) != ALIASES["run_started"] or not renamed(_attributes(start), ALIASES["run"]).get("run_id"):
        yield Skipped(where, 1, "no_start")
        return
    known: _History | None = None
    for number, event in enumerate(history, start=1):
        try:
            time = milliseconds(event["eventTime"])
        except (KeyError, TypeError, ValueError):
            yield Skipped(where, number, "no_timestamp")
            continue
        known = known or _History(_run(start, time))
        for stream, payload in known.events(_kind(event), event, time):
            yield Event(stream, payload, done)


def _run(start: Fields, time: int) -> Fields:
    return {"run_kind": ALIASES["run_kind"], "started_at": time, **renamed(_attributes(start), ALIASES["run"])}


def _kind(event: Fields) -> str:
    """Return an event's type in the one spelling that the alias table uses.

    >>> _kind({"eventType": "EVENT_TYPE_TIMER_FIRED"}) == _kind({"eventType": "TimerFired"})
    True
    """
    return str(event.get("eventType", "")).removeprefix("EVENT_TYPE_").replace("_", "").lower()


def _attributes(event: Fields) -> Fields:
    found = next((value for name, value in event.items() if name.endswith("Attributes")), None)
    return found if isinstance(found, dict) else {}


def _error(event: Fields) -> str:
    """Return the class of the failure; its message is text and stays where it is."""
    named = [looked_up(_attributes(event), path) for path in ALIASES["error_type"]]
    return str(next((name for name in named if name), ALIASES["unknown_error"]))[:LONGEST]


def _payload(payloads: object) -> object:
    """Return the first payload when it is JSON; of a list its last element, which carries the totals."""
    found = looked_up(payloads, "payloads")
    try:
        data = orjson.loads(base64.b64decode(found[0]["data"]))
    except (TypeError, LookupError, ValueError):
        return None
    return data[-1] if isinstance(data, list) and data else data


def _opened(file: Path) -> list[Fields] | None:
    try:
        content = file.read_bytes()
        document = orjson.loads(gzip.decompress(content) if file.suffix == ".gz" else content)
    except (orjson.JSONDecodeError, gzip.BadGzipFile, EOFError):
        return None
    events = document.get("events") if isinstance(document, dict) else document
    return [event for event in events if isinstance(event, dict)] if isinstance(events, list) else None
