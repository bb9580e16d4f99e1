"""What the audit has recorded and how far readers see it, from properties alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connectors.iceberg.tables import connect
from contracts.datasets import COMPLETENESS, DATASET_STATUS
from pipelines.audit.publication import CYCLE, RECORD, Publication, facts_through, kpis_through

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

    from pipelines.settings import Settings


@dataclass(frozen=True)
class Through:
    """Least J and W over all streams, epoch ms, and the audit cycle that published them; -1 where nothing is published."""

    facts_ms: int
    kpis_ms: int
    cycle: int


def read_publication(settings: Settings) -> Publication | None:
    """The last recorded publication, or None before the first."""
    return _recorded(connect(settings.endpoints.catalog))


def visible_publication(catalog: Catalog) -> Publication | None:
    """The last recorded publication once readers see it; None before the first, and while one is under way.

    The record is written before the tags move, the status after them.
    """
    publication = _recorded(catalog)
    if publication is None or catalog.load_table(DATASET_STATUS).properties.get(CYCLE) != str(publication.cycle):
        return None
    return publication


def last_publication(settings: Settings) -> Through | None:
    """How far the last publication reaches; None as in `visible_publication`."""
    publication = visible_publication(connect(settings.endpoints.catalog))
    if publication is None:
        return None
    frontiers = publication.streams.values()
    facts = min(facts_through(frontier) or -1 for frontier in frontiers)
    kpis = min(kpis_through(frontier) or -1 for frontier in frontiers)
    return Through(facts, kpis, publication.cycle)


def _recorded(catalog: Catalog) -> Publication | None:
    text = catalog.load_table(COMPLETENESS).properties.get(RECORD)
    return Publication.from_json(text) if text else None
