"""What was sent and where the broker put it: the truth that every later number can be checked against."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Self

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipelines.simulation.messages import Message

CHUNK = 100_000
SENT: dict[str, Any] = {
    "number": pl.Int64,
    "stream": pl.String,
    "kind": pl.String,
    "tenant_id": pl.String,
    "source": pl.String,
    "event_id": pl.String,
    "event_type": pl.String,
    "event_time": pl.Int64,
    "value": pl.Binary,
}
"""`number` is the message's position in `messages(scenario)`; `value` is null unless values are kept."""
DELIVERED: dict[str, Any] = {"number": pl.Int64, "partition": pl.Int32, "offset": pl.Int64, "appended_ms": pl.Int64}


class Manifest:
    """Writes a folder of Parquet files, `sent-*` and `delivered-*`, in chunks of bounded memory.

    Costs a few microseconds per message. An existing folder is refused, so that no manifest ever mixes two simulations.
    """

    def __init__(self, folder: Path, *, keep_values: bool = False) -> None:
        """Create the folder; `keep_values` also writes each record's bytes, about 100 bytes per message compressed.

        Raises:
            FileExistsError: the folder is there already.
        """
        folder.mkdir(parents=True)
        self._sent = _Chunks(folder, "sent", SENT)
        self._delivered = _Chunks(folder, "delivered", DELIVERED)
        self._keep_values = keep_values

    def sent(self, number: int, message: Message) -> Callable[[int, int, int], None]:
        """Note a message and return what to call with its partition, offset and append time."""
        event = message.event
        value = message.record.value if self._keep_values else None
        identity = (event["tenant_id"], event["source"], event["event_id"], event["event_type"], event["event_time"])
        self._sent.add((number, message.stream, message.kind, *identity, value))
        return partial(self._note, number)

    def close(self) -> None:
        """Write what is not written yet; call it after the producer is flushed."""
        self._sent.write()
        self._delivered.write()

    def __enter__(self) -> Self:
        """Use the manifest in a `with` block, whose end closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close, however the block ended: half a manifest is better than none."""
        self.close()

    def _note(self, number: int, partition: int, offset: int, appended_ms: int) -> None:
        self._delivered.add((number, partition, offset, appended_ms))


def read_manifest(folder: Path) -> pl.LazyFrame:
    """Return one row per message, columns of `SENT` and `DELIVERED`; partition is null where no delivery was reported."""
    sent = pl.scan_parquet(folder / "sent-*.parquet")
    delivered = pl.scan_parquet(folder / "delivered-*.parquet")
    return sent.join(delivered, on="number", how="left").sort("number")


class _Chunks:
    """Rows that become one file per `CHUNK`."""

    def __init__(self, folder: Path, name: str, schema: dict[str, Any]) -> None:
        self._folder = folder
        self._name = name
        self._schema = schema
        self._rows: list[tuple[Any, ...]] = []
        self._files = 0

    def add(self, row: tuple[Any, ...]) -> None:
        self._rows.append(row)
        if len(self._rows) >= CHUNK:
            self.write()

    def write(self) -> None:
        """Write the rows at hand; the first file is written even when there are none, so that a reader finds its columns."""
        if self._rows or not self._files:
            frame = pl.DataFrame(self._rows, schema=self._schema, orient="row")
            frame.write_parquet(self._folder / f"{self._name}-{self._files:05d}.parquet", compression="zstd")
            self._files += 1
            self._rows = []
