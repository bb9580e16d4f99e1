"""How far the audit has published, read from its record without opening anything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connectors.iceberg.tables import connect
from contracts.datasets import COMPLETENESS
from pipelines.audit.publication import RECORD, Publication, facts_through, kpis_through

if TYPE_CHECKING:
    from pipelines.settings import Settings


@dataclass(frozen=True)
class Through:
    """Least J and W over all streams, epoch ms, and the audit cycle that published them; -1 where nothing is published."""

    facts_ms: int
    kpis_ms: int
    cycle: int


def read_publication(settings: Settings) -> Publication | None:
    """The last recorded publication, or None before the first."""
    text = connect(settings.endpoints.catalog).load_table(COMPLETENESS).properties.get(RECORD)
    return Publication.from_json(text) if text else None


def last_publication(settings: Settings) -> Through | None:
    """How far the last publication reaches, or None before the first."""
    publication = read_publication(settings)
    if publication is None:
        return None
    frontiers = publication.streams.values()
    facts = min(facts_through(frontier) or -1 for frontier in frontiers)
    kpis = min(kpis_through(frontier) or -1 for frontier in frontiers)
    return Through(facts, kpis, publication.cycle)
