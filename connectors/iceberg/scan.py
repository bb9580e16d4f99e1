"""Positions read from the tables themselves: what is journaled, which windows are closed, where a window began."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa
    from pyiceberg.table import Table


def next_offsets(journal: Table) -> dict[int, int]:
    """First offset that is not journaled, per partition."""
    return {partition: offset + 1 for partition, offset in _largest(_read(journal, "partition", "offset"), "partition", "offset").items()}


def last_windows(partials: Table) -> dict[str, datetime]:
    """End of the newest window per stream."""
    return _largest(_read(partials, "stream", "window_end"), "stream", "window_end")


def offsets_at(journal: Table, moment: datetime) -> dict[int, int]:
    """Least journaled offset per partition that was appended at or after `moment`; partitions without one are left out."""
    rows = journal.scan(row_filter=f"appended_at >= '{moment.isoformat()}'", selected_fields=("partition", "offset")).to_arrow()
    grouped = rows.group_by("partition").aggregate([("offset", "min")])
    return dict(zip(grouped["partition"].to_pylist(), grouped["offset_min"].to_pylist(), strict=True))


def _read(table: Table, key: str, value: str) -> pa.Table:
    return table.scan(selected_fields=(key, value)).to_arrow()


def _largest(rows: pa.Table, key: str, value: str) -> dict[Any, Any]:
    grouped = rows.group_by(key).aggregate([(value, "max")])
    return dict(zip(grouped[key].to_pylist(), grouped[f"{value}_max"].to_pylist(), strict=True))
