"""The audit's world on the real engines: tables in Iceberg, rows in DuckDB, missing offsets read again from Kafka."""

from __future__ import annotations

import time
from dataclasses import astuple, replace
from random import Random
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from connectors.iceberg.expiry import Departures, expire_snapshots
from connectors.iceberg.files import head_of
from connectors.iceberg.scan import offsets_at
from connectors.iceberg.tables import connect
from connectors.instants import now_ms
from connectors.kafka.topics import Topics
from contracts.datasets import (
    AUDITS,
    COMPLETENESS,
    DATASET_STATUS,
    INCIDENTS,
    QUALITY_RESULTS,
    QUARANTINE,
    RECONCILIATION,
    audit_of,
    duplicates_of,
    journal_of,
    partial_of,
)
from kpis.partials import plan
from kpis.sql.duckdb import WINDOW_MS, window_end_of
from pipelines.audit import operations
from pipelines.audit.decisions.lake import Conflict, Explanation, Log, StreamFailure
from pipelines.audit.engine.isolation import concerning
from pipelines.audit.engine.journal_reader import JournalReader
from pipelines.audit.engine.missing_offsets import MissingOffsetReader
from pipelines.audit.engine.operations_log import OperationsLog
from pipelines.audit.engine.partial_reader import PartialReader
from pipelines.audit.engine.quarantine_encryption import QuarantineCipher
from pipelines.audit.engine.tagged_tables import TaggedTables
from pipelines.audit.publication import RECORD, Position, Publication, StreamFrontier, WindowFrontier
from pipelines.intake.deployed import deployed, described
from pipelines.intake.statements import LANE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pyiceberg.table import Table

    from pipelines.audit.decisions.lake import Changes, Commit, Comparison, DuplicateCount, Offsets, Span, TagMove
    from pipelines.audit.publication import Place, UndeclaredKey
    from pipelines.workspace import Workspace

LOOK_S = 3.0
"""The broker is asked for starts and ends of the logs so seldom that it costs nothing, and so often that a loss is known within a minute."""
KEEP_MS = 120_000
"""Snapshots stay so long after readers were shown another: a query may still be planned on one, yet each commit reads and writes all."""


