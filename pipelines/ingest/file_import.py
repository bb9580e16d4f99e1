"""Imports a foreign source through its adapter: from files to acknowledged Kafka records, resumable at any moment."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from connectors.instants import now_ms
from connectors.kafka.records import encode
from connectors.sources.adapter import BadLine, Event

if TYPE_CHECKING:
    from pathlib import Path

    from rich.progress import Progress

    from connectors.kafka.producer import Producer
    from connectors.sources.adapter import Adapter, Item
    from contracts.registry import Registry
    from contracts.validator import Validator

CHECKPOINT = 5_000
"""Items between two positions on disk: so many are sent again after a crash, and found to be repeats."""
LINES_KEPT = 100


@dataclass
class Imported:
    """What an import did so far, all its attempts together.

    `sent` counts by event type, `skipped` by reason; `refused` counts events that break their contract and were not sent, as
    `reason field`. `malformed_lines` names the first of them, `file:line`. `position` is the number of items taken.
    """

    sent: Counter[str] = field(default_factory=Counter)
    malformed: int = 0
    malformed_lines: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    position: int = 0
    complete: bool = False


def import_source(
    adapter: Adapter,
    path: Path,
    producer: Producer,
    contracts: Registry,
    home: Path,
    *,
    validator: Validator | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Send everything an adapter reads at `path` to the topics of its streams; return what was done.

    After a crash, call it again: it goes on from the last acknowledged position, kept under `home`/imports for these files
    as they are. Delivery is at least once. A complete import of unchanged files is not repeated (see `forget`).

    Raises:
        SourceError: there is nothing to read.
        DeliveryError: the broker did not acknowledge; the position stays at the last acknowledged one.
    """
    kept = position_file(adapter, path, home)
    state = _load(kept)
    if state.complete:
        return state
    bar = progress.add_task(f"import {adapter.name}", total=1.0) if progress else None
    for item in islice(adapter.read(path), state.position, None):
        _take(item, state, producer, contracts, validator)
        if state.position % CHECKPOINT == 0:
            _acknowledge(producer, state, kept)
        if progress and bar is not None and isinstance(item, Event):
            progress.update(bar, completed=item.done)
    state.complete = True
    _acknowledge(producer, state, kept)
    if progress and bar is not None:
        progress.update(bar, completed=1.0)
    return state


def forget(adapter: Adapter, path: Path, home: Path) -> None:
    """Forget the position of an import, so that the next one sends everything again."""
    position_file(adapter, path, home).unlink(missing_ok=True)


def position_file(adapter: Adapter, path: Path, home: Path) -> Path:
    """Return where the position of this import is kept; changed files are another import."""
    files = [path] if path.is_file() else sorted(found for found in path.rglob("*") if found.is_file())
    facts = [(str(found), found.stat().st_size, found.stat().st_mtime_ns) for found in files]
    digest = hashlib.sha256(json.dumps([adapter.name, str(path.resolve()), facts]).encode()).hexdigest()
    return home / "imports" / f"{adapter.name}-{digest[:16]}.json"


def _take(item: Item, state: Imported, producer: Producer, contracts: Registry, validator: Validator | None) -> None:
    state.position += 1
    if isinstance(item, Event):
        _send(item, state, producer, contracts, validator)
    elif isinstance(item, BadLine):
        state.malformed += 1
        if len(state.malformed_lines) < LINES_KEPT:
            state.malformed_lines.append(f"{item.where}:{item.line}")
    else:
        state.skipped[item.reason] += 1


def _send(item: Event, state: Imported, producer: Producer, contracts: Registry, validator: Validator | None) -> None:
    stream = contracts.streams[item.stream]
    record = encode(item.payload, stream.entities)
    violation = validator.check(item.stream, record.value, now_ms()) if validator else None
    if violation:
        state.refused[f"{violation.reason} {violation.field or ''}".strip()] += 1
        return
    producer.send_record(stream.topic, record)
    state.sent[item.payload["event_type"]] += 1


def _acknowledge(producer: Producer, state: Imported, kept: Path) -> None:
    """Put the position on disk once everything before it is with the broker; a crash leaves the old file or the new."""
    producer.flush()
    kept.parent.mkdir(parents=True, exist_ok=True)
    fresh = kept.with_suffix(".new")
    with fresh.open("w", encoding="utf-8") as file:
        json.dump(vars(state), file, indent=2)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(kept)


def _load(kept: Path) -> Imported:
    if not kept.exists():
        return Imported()
    state = json.loads(kept.read_text("utf-8"))
    counters = {name: Counter(state[name]) for name in ("sent", "skipped", "refused")}
    return Imported(**{**state, **counters})
