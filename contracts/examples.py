"""Examples of events: what passes a contract, what fails it and why, each named by its situation.

`examples/<event type>/{situation}.pass.json` holds `{"event": {...}}`; a `.fail.json` adds `"expect": {"reason", "field"}`.
Either may say `"appended_at"`, and says `"stream"` where its event type travels on several.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from contracts.registry import ROOT, ContractError, explain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from contracts.registry import Registry

APPENDED_MS = 1_772_366_400_000
"""2026-03-01 12:00 UTC: when the broker appended an example that does not say otherwise."""
_PASS, _FAIL = ".pass.json", ".fail.json"


class Expectation(BaseModel):
    """Why a failing example is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str
    field: str


class _Source(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    event: dict[str, Any]
    appended_at: int = APPENDED_MS
    stream: str | None = None


class _FailingSource(_Source):
    expect: Expectation


@dataclass(frozen=True)
class Example:
    """One event in one situation on one stream."""

    stream: str
    event_type: str
    situation: str
    event: dict[str, Any]
    appended_ms: int
    expect: Expectation | None

    @property
    def value(self) -> bytes:
        """The event as a Kafka value."""
        return json.dumps(self.event, ensure_ascii=False).encode()


def load(registry: Registry, root: Path = ROOT) -> tuple[Example, ...]:
    """Read every example below `root/examples`, ordered by event type and situation.

    Raises:
        ContractError: a folder belongs to no event type, an event type lacks a passing or a failing example, or a file is
            neither, cannot be read or does not state what it expects.
    """
    folders = {path.name: path for path in sorted((root / "examples").iterdir())}
    streams = _streams_by_event_type(registry)
    for name in folders:
        if name not in streams:
            message = f"examples/{name}: no event type has this name"
            raise ContractError(message)
    return tuple(example for event_type in sorted(streams) for example in _folder(root / "examples" / event_type, streams[event_type]))


def _streams_by_event_type(registry: Registry) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for stream in registry.streams.values():
        for event_type in stream.event_types:
            found[event_type] = (*found.get(event_type, ()), stream.name)
    return found


def _folder(folder: Path, streams: tuple[str, ...]) -> Iterator[Example]:
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    for kind, suffix in {"passing": _PASS, "failing": _FAIL}.items():
        if not any(file.name.endswith(suffix) for file in files):
            message = f"examples/{folder.name}: has no {kind} example (*{suffix})"
            raise ContractError(message)
    return (_example(file, streams) for file in files)


def _example(file: Path, streams: tuple[str, ...]) -> Example:
    situation, suffix = file.name[: -len(_PASS)], file.name[-len(_PASS) :]
    if suffix not in {_PASS, _FAIL}:
        message = f"{file.parent.name}/{file.name}: must end with {_PASS} or {_FAIL}"
        raise ContractError(message)
    try:
        model = _Source if suffix == _PASS else _FailingSource
        source = model.model_validate(_read_json(file))
    except ValidationError as error:
        raise explain(file, error) from error
    stream = source.stream or (streams[0] if len(streams) == 1 else None)
    if stream not in streams:
        message = f"{file.parent.name}/{file.name}: 'stream' must be one of {', '.join(streams)}"
        raise ContractError(message)
    expect = source.expect if isinstance(source, _FailingSource) else None
    return Example(stream, file.parent.name, situation, source.event, source.appended_at, expect)


def _read_json(file: Path) -> object:
    try:
        return json.loads(file.read_text("utf-8"))
    except ValueError as error:
        message = f"{file.parent.name}/{file.name}: is not JSON: {error}"
        raise ContractError(message) from error
