"""The state of one installation as values: services, intake job and streams, each as far as its engine answers."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow.dataset as arrow_dataset

from connectors.flink.rest import FlinkRest
from connectors.iceberg.files import added_files, head_of, local_path
from connectors.iceberg.tables import AUDITED, connect
from connectors.instants import now_ms
from connectors.kafka.topics import Topics
from contracts.datasets import QUARANTINE
from pipelines.audit.publication import facts_through, kpis_through
from pipelines.failures import exit_code, sentence
from pipelines.intake.deployed import deployed_workspace, is_deployed
from pipelines.intake.statements import JOB_NAME
from pipelines.published import read_publication

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pyiceberg.table import Table

    from contracts.model import Stream
    from pipelines.audit.incidents import Incident
    from pipelines.audit.publication import Hold, StreamFrontier
    from pipelines.workspace import Workspace

KAFKA_PATIENCE_S = 5
STACK_PATIENCE_S = 30

Offsets = dict[str, dict[int, int]]


@dataclass(frozen=True)
class JobState:
    """One intake job: Flink's word for its state, when it started (epoch ms), how many checkpoints it has completed."""

    id: str
    state: str
    since_ms: int
    checkpoints: int


@dataclass(frozen=True)
class PartitionState:
    """Offsets of one partition; each is the next one, so that `end - published` is the lag. None where the engine was silent."""

    partition: int
    end: int | None
    journaled: int
    published: int
    reach_ms: int

    @property
    def lag(self) -> int | None:
        """Offsets that readers do not see yet."""
        return None if self.end is None else max(0, self.end - self.published)


@dataclass(frozen=True)
class StreamState:
    """How far one stream is journaled and published; times in epoch ms, None before the first publication."""

    name: str
    topic: str
    promise_s: int
    facts_through_ms: int | None
    kpis_through_ms: int | None
    rows: int
    quarantined: int
    repeats: int
    conflicting: int
    committed_ms: int
    hold: Hold | None
    incidents: tuple[Incident, ...]
    partitions: tuple[PartitionState, ...]


@dataclass(frozen=True)
class Survey:
    """Everything at one moment. None means that the engine to be asked did not answer, which `problems` says in a sentence."""

    at_ms: int
    services: list[dict[str, Any]] | None
    jobs: tuple[JobState, ...] | None
    is_current: bool | None
    streams: tuple[StreamState, ...] | None
    problems: tuple[str, ...]


def survey(space: Workspace) -> Survey:
    """Ask every engine at once; takes as long as the slowest, half a minute at most."""
    problems: list[str] = []

    def attempt(ask: Callable[[Workspace], Any]) -> Any:
        try:
            return ask(space)
        except Exception as error:
            if exit_code(error) is None:
                raise
            problems.append(sentence(error))
            return None

    with ThreadPoolExecutor() as pool:
        services, jobs, is_current = (pool.submit(attempt, ask) for ask in (_services, _jobs, is_deployed))
        # What is not deployed yet has no streams to ask about.
        running = attempt(lambda space: deployed_workspace(space.settings)) or space
        ends = pool.submit(attempt, lambda _: _ends(running))
        streams = attempt(lambda _: _streams(running, ends.result() or {}))
    return Survey(now_ms(), services.result(), jobs.result(), is_current.result(), streams, tuple(dict.fromkeys(problems)))


def _services(space: Workspace) -> list[dict[str, Any]] | None:
    """What the supervisor of the local stack says; None where there is none, as on a cluster."""
    del space
    command = [sys.executable, "-m", "deploy.local", "status", "--json"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=STACK_PATIENCE_S)  # noqa: S603 - our own module
        rows = list(json.loads(answer.stdout)["services"])
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return None
    return rows if len(rows) > 1 else None  # the supervisor alone: nothing was ever started here


def _jobs(space: Workspace) -> tuple[JobState, ...]:
    flink = FlinkRest(space.settings.endpoints.flink)
    return tuple(JobState(job.id, job.state, job.start_ms, flink.completed_checkpoints(job.id)) for job in flink.jobs(JOB_NAME))


def _ends(space: Workspace) -> Offsets:
    topics = Topics(space.settings.endpoints.kafka, KAFKA_PATIENCE_S)
    return {name: {partition: end for partition, (_, end) in topics.offsets(topic).items()} for name, topic in space.topics.items()}


def _streams(space: Workspace, ends: Offsets) -> tuple[StreamState, ...]:
    catalog = connect(space.settings.endpoints.catalog)
    publication = read_publication(space.settings)
    quarantined = _count_by_topic(catalog.load_table(QUARANTINE))
    return tuple(
        _stream(
            stream,
            publication.streams.get(stream.name) if publication else None,
            catalog.load_table(stream.journal),
            ends.get(stream.name, {}),
            quarantined.get(stream.topic, 0),
        )
        for stream in space.contracts.streams.values()
    )


def _stream(stream: Stream, frontier: StreamFrontier | None, journal: Table, ends: Mapping[int, int], quarantined: int) -> StreamState:
    tagged = journal.metadata.refs[AUDITED].snapshot_id
    current = journal.current_snapshot()
    positions = frontier.current if frontier else {}
    newer = _newest_offsets(journal, tagged)
    partitions = []
    for partition in sorted(ends.keys() | positions.keys() | newer.keys()):
        position = positions.get(partition)
        published = position.next_offset if position else 0
        journaled = max(published, newer.get(partition, -1) + 1)
        partitions.append(PartitionState(partition, ends.get(partition), journaled, published, position.reach_ms if position else -1))
    return StreamState(
        name=stream.name,
        topic=stream.topic,
        promise_s=stream.freshness_seconds,
        facts_through_ms=facts_through(frontier) if frontier else None,
        kpis_through_ms=kpis_through(frontier) if frontier else None,
        rows=_count_rows(journal, tagged),
        quarantined=quarantined,
        repeats=frontier.repeats if frontier else 0,
        conflicting=frontier.conflicting if frontier else 0,
        committed_ms=current.timestamp_ms if current else -1,
        hold=frontier.hold if frontier else None,
        incidents=frontier.incidents if frontier else (),
        partitions=tuple(partitions),
    )


def _count_rows(table: Table, snapshot_id: int) -> int:
    """Rows of a snapshot, from its summary."""
    snapshot = table.metadata.snapshot_by_id(snapshot_id)
    summary = snapshot.summary if snapshot else None
    return int(summary.additional_properties.get("total-records", "0")) if summary else 0


def _newest_offsets(journal: Table, tagged: int) -> dict[int, int]:
    """Greatest offset per partition among the rows that are journaled and not yet published."""
    paths = [local_path(file.file_path) for file in added_files(journal, tagged, head_of(journal))]
    if not paths:
        return {}
    rows = arrow_dataset.dataset(paths).to_table(columns=["partition", "offset"]).group_by("partition").aggregate([("offset", "max")])
    return dict(zip(rows["partition"].to_pylist(), rows["offset_max"].to_pylist(), strict=True))


def _count_by_topic(quarantine: Table) -> dict[str, int]:
    snapshot = quarantine.metadata.refs[AUDITED].snapshot_id
    rows = quarantine.scan(selected_fields=("topic",), snapshot_id=snapshot).to_arrow()
    counted = rows.group_by("topic").aggregate([([], "count_all")])
    return dict(zip(counted["topic"].to_pylist(), counted["count_all"].to_pylist(), strict=True))
