"""Small made-up sources: every trap of the real ones, none of their content."""

import gzip
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

Record = dict[str, Any]
SECOND = "2026-05-01T10:00:{:06.3f}Z"


def record(kind: str, second: float, content: list[Record] | None = None, **fields: Any) -> Record:
    """Return a transcript record of session s-1 unless told otherwise."""
    common = {"type": kind, "sessionId": "s-1", "timestamp": SECOND.format(second), "version": "2.1.0", "user": "u_1", "workspace": "w_1"}
    return {**common, **({"message": {"role": kind, "content": content}} if content is not None else {}), **fields}


def answer(second: float, message_id: str, out: int, *blocks: Record, model: str = "model-a", **fields: Any) -> Record:
    """Return an assistant record with usage: 10 fresh, 20 written, 30 read tokens and `out` tokens out."""
    usage = {"input_tokens": 10, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 30, "output_tokens": out}
    message = {"id": message_id, "role": "assistant", "model": model, "stop_reason": None, "content": list(blocks), "usage": usage}
    return record("assistant", second, message=message, **fields)


def used(tool_id: str, name: str = "Bash") -> Record:
    return {"type": "tool_use", "id": tool_id, "name": name}


def result(tool_id: str, **fields: Any) -> Record:
    return {"type": "tool_result", "tool_use_id": tool_id, **fields}


RECORDS: list[Record] = [
    {"type": "summary", "summary_chars": 9},
    record("user", 0, [{"type": "text", "chars": 5}], uuid="p-1"),
    answer(2, "m-1", 3, used("t-1"), parentUuid="p-1", uuid="a-1", requestId="req-1"),
    record("user", 3, [result("t-1")], uuid="p-2", parentUuid="a-1"),
    answer(4, "m-1", 8, parentUuid="a-1"),
    answer(5, "m-2", 1, used("t-2"), used("t-3", "Read"), parentUuid="p-2"),
    record("user", 9, [result("t-2", is_error=True, error_head="Exit code N"), result("t-none")]),
    answer(10, "m-2", 1, sessionId="s-2"),
    answer(11, "m-3", 0, {"type": "text", "api_error_status": 529}, model="<synthetic>", isApiErrorMessage=True),
    record("assistant", 12, message={"id": "m-4", "usage": {"output_tokens": 1}}, timestamp=None),
    record("progress", 13, data={"message": {"message": {"id": "m-9", "usage": {"output_tokens": 77}}}}),
]
DELIVERIES: list[Record] = [
    {"path": "a.jsonl", "blob": "1", "rids": [[0, 3]]},
    {"path": "a.jsonl", "blob": "2", "rids": [[0, 3], [-1, -1], [4, 6]]},
    {"path": "b.jsonl", "blob": "3", "unavailable": True},
    {"path": "c.jsonl", "blob": "4", "rids": [[7, 10]]},
]


@pytest.fixture
def transcripts(tmp_path: Path) -> Path:
    """A folder with a history of deliveries."""
    write_lines(tmp_path / "events.jsonl.gz", [{"rid": number, **found} for number, found in enumerate(RECORDS)])
    write_lines(tmp_path / "deliveries.jsonl.gz", DELIVERIES)
    return tmp_path


def write_lines(file: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    file.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
