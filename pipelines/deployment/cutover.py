"""Starting, stopping and replacing the intake job: a new job takes up exactly where the tables say the last one stopped.

Positions are read from the tables alone. Kafka's group offsets run ahead of what is committed to Iceberg, and savepoints
do not survive a changed statement set. Changed statements start only after the audit has judged every row of the old one,
unless the operator goes on knowingly.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from connectors.flink import decoder, session
from connectors.flink.rest import FlinkRest, Job
from connectors.iceberg.expiry import FLINK_JOB
from connectors.iceberg.scan import last_windows, next_offsets, offsets_at
from connectors.iceberg.tables import connect
from connectors.instants import instant
from connectors.kafka.topics import Topics
from contracts.datasets import DEPLOYMENTS, journal_of, partial_of
from contracts.errors import DaybookError
from kpis.partials import plan
from pipelines.intake.deployed import announce, deployed, deployed_workspace, described
from pipelines.intake.statements import JOB_NAME, LANE, StreamStart, statement_set
from pipelines.locks import exclusive
from pipelines.published import read_publication, visible_publication

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyiceberg.catalog import Catalog
    from pyiceberg.catalog.rest import RestCatalog
    from pyiceberg.table import Table

    from connectors.kafka.topics import TopicState
    from contracts.model import Stream
    from contracts.registry import Registry
    from pipelines.audit.publication import Publication, StreamFrontier
    from pipelines.intake.deployed import Deployed
    from pipelines.settings import Settings
    from pipelines.workspace import Workspace

LOCK = "intake.lock"
"""File in the run directory that is locked while a job is started or replaced."""
DRAIN_SECONDS = 180.0
"""Seconds without any progress of the audit after which a drain is given up."""
COMMIT_SECONDS = 20.0
EMPTY_COMMIT_SECONDS = 3.0
"""How long the last commits are awaited; a table for which the last checkpoint had no rows gets none."""
CHECKPOINT = "flink.max-committed-checkpoint-id"
"""What Flink's sink notes in each snapshot, beside the job."""
MID_WINDOW_SECONDS = (2.0, 6.0)
"""A job is stopped in the middle of a window, so that the journals reach past every window it has closed."""


class DrainError(DaybookError):
    """The audit did not publish what the stopped job left; the message says what to do."""


def running_job(settings: Settings) -> Job | None:
    """The intake job that the cluster has, if any."""
    jobs = FlinkRest(settings.endpoints.flink).jobs(JOB_NAME)
    return jobs[-1] if jobs else None


def ensure(settings: Settings) -> str:
    """Job id of the intake job; what is deployed is submitted if the cluster has none. May be repeated, by several processes at once."""
    with exclusive(settings.home / LOCK):
        job = running_job(settings)
        return job.id if job else _start(deployed_workspace(settings))


def has_other_topics(settings: Settings, job_id: str) -> bool:
    """True when a stream's topic is another one than the one whose offsets the job was started at; False where that is not recorded.

    Such a job reads on in the middle of the new log, or from its beginning, as the offsets fall.
    """
    table = connect(settings.endpoints.catalog).load_table(DEPLOYMENTS)
    rows = table.scan(row_filter=f"job_id = '{job_id}'", selected_fields=("starts",)).to_arrow()["starts"].to_pylist()
    if not rows:
        return False
    started = {name: start.get("topic_id") for name, start in json.loads(rows[-1]).items()}
    topics = deployed_workspace(settings).topics
    states = Topics(settings.endpoints.kafka).states(topics.values())
    return any(started.get(name) and topic in states and states[topic].topic_id != started[name] for name, topic in topics.items())


def cancel(settings: Settings) -> None:
    """Cancel the intake job as it is."""
    with exclusive(settings.home / LOCK):
        flink = FlinkRest(settings.endpoints.flink)
        for job in flink.jobs(JOB_NAME):
            flink.cancel(job.id)


def deploy(space: Workspace, say: Callable[[str], None], *, force: bool = False, anyway: bool = False) -> None:
    """Make the files here what is deployed. The job is replaced, where the tables stop, if its SQL is another or `force` is set.

    `anyway`: without waiting for the audit. What the old job left is then judged by the new deployment, and may have to be released.

    Raises:
        DrainError: a stream is held, and the old job goes on; or the audit does not publish what the old job left, which is stopped
            then, until `daybook run intake` starts it again.
        FlinkError: the last checkpoint or the cancellation did not complete.
        Py4JJavaError: Flink cannot plan the new job; the old one goes on.
    """
    with exclusive(space.settings.home / LOCK):
        job, before, wanted = running_job(space.settings), deployed(space.settings), described(space)
        if job and before and before.statements == wanted.statements and not force:
            if before != wanted:
                announce(space, wanted)
            say(f"job {job.id} makes all that this needs already")
            return
        say("planning the new job")
        explain(space)
        awaits_drain = bool(before and before.statements != wanted.statements and not anyway)
        if awaits_drain:
            refuse_held(visible_publication(connect(space.settings.endpoints.catalog)))
        if job:
            say(f"stopping the intake job{', then waiting until the audit has published all of it' if awaits_drain else ''}")
            stop(space.settings)
        job_id = _start(space, awaits_drain=awaits_drain)
        say(f"job {job_id} goes on where the tables stop")


