"""What a definition may not say, held against the contracts: one error that names file and key."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn

from contracts.registry import ContractError
from kpis.events import event_types
from kpis.model import BASE_DIMENSIONS
from kpis.names import column_of, meaning_of
from kpis.partials import key_columns, stored
from kpis.values import MixedTypesError, outgrown, type_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from contracts.model import Stream
    from contracts.registry import Registry
    from kpis.model import Entity, Kpi, Measure
    from kpis.registry import Definitions
    from kpis.values import ValueType

KPI_KINDS = frozenset({"count", "sum", "histogram"})
"""What the values of a KPI may be made of."""
VIEW_COLUMNS = frozenset({"period_start", "value", "n", "kpi", "measure", "bucket", "lane", "stream", "minute", "event_type"})
"""Columns of partials and views that a dimension would clash with."""


_NAME = re.compile(r"[a-z][a-z0-9_]*")
_STORED: Mapping[str, ValueType] = {"string": "text", "time": "whole", "integer": "whole", "money": "money"}
"""What a column of an entity is made of, by its type."""


def check_kpi(kpi: Kpi, contracts: Registry) -> None:
    """Raises ContractError."""
    where = f"definitions/{kpi.name}.yaml"
    stream = _stream(f"{where}: stream", contracts, kpi.stream)
    _check_names(where, (kpi.name, *kpi.measures))
    if kpi.computed != "stream":
        _refuse(f"{where}: computed: '{kpi.computed}' is not built yet")
    for measure in kpi.measures.values():
        if measure.kind not in KPI_KINDS:
            _refuse(f"{where}: '{measure.kind}' is not built yet")
    if kpi.histogram and len(kpi.measures) > 1:
        _refuse(f"{where}: measures: a histogram stands alone")
    _check_measures(where, [kpi.narrowed(measure) for measure in kpi.measures.values()], stream)
    if not event_types(kpi, stream):
        _refuse(f"{where}: no event type carries all that it reads, so that nothing is counted")
    if kpi.is_ratio and len({_given(measure, stream) == "money" for measure in kpi.measures.values()}) > 1:
        _refuse(f"{where}: a ratio of money and something else is not built yet")
    _check_dimensions(where, kpi, stream)


def check_entity(entity: Entity, contracts: Registry) -> None:
    """Raises ContractError."""
    _check_names(f"entities/{entity.name}.yaml", (entity.name, *entity.columns))
    for name, measures in entity.streams.items():
        where = f"entities/{entity.name}.yaml: streams.{name}"
        stream = _stream(where, contracts, name)
        for measure in measures.values():
            if measure.kind in {"presence", "histogram"}:
                _refuse(f"{where}: '{measure.kind}' is not built yet")
        _check_measures(where, measures.values(), stream)
        for column, measure in measures.items():
            told, given = entity.columns[column].type, _given(measure, stream)
            if given != _STORED[told]:
                _refuse(f"{where}.{column}: a {measure.kind} of {'numbers' if given == 'whole' else given} is no column of type {told}")
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


def _check_names(where: str, names: Iterable[str]) -> None:
    for name in names:
        if not _NAME.fullmatch(name):
            _refuse(f"{where}: '{name}' is no name: small letters, digits and underscores, with a letter first")


def _check_dimensions(where: str, kpi: Kpi, stream: Stream) -> None:
    carried = {name for event in event_types(kpi, stream) for name in stream.event_types[event].carried}
    for place, dimension in enumerate(kpi.dimensions):
        if dimension in kpi.dimensions[:place]:
            _refuse(f"{where}: dimensions: '{dimension}' is there twice")
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
        try:
            _check_types(where, measure, stream)
        except MixedTypesError as error:
            _refuse(f"{where}: {error}")


def _check_types(where: str, measure: Measure, stream: Stream) -> None:
    if measure.where and type_of(measure.where.tree, stream) != "condition":
        _refuse(f"{where}: '{measure.where.text}' is no condition")
    value, kind = measure.value, measure.kind
    given = type_of(value.tree, stream) if value else None
    if value and kind in {"sum", "histogram"} and given in {"text", "condition"}:
        _refuse(f"{where}: '{value.text}' is {'a ' if given == 'condition' else ''}{given} and has no {kind}")
    if value and kind == "sum" and given == "fraction":
        _refuse(f"{where}: '{value.text}' is a floating-point number and cannot be summed exactly")
    if value and kind == "histogram" and given == "money":
        _refuse(f"{where}: '{value.text}' is money: a histogram of it is not built yet")


def _given(measure: Measure, stream: Stream) -> ValueType:
    """What a column of an entity is given: the latest value is text whatever it was."""
    if measure.kind == "latest" or measure.value is None:
        return "text" if measure.kind == "latest" else "whole"
    return type_of(measure.value.tree, stream) or "whole"


def _stream(where: str, contracts: Registry, name: str) -> Stream:
    if name not in contracts.streams:
        _refuse(f"{where}: '{name}' is not a stream")
    return contracts.streams[name]


def _refuse(message: str) -> NoReturn:
    raise ContractError(message)
