"""The intake job: one generated statement set from the topics to the journals and the partial aggregates."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connectors.flink.decoder import FORMAT, source_hash
from contracts.datasets import partial_of
from contracts.identifiers import quote
from contracts.rules import rules_json
from kpis.partials import PartialTable, plan
from kpis.sql import flink
from transforms import journal, source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contracts.model import Stream
    from contracts.registry import Registry
    from kpis.registry import Definitions

LANE = "main"
JOB_NAME = f"daybook-intake-{LANE}"
CATALOG = "lake"
ANY_KAFKA, ANY_CATALOG = "localhost:9092", "http://localhost:8181"
"""Stand in where the addresses do not matter."""


@dataclass(frozen=True)
class StreamStart:
    """Where a job takes a stream up.

    `topic_id`: of the topic whose offsets these are. `read_from`: first offset read per partition, early enough for the windows still
    open; every partition, or none. `journal_from`: first offset
    journaled per partition. `windows_from`: first window emitted per partial table, `YYYY-MM-DD HH:MM:SS` UTC; a table that
    is not named gets every window.
    """

    read_from: Mapping[int, int] = field(default_factory=dict)
    journal_from: Mapping[int, int] = field(default_factory=dict)
    windows_from: Mapping[str, str] = field(default_factory=dict)
    topic_id: str = ""


@dataclass(frozen=True)
class StatementSet:
    """The SQL of one job: what it declares and what it inserts, by table."""

    declarations: tuple[str, ...]
    inserts: Mapping[str, str]

    @property
    def statements_hash(self) -> str:
        """Twelve hexadecimal digits that change whenever the SQL does."""
        return hashlib.sha256("\n".join([*self.declarations, *self.inserts.values()]).encode()).hexdigest()[:12]


def statement_set(
    contracts: Registry,
    definitions: Definitions,
    kafka: str,
    catalog: str,
    starts: Mapping[str, StreamStart] | None = None,
    *,
    decoder: str | None = None,
) -> StatementSet:
    """Everything the job executes, in order.

    `kafka` is host:port, `catalog` the REST catalog's address, `decoder` the version of the format that reads the records: by default the one here.
    """
    begin, version = starts or {}, decoder or source_hash()
    streams = contracts.streams.values()
    create_catalog = (
        f"CREATE CATALOG {CATALOG} WITH (\n  'type' = 'iceberg',\n  'catalog-type' = 'rest',\n  'uri' = '{catalog}',\n  'cache-enabled' = 'false'\n)"
    )
    sources = [source.source_ddl(stream, _kafka_options(stream, kafka, begin.get(stream.name, StreamStart()), version)) for stream in streams]
    accepted = [source.accepted_ddl(stream) for stream in streams]
    inserts = {stream.journal: _journal_insert(stream, begin.get(stream.name, StreamStart())) for stream in streams}
    relations = {stream.name: source.accepted_name(stream) for stream in streams}
    for table in plan(contracts, definitions).values():
        first = {name: start.windows_from[table.name] for name, start in begin.items() if table.name in start.windows_from}
        inserts[partial_of(table.name)] = _partial_insert(table, flink.insert_query(table, relations, LANE, first))
    return StatementSet((create_catalog, *sources, *accepted), inserts)


def _journal_insert(stream: Stream, start: StreamStart) -> str:
    names = ", ".join(quote(column.name, "`") for column in journal.landed_columns(stream))
    positions = " ".join(f"WHEN {partition} THEN {offset}" for partition, offset in sorted(start.journal_from.items()) if offset > 0)
    where = f"\nWHERE `offset` >= CASE `partition` {positions} ELSE 0 END" if positions else ""
    hint = f"/*+ OPTIONS('uid-suffix' = 'journal-{stream.name}') */"
    return f"INSERT INTO {CATALOG}.{stream.journal} {hint} ({names})\n{journal.insert_select(stream)}{where}"


def _partial_insert(table: PartialTable, query: str) -> str:
    names = ", ".join(quote(name, "`") for name in table.columns)
    hint = f"/*+ OPTIONS('uid-suffix' = 'partials-{table.name}') */"
    return f"INSERT INTO {CATALOG}.{partial_of(table.name)} {hint} ({names})\n{query}"


def _kafka_options(stream: Stream, kafka: str, start: StreamStart, decoder: str) -> dict[str, str]:
    offsets = ";".join(f"partition:{partition},offset:{offset}" for partition, offset in sorted(start.read_from.items()))
    startup = {"scan.startup.mode": "specific-offsets", "scan.startup.specific-offsets": offsets} if offsets else {"scan.startup.mode": "earliest-offset"}
    return {
        "connector": "kafka",
        "topic": stream.topic,
        "properties.bootstrap.servers": kafka,
        "properties.group.id": f"{JOB_NAME}-{stream.name}",
        # Where a job begins is told by the tables; nobody may ever begin where a group of consumers was.
        "properties.commit.offsets.on.checkpoint": "false",
        "properties.isolation.level": "read_committed",
        **startup,
        "scan.topic-partition-discovery.interval": "0",
        "format": FORMAT,
        f"{FORMAT}.rules": rules_json(stream),
        f"{FORMAT}.source": decoder,
    }