def explain(space: Workspace) -> str:
    """Flink's own plan of the job, with all of its input. A job that cannot run is refused here.

    Raises:
        Py4JJavaError: Flink cannot plan the job; the message says why.
    """
    statements = statement_set(space.contracts, space.definitions, space.settings.endpoints.kafka, space.settings.endpoints.catalog)
    return session.explain(flink_settings(space.settings), statements.declarations, list(statements.inserts.values()))


def refuse_held(published: Publication | None) -> None:
    """A stream that is held is never drained.

    Raises:
        DrainError: a stream is held; the message names it and says what to do.
    """
    held = {name: frontier.hold for name, frontier in (published.streams if published else {}).items() if frontier.hold and frontier.hold.is_incident}
    if held:
        told = ", ".join(f"{name} is held ({hold.reason})" for name, hold in held.items())
        first = next(iter(held))
        message = f"{told}: `daybook audit --explain {first}` tells why, `--release {first}` ends it, `daybook deploy --anyway` does not wait for it"
        raise DrainError(message)


def stop(settings: Settings) -> None:
    """Take a last checkpoint of the intake job, await its commits and cancel it; nothing to do when there is none.

    Raises:
        FlinkError: the checkpoint or the cancellation did not complete.
    """
    flink = FlinkRest(settings.endpoints.flink)
    for job in flink.jobs(JOB_NAME):
        if job.state == "RUNNING":
            _await_mid_window()
            _await_committed(deployed_workspace(settings), job.id, flink.checkpoint(job.id))
        flink.cancel(job.id)


def _await_committed(space: Workspace, job_id: str, checkpoint: int) -> None:
    """Wait until the tables have the last checkpoint: a job that is cancelled before leaves what it read uncommitted."""
    catalog = connect(space.settings.endpoints.catalog)
    journals = [stream.journal for stream in space.contracts.streams.values()]
    partials = [partial_of(name) for name in plan(space.contracts, space.definitions)]
    for names, seconds in ((journals, COMMIT_SECONDS), (partials, EMPTY_COMMIT_SECONDS)):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and any(committed_checkpoint(catalog.load_table(name), job_id) < checkpoint for name in names):
            time.sleep(0.2)


def committed_checkpoint(table: Table, job_id: str) -> int:
    """The newest checkpoint of a job that a table has, -1 without one."""
    notes = [snapshot.summary.additional_properties for snapshot in table.metadata.snapshots if snapshot.summary]
    return max((int(note[CHECKPOINT]) for note in notes if note.get(FLINK_JOB) == job_id and CHECKPOINT in note), default=-1)


def _start(space: Workspace, *, awaits_drain: bool = True) -> str:
    """Fence off any earlier job, submit a new one where the tables stop, record the deployment."""
    settings, contracts = space.settings, space.contracts
    endpoints = settings.endpoints
    catalog = connect(endpoints.catalog)
    tables = plan(contracts, space.definitions)
    _fence(catalog, [*(stream.journal for stream in contracts.streams.values()), *map(partial_of, tables)])
    last, wanted = deployed(settings), described(space)
    if awaits_drain and last and last.statements != wanted.statements:
        _await_drained(catalog)
    announce(space, wanted)
    published = read_publication(settings)
    known = published.streams if published else {}
    topics = Topics(endpoints.kafka).states(space.topics.values())
    fed = {name: [table.name for table in tables.values() if table.is_fed_by(name)] for name in contracts.streams}
    starts = {name: start_of(catalog, stream, topics[stream.topic], fed[name], known.get(name)) for name, stream in contracts.streams.items()}
    statements = statement_set(contracts, space.definitions, endpoints.kafka, endpoints.catalog, starts)
    job_id = session.submit(flink_settings(settings), statements.declarations, list(statements.inserts.values()))
    _record(catalog, contracts, job_id, wanted, starts)
    return job_id


def flink_settings(settings: Settings) -> dict[str, str]:
    """Settings of a job on the cluster of a stack, with the decoder's jar.

    Raises:
        DecoderError: the decoder has not been compiled.
    """
    endpoints = settings.endpoints
    session.use_libraries(endpoints.flink_lib, endpoints.flink_conf)
    jars = [decoder.jar_in(endpoints.decoders)]
    return session.remote(endpoints.flink, endpoints.checkpoints, JOB_NAME, settings.checkpoint_seconds, jars)


