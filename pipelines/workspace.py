"""What most processes start from: settings, contracts and definitions."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from contracts.registry import Registry
    from kpis.registry import Definitions
    from pipelines.settings import Settings


@dataclass(frozen=True)
class Workspace:
    """Everything that is declared, and the text of its sources by their path below `contracts/` and `kpis/`."""

    settings: Settings
    contracts: Registry
    definitions: Definitions
    sources: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change whenever a source does."""
        return hashlib.sha256(json.dumps(self.sources, sort_keys=True).encode()).hexdigest()[:12]

    @cached_property
    def statements_hash(self) -> str:
        """The same for the job's SQL, wherever it starts and whatever the engines' addresses."""
        from pipelines.intake.statements import ANY_CATALOG, ANY_KAFKA, statement_set

        return statement_set(self.contracts, self.definitions, ANY_KAFKA, ANY_CATALOG).statements_hash

    @property
    def topics(self) -> dict[str, str]:
        """Topic of every stream."""
        return {stream.name: stream.topic for stream in self.contracts.streams.values()}


def workspace() -> Workspace:
    """Read the settings, and contracts and definitions as they are installed here.

    Raises:
        SettingsError: a variable of ours is wrong, or there are no definitions where it says.
        ContractError: a contract or a definition is wrong.
    """
    from pipelines.settings import SettingsError, load

    settings = load()
    if not (settings.definitions / "definitions").is_dir():
        message = f"DAYBOOK_DEFINITIONS: {settings.definitions} has no folder 'definitions'"
        raise SettingsError(message)
    return read(settings, settings.contracts, settings.definitions)


def read(settings: Settings, contracts: Path, definitions: Path) -> Workspace:
    """Read contracts and definitions from their folders.

    Raises:
        ContractError: a contract or a definition is wrong.
    """
    from contracts import registry as contract_registry
    from kpis import registry as kpi_registry

    found = contract_registry.load(contracts)
    sources = {**_texts("contracts", contracts, contract_registry.SOURCES), **_texts("kpis", definitions, kpi_registry.SOURCES)}
    return Workspace(settings, found, kpi_registry.load(found, definitions), sources)


def _texts(name: str, root: Path, patterns: Iterable[str]) -> dict[str, str]:
    paths = sorted(path for pattern in patterns for path in root.glob(pattern))
    return {f"{name}/{path.relative_to(root)}": path.read_text("utf-8") for path in paths}
