"""Positions read from the tables themselves: what is journaled, which windows are closed, where a window began.

Each starts from a position that is known already, so that only younger files are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc

from connectors.instants import epoch_ms, instant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyiceberg.table import Table


def next_offsets(journal: Table, known: Mapping[int, int], topic: str | None, since_ms: int = -1) -> dict[int, int]:
    """First offset that is not journaled per partition, at least `known`.

    Among the rows of a topic (None: of any) that were appended at or after `since_ms` (epoch ms).
    """
    later = [f"(partition = {partition} AND offset >= {offset})" for partition, offset in known.items()]
    others = " AND ".join(["partition >= 0", *(f"partition != {partition}" for partition in known)])
    of_topic = [f"topic = '{topic}'"] if topic else []
    since = [f"appended_at >= '{instant(since_ms).isoformat()}'"] if since_ms >= 0 else []
    condition = " AND ".join([f"({' OR '.join([*later, f'({others})'])})", *of_topic, *since])
    rows = journal.scan(row_filter=condition, selected_fields=("partition", "offset")).to_arrow()
    grouped = rows.group_by("partition").aggregate([("offset", "max")])
    found = zip(grouped["partition"].to_pylist(), grouped["offset_max"].to_pylist(), strict=True)
    return {**known, **{partition: offset + 1 for partition, offset in found}}


def last_windows(partials: Table, stream: str, known_ms: int) -> int:
    """End of the newest window of a stream in a partial table, epoch ms, at least `known_ms`."""
    condition = f"stream = '{stream}' AND window_end > '{instant(max(known_ms, 0)).isoformat()}'"
    newest = pc.max(partials.scan(row_filter=condition, selected_fields=("window_end",)).to_arrow()["window_end"]).as_py()
    return epoch_ms(newest) if newest else known_ms


def offsets_at(journal: Table, topic: str, moment_ms: int) -> dict[int, int]:
    """Least journaled offset per partition of a topic that was appended at or after `moment_ms`; partitions without one are left out."""
    condition = f"topic = '{topic}' AND appended_at >= '{instant(moment_ms).isoformat()}'"
    rows = journal.scan(row_filter=condition, selected_fields=("partition", "offset")).to_arrow()
    grouped = rows.group_by("partition").aggregate([("offset", "min")])
    return dict(zip(grouped["partition"].to_pylist(), grouped["offset_min"].to_pylist(), strict=True))
