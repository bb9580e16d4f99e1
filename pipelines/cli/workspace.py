"""What most commands start from: settings, contracts and definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from contracts.registry import Registry
    from kpis.registry import Definitions
    from pipelines.settings import Settings


class Workspace(NamedTuple):
    """Everything that is declared."""

    settings: Settings
    contracts: Registry
    definitions: Definitions

    @property
    def topics(self) -> dict[str, str]:
        """Topic of every stream."""
        return {stream.name: stream.topic for stream in self.contracts.streams.values()}


def workspace() -> Workspace:
    """Read settings, contracts and definitions.

    Raises:
        SettingsError: a variable of ours is wrong.
        ContractError: a contract or a definition is wrong.
    """
    from contracts import registry as contract_registry
    from kpis import registry as kpi_registry
    from pipelines import settings

    read = settings.load()
    contracts = contract_registry.load()
    return Workspace(read, contracts, kpi_registry.load(contracts, read.definitions))
