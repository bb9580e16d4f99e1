"""Starting, stopping and replacing the intake job: a new job takes up exactly where the tables say the last one stopped.

Positions are read from the tables alone. Kafka's group offsets run ahead of what is committed to Iceberg, and savepoints
do not survive a changed statement set. A changed definition starts only after the audit has judged every row of the old one.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from connectors.flink import session
from connectors.flink.rest import FlinkRest, Job
from connectors.iceberg.scan import last_windows, next_offsets, offsets_at
from connectors.iceberg.tables import connect
from kpis.partials import plan
from pipelines.definition import DEPLOYMENTS, announce, current_hash, deployed_hash
from pipelines.intake import JOB_NAME, LANE, StreamStart, statement_set
from pipelines.locks import exclusive
from pipelines.published import read_publication

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyiceberg.catalog.rest import RestCatalog

    from contracts.model import Stream
    from contracts.registry import Registry
    from kpis.registry import Definitions
    from pipelines.audit.frontier import Publication
    from pipelines.settings import Settings

DRAIN_SECONDS = 180.0
MID_WINDOW_SECONDS = (2.0, 6.0)
"""A job is stopped in the middle of a window, so that the journals reach past every window it has closed."""


class DrainError(Exception):
    """The audit did not publish what the stopped job left; the message says what to do."""


def running_job(settings: Settings) -> Job | None:
    """The intake job that the cluster has, if any."""
    jobs = FlinkRest(settings.endpoints.flink).jobs(JOB_NAME)
    return jobs[-1] if jobs else None


def ensure(settings: Settings, contracts: Registry, definitions: Definitions) -> str:
    """Job id of the intake job, submitted if the cluster has none. May be repeated, by several processes at once."""
    with exclusive(settings.home / "intake.lock"):
        job = running_job(settings)
        return job.id if job else _start(settings, contracts, definitions)


def replace(settings: Settings, contracts: Registry, definitions: Definitions, say: Callable[[str], None]) -> str:
    """Stop the intake job and start a new one where the tables stop; the new job id.

    Raises:
        DrainError: the audit does not publish what the old job left. The job is stopped then; repeat once an audit runs.
        FlinkError: the last checkpoint or the cancellation did not complete.
    """
    with exclusive(settings.home / "intake.lock"):
        say("stopping the intake job")
        stop(settings)
        say("waiting until the audit has published all of it")
        return _start(settings, contracts, definitions)


def stop(settings: Settings) -> None:
    """Take a last checkpoint of the intake job and cancel it; nothing to do when there is none.

    Raises:
        FlinkError: the checkpoint or the cancellation did not complete.
    """
    flink = FlinkRest(settings.endpoints.flink)
    for job in flink.jobs(JOB_NAME):
        if job.state == "RUNNING":
            _await_mid_window()
            flink.checkpoint(job.id)
        flink.cancel(job.id)


def _start(settings: Settings, contracts: Registry, definitions: Definitions) -> str:
    """Fence off any earlier job, submit a new one where the tables stop, record the deployment."""
    endpoints = settings.endpoints
    catalog = connect(endpoints.catalog)
    tables = list(plan(contracts, definitions))
    _fence(catalog, [*(stream.journal for stream in contracts.streams.values()), *(f"partials.{name}" for name in tables)])
    definition = current_hash(settings, contracts, definitions)
    if deployed_hash(settings) not in {None, definition}:
        _await_drained(settings, catalog, contracts, tables)
    announce(settings, definition)
    published = read_publication(settings)
    starts = {stream.name: _start_of(catalog, stream, tables, published) for stream in contracts.streams.values()}
    statements = statement_set(contracts, definitions, endpoints.kafka, endpoints.catalog, starts)
    session.use_libraries(endpoints.flink_lib, endpoints.flink_conf)
    configuration = session.remote(endpoints.flink, endpoints.checkpoints, JOB_NAME, settings.checkpoint_seconds)
    job_id = session.submit(configuration, statements.definitions, list(statements.inserts.values()))
    _record(catalog, contracts, job_id, definition, starts)
    return job_id


def _await_mid_window() -> None:
    first, last = MID_WINDOW_SECONDS
    while not first <= time.time() % 10 <= last:
        time.sleep(0.1)


def _fence(catalog: RestCatalog, names: list[str]) -> None:
    """Put an empty commit on every table of the job, so that a stale commit request of a dead job no longer fits."""
    for name in names:
        table = catalog.load_table(name)
        table.append(table.schema().as_arrow().empty_table(), snapshot_properties={"daybook.fence": LANE})


def _await_drained(settings: Settings, catalog: RestCatalog, contracts: Registry, tables: list[str]) -> None:
    deadline = time.monotonic() + DRAIN_SECONDS
    while not _is_drained(settings, catalog, contracts, tables):
        if time.monotonic() > deadline:
            message = "the audit has not published all that the stopped job left: run `daybook audit --follow`, then `daybook deploy` again"
            raise DrainError(message)
        time.sleep(1)


def _is_drained(settings: Settings, catalog: RestCatalog, contracts: Registry, tables: list[str]) -> bool:
    published = read_publication(settings)
    if published is None:
        return False
    return all(_is_published(catalog, stream, tables, published) for stream in contracts.streams.values())


def _is_published(catalog: RestCatalog, stream: Stream, tables: list[str], published: Publication) -> bool:
    frontier = published.streams[stream.name]
    positions = {partition: position.next_offset for partition, position in frontier.positions.items()}
    journaled = next_offsets(catalog.load_table(stream.journal), positions)
    ends = {name: last_windows(catalog.load_table(f"partials.{name}"), stream.name, frontier.windows[name].proved) for name in tables}
    return journaled == positions and all(frontier.windows[name].proved == end for name, end in ends.items())


def _start_of(catalog: RestCatalog, stream: Stream, tables: list[str], published: Publication | None) -> StreamStart:
    frontier = published.streams[stream.name] if published else None
    journal = catalog.load_table(stream.journal)
    positions = {partition: position.next_offset for partition, position in frontier.positions.items()} if frontier else {}
    journaled = {partition: offset for partition, offset in next_offsets(journal, positions).items() if offset > 0}
    known = {name: frontier.windows[name].proved if frontier and name in frontier.windows else -1 for name in tables}
    ends = {name: last_windows(catalog.load_table(f"partials.{name}"), stream.name, known[name]) for name in tables}
    windows = {name: _text(end) for name, end in ends.items() if end > 0}
    if not journaled or len(windows) < len(tables):
        return StreamStart(journal_from=journaled, windows_from=windows)
    return StreamStart(journaled | offsets_at(journal, min(ends.values())), journaled, windows)


def _text(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _record(catalog: RestCatalog, contracts: Registry, job_id: str, definition: str, starts: Mapping[str, StreamStart]) -> None:
    table = catalog.load_table(DEPLOYMENTS)
    row = {
        "lane": LANE,
        "job_id": job_id,
        "definition_hash": definition,
        "contract_versions": json.dumps({stream.name: stream.version for stream in contracts.streams.values()}),
        "starts": json.dumps({name: asdict(start) for name, start in starts.items()}),
        "deployed_at": datetime.now(UTC),
    }
    table.append(pa.Table.from_pylist([row], schema=table.schema().as_arrow()))
