"""Rows of a journal with the keys of their places: partitions of a later epoch are other partitions (`pipelines.audit.publication`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from connectors.instants import instant
from pipelines.audit.engine.working_table import PARQUET
from pipelines.audit.publication import PARTITIONS, epoch_of, partition_of

if TYPE_CHECKING:
    from pipelines.audit.publication import Epoch

LAST_OFFSET = 2**62


class JournalRows:
    """How rows of one stream get their keys: from the partition and, once the log has begun anew, from the topic and the append time."""

    def __init__(self, epochs: tuple[Epoch, ...] = ()) -> None:
        """`epochs` of the stream, oldest first."""
        self.epochs = epochs

    @property
    def parquet(self) -> str:
        """Query of the rows of the Parquet files given as a parameter, the key in the place of the partition."""
        if len(self.epochs) <= 1:
            return PARQUET
        cases = (
            f"WHEN topic = '{epoch.topic}' AND epoch_ms(appended_at) >= {self._begun_ms(number)} THEN {number}"
            for number, epoch in reversed([*enumerate(self.epochs)])
        )
        return f'SELECT * REPLACE (CAST("partition" + CASE {" ".join(cases)} ELSE 0 END * {PARTITIONS} AS INTEGER) AS "partition") FROM ({PARQUET})'

    def keyed(self, rows: pa.Table) -> pa.Table:
        """Rows with `topic`, `partition` and `appended_at`, the key in the place of the partition."""
        if len(self.epochs) <= 1 or not rows.num_rows:
            return rows
        appended_ms = rows["appended_at"].cast(pa.timestamp("ms", "UTC")).cast(pa.int64()).to_numpy()
        numbers = np.zeros(rows.num_rows, np.int64)
        for number, epoch in enumerate(self.epochs):
            is_of_topic = pc.equal(rows["topic"], epoch.topic).to_numpy()
            numbers[is_of_topic & (appended_ms >= self._begun_ms(number))] = number
        keys = rows["partition"].to_numpy() + numbers * PARTITIONS
        return rows.set_column(rows.schema.get_field_index("partition"), "partition", pa.array(keys, pa.int32()))

    def span_condition(self, span: tuple[int, int, int]) -> str:
        """Condition that the rows of a key, from an offset to another (both included), meet in the journal as it is stored."""
        key, low, high = span
        condition = f"partition = {partition_of(key)} AND offset >= {low} AND offset <= {high}"
        if len(self.epochs) <= 1:
            return condition
        number = epoch_of(key)
        topic, begun_ms = self.epochs[number].topic, self._begun_ms(number)
        later = [epoch.begun_ms for epoch in self.epochs[number + 1 :] if epoch.topic == topic]
        after = [f"appended_at >= '{instant(begun_ms).isoformat()}'"] if begun_ms >= 0 else []
        before = [f"appended_at < '{instant(min(later)).isoformat()}'"] if later else []
        return " AND ".join([f"topic = '{topic}' AND {condition}", *after, *before])

    def _begun_ms(self, number: int) -> int:
        """Append time from which on rows of its topic are of an epoch: another topic has been written to before it was read."""
        is_first = all(epoch.topic != self.epochs[number].topic for epoch in self.epochs[:number])
        return -1 if is_first else self.epochs[number].begun_ms
