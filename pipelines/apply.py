"""Making topics, tables and views what contracts and definitions say; may be repeated, changes only what differs."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from connectors.iceberg.tables import connect, ensure_table
from connectors.kafka.topics import Topics, TopicSpec
from pipelines.tables import all_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contracts.registry import Registry
    from kpis.registry import Definitions
    from pipelines.settings import Settings

DAY_MS = 86_400_000


def topic_specs(contracts: Registry, partitions: int) -> list[TopicSpec]:
    """One topic per stream; records stay a week, the journal longer."""
    retention = {"retention.ms": str(7 * DAY_MS)}
    return [TopicSpec(stream.topic, partitions, retention) for stream in contracts.streams.values()]


def apply(settings: Settings, contracts: Registry, definitions: Definitions) -> Iterator[str]:
    """Make everything that is missing; yields a line per change.

    Raises:
        TopicMismatchError: a topic has other partitions or settings.
        TableConflictError: a table has a column of another type.
    """
    yield from (f"topic {name} created" for name in Topics(settings.endpoints.kafka).ensure(topic_specs(contracts, settings.partitions)))
    catalog = connect(settings.endpoints.catalog)
    yield from (f"table {spec.name} made" for spec in all_tables(contracts, definitions) if ensure_table(catalog, spec))
    if _ensure_key(settings):
        yield f"key {settings.key_file} made"


def _ensure_key(settings: Settings) -> bool:
    """Make a random key for quarantined bytes unless one is configured or there."""
    if settings.quarantine_key_file or settings.key_file.exists():
        return False
    handle = os.open(settings.key_file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
    return True
