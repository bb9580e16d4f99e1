"""Which definition of the intake job is deployed, and which one the files here describe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.iceberg.tables import connect
from pipelines.intake import statement_set

if TYPE_CHECKING:
    from contracts.registry import Registry
    from kpis.registry import Definitions
    from pipelines.settings import Settings

DEPLOYMENTS = "ops.deployments"
DEPLOYED = "daybook.definition"
"""Property of DEPLOYMENTS that names the definition of the newest job; set before the job is submitted."""


def current_hash(settings: Settings, contracts: Registry, definitions: Definitions) -> str:
    """Hash of the job as contracts and definitions describe it, wherever it starts."""
    return statement_set(contracts, definitions, settings.endpoints.kafka, settings.endpoints.catalog).definition_hash


def deployed_hash(settings: Settings) -> str | None:
    """Hash of the job that was deployed last, or None before the first."""
    properties: dict[str, str] = connect(settings.endpoints.catalog).load_table(DEPLOYMENTS).properties
    return properties.get(DEPLOYED)


def announce(settings: Settings, definition_hash: str) -> None:
    """Say which definition makes the rows from now on."""
    with connect(settings.endpoints.catalog).load_table(DEPLOYMENTS).transaction() as transaction:
        transaction.set_properties({DEPLOYED: definition_hash})