def _await_mid_window() -> None:
    first, last = MID_WINDOW_SECONDS
    while not first <= time.time() % 10 <= last:
        time.sleep(0.1)


def _fence(catalog: RestCatalog, names: list[str]) -> None:
    """Put an empty commit on every table of the job, so that a stale commit request of a dead job no longer fits."""
    for name in names:
        table = catalog.load_table(name)
        table.append(table.schema().as_arrow().empty_table(), snapshot_properties={"daybook.fence": LANE})


def _await_drained(catalog: RestCatalog) -> None:
    """Wait as long as the audit goes on publishing.

    Raises:
        DrainError: a stream is held, or nothing was published for a time.
    """
    deadline, reached = time.monotonic() + DRAIN_SECONDS, -1
    while not _is_drained(catalog):
        published = visible_publication(catalog)
        refuse_held(published)
        if progress_of(published) > reached:
            deadline, reached = time.monotonic() + DRAIN_SECONDS, progress_of(published)
        if time.monotonic() > deadline:
            message = "the audit does not publish what the stopped job left: run `daybook audit --follow`, then `daybook deploy` again, or with --anyway"
            raise DrainError(message)
        time.sleep(1)


def progress_of(published: Publication | None) -> int:
    """A number that grows with every offset and window that is published."""
    streams = published.streams.values() if published else ()
    offsets = sum(position.next_offset for frontier in streams for position in frontier.positions.values())
    return offsets + sum(windows.proved for frontier in streams for windows in frontier.windows.values())


def _is_drained(catalog: RestCatalog) -> bool:
    """True when all rows are published and the audit has nothing left to do for that publication."""
    published = visible_publication(catalog)
    return published is not None and all(_is_published(catalog, stream, frontier) for stream, frontier in published.streams.items())


def _is_published(catalog: RestCatalog, stream: str, frontier: StreamFrontier) -> bool:
    positions = {partition: position.next_offset for partition, position in frontier.current.items()}
    topic, since_ms = (frontier.epochs[-1].topic, frontier.epochs[-1].begun_ms) if frontier.epochs else (None, -1)
    if next_offsets(catalog.load_table(journal_of(stream)), positions, topic, since_ms) != positions:
        return False
    proved = {name: windows.proved for name, windows in frontier.windows.items()}
    return all(last_windows(catalog.load_table(partial_of(name)), stream, end) == end for name, end in proved.items())


def start_of(catalog: Catalog, stream: Stream, topic: TopicState, tables: list[str], frontier: StreamFrontier | None) -> StreamStart:
    """Where the tables stop; a partition of which they have nothing begins at the log's start.

    A table that was added to a stream begins where the stream's other tables are.
    """
    journal = catalog.load_table(stream.journal)
    epoch = frontier.epochs[-1] if frontier and frontier.epochs else None
    is_same = epoch is None or epoch.topic_id == topic.topic_id
    positions = {partition: position.next_offset for partition, position in frontier.current.items()} if frontier and is_same else {}
    since_ms = epoch.begun_ms if epoch else -1
    # Of a log that nothing is published of, nothing is known to be journaled: all of it is read, and the audit removes what comes twice.
    journaled = {partition: offset for partition, offset in next_offsets(journal, positions, stream.topic, since_ms).items() if offset > 0} if is_same else {}
    proved = {name: windows.proved for name, windows in frontier.windows.items()} if frontier else {}
    least = min(proved.values(), default=-1)
    ends = {name: last_windows(catalog.load_table(partial_of(name)), stream.name, proved.get(name, least)) for name in tables}
    windows = {name: _text(end) for name, end in ends.items() if end > 0}
    if is_same and (not journaled or len(windows) < len(tables)):
        return StreamStart(journal_from=journaled, windows_from=windows, topic_id=topic.topic_id)
    open_windows = {**journaled, **offsets_at(journal, stream.topic, max(min(ends.values()), since_ms))} if is_same else {}
    return StreamStart({p: max(start, open_windows.get(p, start)) for p, start in topic.starts.items()}, journaled, windows, topic.topic_id)


def _text(epoch_ms: int) -> str:
    return instant(epoch_ms).strftime("%Y-%m-%d %H:%M:%S")


def _record(catalog: RestCatalog, contracts: Registry, job_id: str, wanted: Deployed, starts: Mapping[str, StreamStart]) -> None:
    table = catalog.load_table(DEPLOYMENTS)
    row = {
        "lane": LANE,
        "job_id": job_id,
        "sources_hash": wanted.sources,
        "statements_hash": wanted.statements,
        "contract_versions": json.dumps({stream.name: stream.version for stream in contracts.streams.values()}),
        "starts": json.dumps({name: asdict(start) for name, start in starts.items()}),
        "deployed_at": datetime.now(UTC),
    }
    table.append(pa.Table.from_pylist([row], schema=table.schema().as_arrow()))
