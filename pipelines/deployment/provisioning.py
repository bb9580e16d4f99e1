"""Making topics, tables and views what contracts and definitions say; may be repeated, changes only what differs."""

from __future__ import annotations

import os
import secrets
import time
from typing import TYPE_CHECKING

from connectors.iceberg.tables import audited_schema, connect, ensure_table
from connectors.kafka.topics import Topics, TopicSpec
from connectors.trino.client import TrinoClient
from contracts.errors import DaybookError
from pipelines.deployment.views import create_views
from pipelines.intake.deployed import deployed, described
from pipelines.tables import all_tables, audited_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from contracts.registry import Registry
    from pipelines.settings import Settings
    from pipelines.workspace import Workspace

DAY_MS = 86_400_000
PATIENCE_SECONDS = 300.0


class UnpublishedError(DaybookError):
    """The audit has not published what the views need; the message says what to do."""


def topic_specs(contracts: Registry, partitions: int) -> list[TopicSpec]:
    """One topic per stream; records stay a week, the journal longer."""
    retention = {"retention.ms": str(7 * DAY_MS)}
    return [TopicSpec(stream.topic, partitions, retention) for stream in contracts.streams.values()]


def apply(space: Workspace) -> Iterator[str]:
    """Make every topic, table and key that is missing; yields a line per change.

    Raises:
        TopicMismatchError: a topic has other partitions or settings.
        TableConflictError: a table has a column of another type.
    """
    settings = space.settings
    yield from (f"topic {name} created" for name in Topics(settings.endpoints.kafka).ensure(topic_specs(space.contracts, settings.partitions)))
    catalog = connect(settings.endpoints.catalog)
    yield from (f"table {spec.name} made or changed" for spec in all_tables(space.contracts, space.definitions) if ensure_table(catalog, spec))
    if _ensure_key(settings):
        yield f"key {settings.key_file} made"


def make_views(space: Workspace) -> Iterator[str]:
    """Make the views whose text changed, drop those that are no more; yields a line per change. Needs that there is no `obstacle`."""
    trino = TrinoClient(space.settings.endpoints.trino, space.settings.trino_user)
    yield from create_views(trino, space.contracts, space.definitions)


def obstacle(space: Workspace) -> str | None:
    """Why the views cannot be made what the files here say, or None."""
    last = deployed(space.settings)
    if last and last != described(space):
        return "something else is deployed"
    waiting = unpublished(space)
    return f"{', '.join(waiting)} is not published with its new columns yet" if waiting else None


def unpublished(space: Workspace) -> tuple[str, ...]:
    """Tables whose published snapshot is from before a column was added: a view cannot name that column yet."""
    catalog = connect(space.settings.endpoints.catalog)
    specs = audited_tables(space.contracts, space.definitions)
    return tuple(spec.name for spec in specs if not spec.names <= set(audited_schema(catalog.load_table(spec.name)).column_names))


def await_published(space: Workspace, say: Callable[[str], None]) -> None:
    """Wait until every table is published with its columns.

    Raises:
        UnpublishedError: no audit does so in time.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    said: tuple[str, ...] = ()
    while waiting := unpublished(space):
        if waiting != said:
            say(f"waiting until {', '.join(waiting)} is published with its new columns")
            said = waiting
        if time.monotonic() > deadline:
            message = f"{', '.join(waiting)}: not published within {PATIENCE_SECONDS:.0f} s; run `daybook audit --follow`, then `daybook deploy` again"
            raise UnpublishedError(message)
        time.sleep(1)


def _ensure_key(settings: Settings) -> bool:
    """Make a random key for quarantined bytes unless one is configured or there."""
    if settings.quarantine_key_file or settings.key_file.exists():
        return False
    handle = os.open(settings.key_file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
    return True
