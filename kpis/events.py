"""Which event types a KPI counts: its dimensions are kept on those only, and its view reads no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.model import CANARY

if TYPE_CHECKING:
    from contracts.model import Stream
    from kpis.model import Kpi, Measure


def event_types(kpi: Kpi, stream: Stream) -> tuple[str, ...]:
    """Event types that any measure of a KPI counts, in the stream's order."""
    counted = frozenset[str]().union(*(_counted_by(kpi.narrowed(measure), stream) for measure in kpi.measures.values()))
    return tuple(name for name in stream.event_types if name in counted and name != CANARY)


def _counted_by(measure: Measure, stream: Stream) -> frozenset[str]:
    """Those that the condition names, else those that carry all without which the measure counts nothing."""
    named = measure.where.values_of("event_type") if measure.where else None
    needed = frozenset[str]().union(*(told.needed for told in (measure.value, measure.where) if told)) - set(stream.envelope)
    return frozenset(name for name, event in stream.event_types.items() if needed <= set(event.carried)) if named is None else named
