"""Rows of a journal with the keys of their places: partitions of a later epoch are other partitions (`pipelines.audit.publication`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from connectors.instants import instant
from pipelines.audit.engine.working_table import PARQUET
from pipelines.audit.publication import PARTITIONS, epoch_of, partition_of

if TYPE_CHECKING:
    from pipelines.audit.publication import Epoch

LAST_OFFSET = 2**62


class JournalRows:
    """How rows of one stream get their keys: from the partition and, once the log has begun anew, from the append time."""

    def __init__(self, epochs: tuple[Epoch, ...] = ()) -> None:
        """`epochs` of the stream, oldest first."""
        self.epochs = epochs
        self._begun = [epoch.begun_ms for epoch in epochs[1:]]

    @property
    def parquet(self) -> str:
        """Query of the rows of the Parquet files given as a parameter, the key in the place of the partition."""
        if not self._begun:
            return PARQUET
        epoch = " + ".join(f"(epoch_ms(appended_at) >= {begun_ms})::INTEGER" for begun_ms in self._begun)
        return f'SELECT * REPLACE (CAST("partition" + ({epoch}) * {PARTITIONS} AS INTEGER) AS "partition") FROM ({PARQUET})'

    def keyed(self, rows: pa.Table) -> pa.Table:
        """Rows with `partition` and `appended_at`, the key in the place of the partition."""
        if not self._begun or not rows.num_rows:
            return rows
        appended_ms = rows["appended_at"].cast(pa.timestamp("ms", "UTC")).cast(pa.int64()).to_numpy()
        keys = rows["partition"].to_numpy() + np.searchsorted(self._begun, appended_ms, side="right") * PARTITIONS
        return rows.set_column(rows.schema.get_field_index("partition"), "partition", pa.array(keys, pa.int32()))

    def span_condition(self, span: tuple[int, int, int]) -> str:
        """Condition that the rows of a key, from an offset to another (both included), meet in the journal as it is stored."""
        key, low, high = span
        epoch = epoch_of(key)
        after = [f"appended_at >= '{instant(self._begun[epoch - 1]).isoformat()}'"] if epoch else []
        before = [f"appended_at < '{instant(self._begun[epoch]).isoformat()}'"] if epoch < len(self._begun) else []
        return " AND ".join([f"partition = {partition_of(key)} AND offset >= {low} AND offset <= {high}", *after, *before])
