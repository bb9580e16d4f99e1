"""Column names that some engine reserves, and how to write them there."""

from __future__ import annotations

RESERVED = frozenset({"partition", "offset", "procedure", "method", "value", "trigger", "minute", "stream"})
"""Names used as columns that Flink, Trino or DuckDB reserve."""


def quote(name: str, mark: str) -> str:
    """Put `mark` (a backtick for Flink, a double quote elsewhere) around a name that is reserved.

    >>> quote("offset", "`"), quote("first_offset", "`")
    ('`offset`', 'first_offset')
    """
    return f"{mark}{name}{mark}" if name in RESERVED else name
