"""Starting, finding and replacing the intake job: a new job takes up exactly where the tables say the last one stopped.

Positions are read from the tables alone. Kafka's group offsets run ahead of what is committed to Iceberg, and savepoints
do not survive a changed statement set.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from connectors.flink import session
from connectors.flink.rest import FlinkRest, Job
from connectors.iceberg.scan import last_windows, next_offsets, offsets_at
from connectors.iceberg.tables import connect
from kpis.partials import plan
from pipelines.intake import JOB_NAME, LANE, StatementSet, StreamStart, statement_set

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyiceberg.catalog.rest import RestCatalog

    from contracts.model import Stream
    from contracts.registry import Registry
    from kpis.registry import Definitions
    from pipelines.settings import Settings

DEPLOYMENTS = "ops.deployments"


def running_job(settings: Settings) -> Job | None:
    """The intake job that the cluster has, if any."""
    jobs = FlinkRest(settings.endpoints.flink).jobs(JOB_NAME)
    return jobs[-1] if jobs else None


def start(settings: Settings, contracts: Registry, definitions: Definitions) -> str:
    """Fence off any earlier job, submit a new one where the tables stop, record the deployment; returns the job id.

    Must not be called while an intake job runs: two jobs would write every row twice.
    """
    endpoints = settings.endpoints
    catalog = connect(endpoints.catalog)
    _fence(catalog, contracts, definitions)
    starts = {stream.name: _start_of(catalog, stream, definitions, contracts) for stream in contracts.streams.values()}
    statements = statement_set(contracts, definitions, endpoints.kafka, endpoints.catalog, starts)
    session.use_libraries(endpoints.flink_lib, endpoints.flink_conf)
    configuration = session.remote(endpoints.flink, endpoints.checkpoints, JOB_NAME, settings.checkpoint_seconds)
    job_id = session.submit(configuration, statements.definitions, list(statements.inserts.values()))
    _record(catalog, contracts, job_id, current_hash(settings, contracts, definitions), starts)
    return job_id


def stop(settings: Settings) -> None:
    """Take a last checkpoint of the intake job and cancel it; nothing to do when there is none.

    Raises:
        FlinkError: the checkpoint or the cancellation did not complete.
    """
    flink = FlinkRest(settings.endpoints.flink)
    for job in flink.jobs(JOB_NAME):
        if job.state == "RUNNING":
            flink.checkpoint(job.id)
        flink.cancel(job.id)


def current_hash(settings: Settings, contracts: Registry, definitions: Definitions) -> str:
    """Hash of the job as the definitions now describe it, wherever it starts."""
    return _unplaced(settings, contracts, definitions).definition_hash


def deployed_hash(settings: Settings) -> str | None:
    """Hash of the job that was deployed last, or None."""
    rows = connect(settings.endpoints.catalog).load_table(DEPLOYMENTS).scan().to_arrow().to_pylist()
    newest = max((row for row in rows if row["lane"] == LANE), key=lambda row: row["deployed_at"], default=None)
    return str(newest["definition_hash"]) if newest else None


def _unplaced(settings: Settings, contracts: Registry, definitions: Definitions) -> StatementSet:
    return statement_set(contracts, definitions, settings.endpoints.kafka, settings.endpoints.catalog)


def _fence(catalog: RestCatalog, contracts: Registry, definitions: Definitions) -> None:
    """Put an empty commit on every table of the job, so that a stale commit request of a dead job no longer fits."""
    for name in _job_tables(contracts, definitions):
        table = catalog.load_table(name)
        table.append(table.schema().as_arrow().empty_table(), snapshot_properties={"daybook.fence": LANE})


def _job_tables(contracts: Registry, definitions: Definitions) -> list[str]:
    partials = [f"partials.{name}" for name in plan(contracts, definitions)]
    return [*(stream.journal for stream in contracts.streams.values()), *partials]


def _start_of(catalog: RestCatalog, stream: Stream, definitions: Definitions, contracts: Registry) -> StreamStart:
    journal = catalog.load_table(stream.journal)
    journaled = next_offsets(journal)
    windows = {name: last_windows(catalog.load_table(f"partials.{name}")).get(stream.name) for name in plan(contracts, definitions)}
    closed = {name: end for name, end in windows.items() if end is not None}
    if not journaled:
        return StreamStart()
    if len(closed) < len(windows):
        return StreamStart(journal_from=journaled, windows_from={name: _text(end) for name, end in closed.items()})
    read_from = journaled | offsets_at(journal, min(closed.values()))
    return StreamStart(read_from, journaled, {name: _text(end) for name, end in closed.items()})


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _record(catalog: RestCatalog, contracts: Registry, job_id: str, definition_hash: str, starts: Mapping[str, StreamStart]) -> None:
    table = catalog.load_table(DEPLOYMENTS)
    row = {
        "lane": LANE,
        "job_id": job_id,
        "definition_hash": definition_hash,
        "contract_versions": json.dumps({stream.name: stream.version for stream in contracts.streams.values()}),
        "starts": json.dumps({name: asdict(start) for name, start in starts.items()}),
        "deployed_at": datetime.now(UTC),
    }
    table.append(pa.Table.from_pylist([row], schema=table.schema().as_arrow()))
