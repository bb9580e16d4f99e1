"""The only loader of KPI and entity definitions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from contracts.registry import ContractError, explain, no_strays, read_yaml
from kpis import lint
from kpis.model import Entity, Kpi

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contracts.registry import Registry

ROOT = Path(__file__).parent
SOURCES = ("definitions/*.yaml", "entities/*.yaml")
"""Which files below a root are sources."""
Definition = TypeVar("Definition", bound=BaseModel)


@dataclass(frozen=True)
class Definitions:
    """Every KPI and every entity, by name, in alphabetical order."""

    kpis: Mapping[str, Kpi]
    entities: Mapping[str, Entity]

    def of_stream(self, stream: str) -> tuple[Kpi, ...]:
        """KPIs computed in the stream of that name."""
        return tuple(kpi for kpi in self.kpis.values() if kpi.stream == stream and kpi.computed == "stream")


def load(contracts: Registry, root: Path = ROOT) -> Definitions:
    """Read every file of `definitions/` and `entities/` below `root` and check it against the contracts.

    Raises:
        ContractError: a definition is malformed or names a stream, field or dimension that does not exist there.
    """
    kpis = {kpi.name: kpi for kpi in (_read(path, Kpi) for path in _files(root / "definitions"))}
    entities = {entity.name: entity for entity in (_read(path, Entity) for path in _files(root / "entities"))}
    for kpi in kpis.values():
        lint.check_kpi(kpi, contracts)
    for entity in entities.values():
        lint.check_entity(entity, contracts)
    definitions = Definitions(kpis, entities)
    lint.check_columns(definitions, contracts)
    return definitions


def _files(folder: Path) -> list[Path]:
    """None where there is no folder: sources that were deployed are unfolded without empty ones."""
    found = sorted(folder.glob("*.yaml"))
    if folder.is_dir():
        no_strays(folder, set(found))
    return found


def _read(path: Path, kind: type[Definition]) -> Definition:
    try:
        definition = kind(**read_yaml(path))
    except ValidationError as error:
        raise explain(path, error) from error
    if getattr(definition, "name", None) != path.stem:
        message = f"{path.parent.name}/{path.name}: the name must be '{path.stem}', the name of its file"
        raise ContractError(message)
    return definition
