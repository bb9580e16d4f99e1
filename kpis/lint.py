"""What a definition may not say, held against the contracts: one error that names file and key."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from contracts.registry import ContractError
from kpis.events import event_types
from kpis.model import BASE_DIMENSIONS
from kpis.names import column_of, meaning_of
from kpis.partials import key_columns, stored
from kpis.values import is_text, outgrown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contracts.model import Stream
    from contracts.registry import Registry
    from kpis.model import Entity, Kpi, Measure
    from kpis.registry import Definitions

KPI_KINDS = frozenset({"count", "sum", "histogram"})
"""What the values of a KPI may be made of."""
VIEW_COLUMNS = frozenset({"period_start", "value", "n", "kpi", "measure", "bucket", "lane", "stream", "minute", "event_type"})
"""Columns of partials and views that a dimension would clash with."""


def check_kpi(kpi: Kpi, contracts: Registry) -> None:
    """Raises ContractError."""
    where = f"definitions/{kpi.name}.yaml"
    stream = _stream(f"{where}: stream", contracts, kpi.stream)
    if kpi.computed != "stream":
        _refuse(f"{where}: computed: '{kpi.computed}' is not built yet")
    for measure in kpi.measures.values():
        if measure.kind not in KPI_KINDS:
            _refuse(f"{where}: '{measure.kind}' is not built yet")
    if kpi.histogram and len(kpi.measures) > 1:
        _refuse(f"{where}: measures: a histogram stands alone")
    _check_measures(where, [kpi.narrowed(measure) for measure in kpi.measures.values()], stream)
    _check_dimensions(where, kpi, stream)


def check_entity(entity: Entity, contracts: Registry) -> None:
    """Raises ContractError."""
    for name, measures in entity.streams.items():
        where = f"entities/{entity.name}.yaml: streams.{name}"
        stream = _stream(where, contracts, name)
        for measure in measures.values():
            if measure.kind in {"presence", "histogram"}:
                _refuse(f"{where}: '{measure.kind}' is not built yet")
        _check_measures(where, measures.values(), stream)
        for column, measure in measures.items():
            told = entity.columns[column].type
            gives_text = measure.kind == "latest" or (measure.kind in {"min", "max"} and measure.value is not None and is_text(measure.value.tree, stream))
            if gives_text != (told == "string"):
                _refuse(f"{where}.{column}: a {measure.kind} of {'text' if gives_text else 'numbers'} is no column of type {told}")
        if entity.key not in stream.entities:
            _refuse(f"{where}: the key '{entity.key}' is not among the entities of {name}, which its canaries carry")


def check_columns(definitions: Definitions, contracts: Registry) -> None:
    """Raises ContractError when two meanings would share a column of a partial table."""
    owners: dict[str, tuple[str, str]] = {}
    for kpi in definitions.kpis.values():
        keys = key_columns(contracts.streams[kpi.stream])
        for measure in kpi.measures.values():
            if measure.kind != "histogram":
                claim(owners, stored(kpi.narrowed(measure), keys), f"definitions/{kpi.name}.yaml")


def claim(owners: dict[str, tuple[str, str]], measure: Measure, where: str) -> None:
    """Note whose column a measure's is, in `owners` (column -> meaning and place); raises ContractError when it is another's."""
    meaning = meaning_of(measure)
    first, place = owners.setdefault(column_of(measure), (meaning, where))
    if first != meaning:
        _refuse(f"{where}: '{meaning}' would share the column '{column_of(measure)}' with '{first}' of {place}")


def _check_dimensions(where: str, kpi: Kpi, stream: Stream) -> None:
    carried = {name for event in event_types(kpi, stream) for name in stream.event_types[event].carried}
    for dimension in kpi.dimensions:
        if dimension in BASE_DIMENSIONS:
            _refuse(f"{where}: dimensions: '{dimension}' is a base dimension of every KPI")
        if dimension not in carried:
            _refuse(f"{where}: dimensions: '{dimension}' is not carried by the event types of this KPI")
        if stream.fields[dimension].unbounded:
            _refuse(f"{where}: dimensions: '{dimension}' names single things, so every event would be a row of its own")
        if dimension in VIEW_COLUMNS | kpi.measures.keys():
            _refuse(f"{where}: dimensions: '{dimension}' is the name of another column")


def _check_measures(where: str, measures: Iterable[Measure], stream: Stream) -> None:
    for measure in measures:
        for name in sorted(measure.columns):
            if name not in stream.fields:
                _refuse(f"{where}: '{name}' is not a field of {stream.name}")
        events = measure.where.values_of("event_type") if measure.where else None
        for name in sorted((events or frozenset()) - stream.event_types.keys()):
            _refuse(f"{where}: '{name}' is not an event type of {stream.name}")
        for expression in filter(None, (measure.value, measure.where)):
            if part := outgrown(expression.tree, stream):
                _refuse(f"{where}: '{part}' may outgrow 64 bits; its fields need a min and a max")
        if measure.kind in {"sum", "histogram"} and measure.value and is_text(measure.value.tree, stream):
            _refuse(f"{where}: '{measure.value.text}' is text and has no {measure.kind}")
        if measure.kind == "sum" and measure.value and any(stream.fields[name].type == "number" for name in measure.value.columns):
            _refuse(f"{where}: '{measure.value.text}' is a floating-point number and cannot be summed exactly")


def _stream(where: str, contracts: Registry, name: str) -> Stream:
    if name not in contracts.streams:
        _refuse(f"{where}: '{name}' is not a stream")
    return contracts.streams[name]


def _refuse(message: str) -> NoReturn:
    raise ContractError(message)
