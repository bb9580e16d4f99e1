"""Rows of the operations tables that a publication leaves behind."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from connectors.instants import instant
from contracts.datasets import journal_of, partial_of
from pipelines.audit.decisions.logs import topic_of
from pipelines.audit.incidents import standing
from pipelines.audit.publication import epoch_of, facts_through, kpis_through, partition_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contracts.registry import Registry
    from kpis.registry import Definitions
    from pipelines.audit.publication import Publication

Row = dict[str, Any]
CONFLICTING_REPEATS = "serving.conflicting_repeats"
"""View of the repeats that told an event otherwise."""
UNDECLARED_KEY = "undeclared_key"
"""Check of ops.quality_results."""


def completeness_rows(publication: Publication) -> list[Row]:
    """One row per partition whose position moved."""
    now = datetime.now(UTC)
    return [
        {
            "topic": topic_of(publication.streams[stream], account.key),
            "partition": partition_of(account.key),
            "epoch": epoch_of(account.key),
            **{name: number for name, number in asdict(account).items() if name != "key"},
            "accounted_at": now,
            "cycle": publication.cycle,
        }
        for stream, report in publication.reports.items()
        for account in report.accounts
    ]


def reconciliation_rows(publication: Publication) -> list[Row]:
    """One row per table, stream and verdict that the cycle gave."""
    return list(_reconciliations(publication))


def quality_rows(publication: Publication) -> list[Row]:
    """One row per stream, source, event type and key that the event type does not carry."""
    now = datetime.now(UTC)
    return [
        {
            "dataset": journal_of(stream),
            "stream": stream,
            "check_name": UNDECLARED_KEY,
            "source": one.source,
            "event_type": one.event_type,
            "subject": one.key,
            "records": one.records,
            "checked_at": now,
            "cycle": publication.cycle,
        }
        for stream, report in publication.reports.items()
        for one in report.undeclared
    ]


def audit_rows(publication: Publication) -> list[Row]:
    """One row per table whose tag moved."""
    now = datetime.now(UTC)
    moved = [table for table, target in publication.targets.items() if publication.before[table] != target]
    return [{"dataset": table, "snapshot_id": publication.targets[table], "verdict": "pass", "audited_at": now, "cycle": publication.cycle} for table in moved]


def status_rows(contracts: Registry, definitions: Definitions, publication: Publication) -> list[Row]:
    """One row per served dataset and stream that it is made from."""
    now = datetime.now(UTC)
    rows = []
    for stream in contracts.streams.values():
        served = [(f"serving.{fact}", stream.journal) for fact in stream.facts]
        served += [(f"serving.kpi_{kpi.name}", partial_of("histograms" if kpi.histogram else "kpis")) for kpi in definitions.of_stream(stream.name)]
        served += [(f"serving.{entity.name}", partial_of(entity.name)) for entity in definitions.entities.values() if stream.name in entity.streams]
        served.append((CONFLICTING_REPEATS, stream.duplicates))
        frontier = publication.streams[stream.name]
        verdict, reason = standing(frontier)
        rows += [
            {
                "dataset": dataset,
                "stream": stream.name,
                "facts_through": _time(facts_through(frontier)),
                "kpis_through": _time(kpis_through(frontier)),
                "verdict": verdict,
                "reason": reason,
                "repeats": frontier.repeats,
                "conflicting": frontier.conflicting,
                "freshness_seconds": stream.freshness_seconds,
                "contract_version": stream.version,
                "snapshot_id": publication.targets[table],
                "published_at": now,
                "cycle": publication.cycle,
            }
            for dataset, table in served
        ]
    return rows


def incident_rows(publication: Publication) -> list[Row]:
    """One row per incident that opened, grew or closed in the cycle."""
    now = datetime.now(UTC)
    return [
        {
            "stream": stream,
            "kind": incident.kind,
            "detail": incident.detail,
            "topic": incident.topic or None,
            "partition": _number(incident.partition),
            "epoch": incident.epoch,
            "first_offset": _number(incident.first_offset),
            "last_offset": _number(incident.last_offset),
            "opened_at": _time(incident.since_ms),
            "closed_at": closed_at,
            "cycle": publication.cycle,
        }
        for stream, report in publication.reports.items()
        for incidents, closed_at in ((report.opened, None), (report.closed, now))
        for incident in incidents
    ]


def _number(value: int) -> int | None:
    return None if value < 0 else value


def _reconciliations(publication: Publication) -> Iterator[Row]:
    now = datetime.now(UTC)
    for stream, report in publication.reports.items():
        for table, verdicts in report.windows.items():
            supplements = {"supplement": report.supplemented.get(table, 0)}
            for verdict, windows in {**verdicts, **supplements}.items():
                if windows:
                    yield {
                        "table_name": table,
                        "stream": stream,
                        "verdict": verdict,
                        "windows": windows,
                        "window_end": _time(publication.streams[stream].windows[table].passed),
                        "reconciled_at": now,
                        "cycle": publication.cycle,
                    }


def _time(moment_ms: int | None) -> datetime | None:
    return None if moment_ms is None or moment_ms < 0 else instant(moment_ms)