class IcebergLake:
    """Implements `pipelines.audit.decisions.lake.Lake`; holds one DuckDB connection and one Kafka reader, closed by `close`."""

    def __init__(self, space: Workspace) -> None:
        """Connects; the tables must have been applied."""
        settings, contracts, endpoints = space.settings, space.contracts, space.settings.endpoints
        self._contracts = contracts
        self._definitions = space.definitions
        self._settings = settings
        self._definition = described(space)
        self._deployed = deployed(settings) or self._definition
        self._catalog = TaggedTables(connect(endpoints.catalog))
        self._log = OperationsLog(self._catalog, round(settings.audit_log_seconds * 1000))
        self._topics = Topics(endpoints.kafka)
        self._gaps = MissingOffsetReader(contracts, endpoints.kafka, QuarantineCipher(settings.key_file))
        self._connection = duckdb.connect(config={"memory_limit": "600MB", "threads": 1, "preserve_insertion_order": False})
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute(f"SET temp_directory = '{settings.home / 'audit' / 'spill'}'")
        tables = tuple(plan(contracts, space.definitions).values())
        self._fed = {stream: tuple(table.name for table in tables if table.is_fed_by(stream)) for stream in contracts.streams}
        self._partials = {table.name: PartialReader(self._catalog, self._connection, table, LANE) for table in tables}
        folder = settings.home / "audit" / "identities"
        self._journals = {stream.name: JournalReader(self._catalog, self._connection, stream, tables, folder) for stream in contracts.streams.values()}
        self._random = Random()  # noqa: S311 - which records are looked at is no secret
        self._published: Publication | None = None
        self._logs: Mapping[str, Log] = {}
        self._looked_at = -LOOK_S
        self._departures = Departures(KEEP_MS)

    def close(self) -> None:
        """Let go of the broker and of DuckDB."""
        self._gaps.close()
        self._connection.close()

    @property
    def streams(self) -> tuple[str, ...]:
        """Names of the streams."""
        return tuple(self._journals)

    @property
    def window_ms(self) -> int:
        """Length of a window."""
        return WINDOW_MS

    @property
    def partials(self) -> tuple[str, ...]:
        """Short names of the partial tables."""
        return tuple(self._partials)

    @property
    def reshaped(self) -> frozenset[str]:
        """Audit tables whose columns are not all published."""
        names = (*map(audit_of, self._partials), *map(duplicates_of, self._journals), QUARANTINE)
        return frozenset(name for name in names if self._catalog.is_reshaped(name))

    def published(self) -> Publication:
        """Read the record, or make the one before the first."""
        self._published = self._recorded(self._catalog.look(COMPLETENESS))
        return self._published

    def record(self, publication: Publication) -> None:
        """Append the completeness rows and set the record in one commit."""
        table = self._catalog.look(COMPLETENESS)
        before = self._recorded(table)
        if before.cycle != publication.cycle - 1 or not self._is_still_deployed():
            message = f"cycle {before.cycle} is recorded already, or something else is deployed"
            raise Conflict(message)
        rows = operations.completeness_rows(publication)
        self._catalog.append(COMPLETENESS, head_of(table), self._typed(COMPLETENESS, rows), {RECORD: publication.to_json()})
        self._published = publication
        for stream, reader in self._journals.items():
            if publication.targets[journal_of(stream)] != publication.before[journal_of(stream)]:
                reader.remember(publication.streams[stream])

    def write_ops(self, publication: Publication) -> None:
        """Write the operations rows of a publication once."""
        if publication.cycle == 0 or self._log.is_written(publication.cycle):
            return
        logs = {
            RECONCILIATION: operations.reconciliation_rows(publication),
            AUDITS: operations.audit_rows(publication),
            INCIDENTS: operations.incident_rows(publication),
            QUALITY_RESULTS: operations.quality_rows(publication),
        }
        status = operations.status_rows(self._contracts, self._definitions, publication)
        self._log.write(publication.cycle, status, logs, now_ms(), at_once=bool(logs[INCIDENTS]))

    def tidy(self, now_ms: int) -> int:
        """Forget snapshots that are older than what is published and than any query; how many. At any time between cycles."""
        tables = [*self._last.targets, COMPLETENESS, RECONCILIATION, AUDITS, INCIDENTS, QUALITY_RESULTS, DATASET_STATUS]
        return sum(self._forget(name, now_ms) for name in tables)

    def head(self, table: str) -> int:
        """Snapshot id of main, as it is now."""
        return head_of(self._catalog.look(table))

    def move_tags(self, moves: tuple[TagMove, ...]) -> None:
        """Compare and swap the tags."""
        self._catalog.move_tags(moves)

    def rollback(self, table: str, head: int, to: int) -> None:
        """Compare and swap main."""
        self._catalog.rollback(table, head, to)

    def commits(self, table: str, since: int) -> tuple[Commit, ...]:
        """Snapshots after `since`."""
        return self._catalog.commits(table, since)

    def logs(self, *, fresh: bool = False) -> Mapping[str, Log]:
        """Logs as the broker has them; asked for all streams at once, and no more than once in a few seconds."""
        if fresh or time.monotonic() - self._looked_at > LOOK_S:
            topics = {name: stream.topic for name, stream in self._contracts.streams.items()}
            states = self._topics.states(topics.values())
            self._logs = {name: Log(topic, *astuple(states[topic])) for name, topic in topics.items() if topic in states}
            self._looked_at = time.monotonic()
        return self._logs

    def offsets_since(self, stream: str, moment_ms: int) -> Mapping[int, int]:
        """Ask the broker's time index."""
        return self._topics.offsets_since(self._contracts.streams[stream].topic, moment_ms)

    def appended_at(self, stream: str, partition: int, offset: int) -> int | None:
        """Append time of a record."""
        return self._gaps.appended_at(self._contracts.streams[stream], partition, offset)

    def open_journal(self, stream: str, since: int, snapshot: int, frontier: StreamFrontier) -> Mapping[int, Offsets]:
        """Open a journal's new rows."""
        with concerning(stream):
            return self._journals[stream].open(frontier, since, snapshot)

    def window_spans(self, table: str, since: int, snapshot: int) -> Mapping[str, Span]:
        """Window ends in new files."""
        return self._partials[table.removeprefix("partials.")].spans(since, snapshot)

    def open_partials(self, name: str, since: int, snapshot: int) -> None:
        """Open a partial table's new rows."""
        self._partials[name].open(self._last, since, snapshot)

    def explain(self, stream: str, after: Mapping[int, int], budget: int) -> Explanation:
        """Explain missing offsets."""
        self._require_topic(stream)
        with concerning(stream):
            found = self._journals[stream].explain(self._gaps, after, budget)
        return Explanation(found.through, found.quarantined, found.absent, found.refused, tuple(found.lost))

    def carried(self, stream: str) -> int:
        """Count what waits for its windows."""
        return self._journals[stream].carried(self._last.streams[stream])

    def drop_double_commits(self, stream: str) -> int:
        """Rewrite the files with repeated offsets."""
        with concerning(stream):
            return self._journals[stream].drop_double_commits()

    def misread(self, stream: str, again: tuple[Place, ...]) -> tuple[Place, ...]:
        """Read a sample of the new deliveries again."""
        with concerning(stream):
            if self._journals[stream].deliveries.count("fresh"):
                self._require_topic(stream)
            return self._journals[stream].misread(self._gaps, self._settings.sample_size, self._random, again)

    def find_duplicates(self, stream: str) -> DuplicateCount:
        """Find repeated identities."""
        with concerning(stream):
            return self._journals[stream].find_duplicates()

    def undeclared_keys(self, stream: str) -> tuple[UndeclaredKey, ...]:
        """Count keys that no contract knows."""
        with concerning(stream):
            return self._journals[stream].undeclared_keys()

    def late_rows(self, stream: str, counted: Mapping[int, int], before: int) -> int:
        """Count rows that the stream's windows have missed."""
        deliveries = self._journals[stream].deliveries
        with concerning(stream):
            return deliveries.count(deliveries.late_condition(counted, before))

    def compare(self, name: str, stream: str, since: WindowFrontier, through: int, seam_ms: int) -> tuple[Comparison, ...]:
        """Compare windows."""
        deliveries = self._journals[stream].deliveries

        def find_late() -> set[int]:
            # A job that another version of Daybook made of these sources may count differently: the journal is right then.
            until_ms = seam_ms if self._deployed.statements == self._definition.statements else through
            shared = deliveries.windows_with(f"{deliveries.window_end()} <= {until_ms}")
            gone = self._journals[stream].taken_out(since.proved)
            split = {end for *_, appended_ms in gone if (end := window_end_of(appended_ms)) <= through}
            return deliveries.late_windows(through, since.counted, gone) | split | shared

        with concerning(stream):
            return self._partials[name].streamed.compare(deliveries, stream, since.proved, through, find_late)

    def reopened(self, name: str, stream: str, through: int) -> tuple[int, ...]:
        """Published windows that came again."""
        return self._partials[name].reopened(self._last, stream, through)

    def stage_rows(self, name: str, parent: int, cycle: int, changes: Mapping[str, Changes]) -> int:
        """Append the audit's rows for a partial table."""
        deliveries = {stream: reader.deliveries for stream, reader in self._journals.items()}
        return self._partials[name].stage(self._last, deliveries, parent, cycle, changes)

    def stage_duplicates(self, stream: str, parent: int, cycle: int, *, found: bool) -> int:
        """Append the duplicates of a stream."""
        name = duplicates_of(stream)
        rows = self._journals[stream].told_duplicates()
        rows = rows.slice(0, len(rows) if found else 0)
        return self._catalog.append(name, parent, rows.append_column("cycle", pa.array([cycle] * len(rows), pa.int64())))

    def stage_quarantine(self, parent: int, cycle: int, streams: tuple[str, ...]) -> int:
        """Append quarantine rows."""
        rows = [{**row, "cycle": cycle} for stream in streams for row in self._journals[stream].explained.rows]
        return self._catalog.append(QUARANTINE, parent, self._typed(QUARANTINE, rows))

    def _require_topic(self, stream: str) -> None:
        if stream not in self.logs():
            raise StreamFailure(stream, f"{self._contracts.streams[stream].topic}: the topic does not exist")

    def _forget(self, name: str, now_ms: int) -> int:
        with self._catalog.changing(name) as table:
            return expire_snapshots(table, self._departures.limit(table, now_ms))

    @property
    def _last(self) -> Publication:
        return self._published or self.published()

    def _recorded(self, completeness: Table) -> Publication:
        """The record; what it does not know yet begins where the rest of its stream is proved, streams that are no more are left out."""
        text = completeness.properties.get(RECORD)
        if text is None:
            return self._first()
        recorded = Publication.from_json(text)
        if (recorded.sources, recorded.statements) == self._deployed:
            return recorded
        known = {**recorded.removed, **recorded.streams}
        first = self._first(known)
        is_other_job = recorded.statements != self._deployed.statements
        return replace(
            first,
            cycle=recorded.cycle,
            streams={name: _fitted(known.get(name), frontier, is_other_job=is_other_job) for name, frontier in first.streams.items()},
            targets={**first.targets, **recorded.targets},
            before={**first.targets, **recorded.before},
            reports={name: report for name, report in recorded.reports.items() if name in first.streams},
            removed={name: frontier for name, frontier in known.items() if name not in first.streams},
        )

    def _is_still_deployed(self) -> bool:
        last = deployed(self._settings)
        return last is None or (last == self._deployed and last.sources == self._definition.sources)

    def _first(self, known: Collection[str] = ()) -> Publication:
        """The publication before the first; of streams in `known` the positions are left out."""
        names = [*map(partial_of, self._partials), *map(audit_of, self._partials)]
        names += [*map(journal_of, self._journals), *map(duplicates_of, self._journals), QUARANTINE]
        tags = {name: self._catalog.tag(name) for name in names}
        streams = {stream: self._beginning({} if stream in known else self._starts(stream), fed) for stream, fed in self._fed.items()}
        return Publication(0, streams, tags, tags, sources=self._deployed.sources, statements=self._deployed.statements)

    def _starts(self, stream: str) -> dict[int, int]:
        """Where a stream starts per partition: what its log had lost before the first row was journaled was never ours."""
        log = self.logs().get(stream)
        journaled = offsets_at(self._catalog.table(journal_of(stream)), self._contracts.streams[stream].topic, 0)
        return {partition: min(start, journaled.get(partition, start)) for partition, start in log.starts.items()} if log else {}

    @staticmethod
    def _beginning(starts: Mapping[int, int], tables: tuple[str, ...]) -> StreamFrontier:
        positions = {partition: Position(start, start) for partition, start in starts.items()}
        return StreamFrontier(positions, {name: WindowFrontier(-1, -1, starts) for name in tables})

    def _typed(self, name: str, rows: list[dict[str, Any]]) -> pa.Table:
        return pa.Table.from_pylist(rows, schema=self._catalog.table(name).schema().as_arrow())


def _fitted(known: StreamFrontier | None, first: StreamFrontier, *, is_other_job: bool) -> StreamFrontier:
    """A known frontier, with the partial tables of this deployment; with another job a new seam."""
    if known is None:
        return first
    least = min(known.windows.values(), key=lambda windows: windows.proved)
    reached = max((position.reach_ms for position in known.positions.values()), default=-1)
    windows = {name: known.windows.get(name, least) for name in first.windows}
    return replace(known, windows=windows, seam_ms=window_end_of(reached) if is_other_job else known.seam_ms)
