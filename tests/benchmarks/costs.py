"""What a service used while it worked off a backlog, by the commits that it made."""

from collections.abc import Mapping
from typing import Any

from tests.benchmarks.figures import Progress, merged, slope
from tests.benchmarks.meters import Meter

Figures = dict[str, Any]

APART = ("jobmanager", "catalog", "kafka")
"""Services that both sides use."""
FULL_SHARE = 0.99
"""A commit with more than this share of the backlog was not made at full load any more."""


def backlog_costs(meter: Meter, name: str, commits: Mapping[str, list[Progress]], span: tuple[float, float], events: int) -> Figures:
    """Of a backlog: the slope over the commits made at full load, and for comparison all that was used. `span`: two instants."""
    began, ended = span
    steps = merged(commits)
    before = max((step.rows for step in steps if step.at < began), default=0)
    full = [step for step in steps if began <= step.at <= ended and 0 < step.rows - before < FULL_SHARE * events]
    steep = slope([(float(step.rows), meter.at(name, step.at)) for step in full])
    last = next((step.at for step in steps if began <= step.at <= ended and step.rows - before >= events), ended)
    return {
        "events": events,
        "seconds": last - began,
        "commits_at_full_load": len(full),
        "slope_core_seconds_per_million": steep * 1e6 if steep is not None else None,
        "total_core_seconds_per_million": meter.used(name, began, last) / events * 1e6,
        "apart_core_seconds_per_million": {one: meter.used(one, began, last) / events * 1e6 for one in APART},
    }
