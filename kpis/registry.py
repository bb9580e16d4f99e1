"""The only loader of KPI and entity definitions, and the lint that holds them against the contracts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from contracts.registry import ContractError, explain, read_yaml
from kpis.events import event_types
from kpis.model import BASE_DIMENSIONS, Entity, Kpi, Measure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from contracts.model import Stream
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
    kpis = {kpi.name: kpi for kpi in (_read(path, Kpi) for path in sorted((root / "definitions").glob("*.yaml")))}
    entities = {entity.name: entity for entity in (_read(path, Entity) for path in sorted((root / "entities").glob("*.yaml")))}
    for kpi in kpis.values():
        _check_kpi(kpi, contracts)
    for entity in entities.values():
        for stream, measures in entity.streams.items():
            where = f"entities/{entity.name}.yaml: streams.{stream}"
            _check_measures(where, measures.values(), _stream(where, contracts, stream))
            if entity.key not in contracts.streams[stream].entities:
                message = f"{where}: the key '{entity.key}' is not among the entities of {stream}, which its canaries carry"
                raise ContractError(message)
    return Definitions(kpis, entities)


def _read(path: Path, kind: type[Definition]) -> Definition:
    try:
        definition = kind(**read_yaml(path))
    except ValidationError as error:
        raise explain(path, error) from error
    if getattr(definition, "name", None) != path.stem:
        message = f"{path.parent.name}/{path.name}: the name must be '{path.stem}', the name of its file"
        raise ContractError(message)
    return definition


def _check_kpi(kpi: Kpi, contracts: Registry) -> None:
    where = f"definitions/{kpi.name}.yaml"
    stream = _stream(f"{where}: stream", contracts, kpi.stream)
    measures = [kpi.narrowed(measure) for measure in kpi.measures.values()]
    _check_measures(where, measures, stream)
    carried = {name for event in event_types(kpi, stream) for name in stream.event_types[event].carried}
    for dimension in kpi.dimensions:
        if dimension in BASE_DIMENSIONS:
            message = f"{where}: dimensions: '{dimension}' is a base dimension of every KPI"
            raise ContractError(message)
        if dimension not in carried:
            message = f"{where}: dimensions: '{dimension}' is not carried by the event types of this KPI"
            raise ContractError(message)


def _check_measures(where: str, measures: Iterable[Measure], stream: Stream) -> None:
    for measure in measures:
        for name in sorted(measure.columns):
            if name not in stream.fields:
                message = f"{where}: '{name}' is not a field of {stream.name}"
                raise ContractError(message)
        if measure.kind == "sum" and measure.value and any(stream.fields[name].type == "number" for name in measure.value.columns):
            message = f"{where}: '{measure.value.text}' is a floating-point number and cannot be summed exactly"
            raise ContractError(message)


def _stream(where: str, contracts: Registry, name: str) -> Stream:
    if name not in contracts.streams:
        message = f"{where}: '{name}' is not a stream"
        raise ContractError(message)
    return contracts.streams[name]
