"""A DuckDB table that keeps rows between cycles: those that are new in this cycle, and older ones that are still needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

PARQUET = "SELECT * FROM read_parquet(?, union_by_name = true, hive_partitioning = false)"
"""Rows of the Parquet files given as a parameter; the folders' names are not columns."""


class WorkingTable:
    """Rows marked `fresh` are opened and not published."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        """The subclass makes the table of that name."""
        self._connection = connection
        self.name = name

    def clear(self) -> None:
        """Forget everything."""
        self._connection.execute(f"DELETE FROM {self.name}")

    def forget_fresh(self) -> None:
        """Forget rows that were opened and not published."""
        self._connection.execute(f"DELETE FROM {self.name} WHERE fresh")

    def _settle(self, done: str) -> None:
        """Take the fresh rows as published, and forget those of which `done` is true."""
        self._connection.execute(f"UPDATE {self.name} SET fresh = FALSE WHERE fresh")
        self._connection.execute(f"DELETE FROM {self.name} WHERE {done}")
