"""Column names that some engine reserves, and how names and texts are written in SQL."""

from __future__ import annotations

RESERVED = frozenset({"partition", "offset", "procedure", "method", "value", "trigger", "minute", "stream"})
"""Names used as columns that Flink, Trino or DuckDB reserve."""


def quote(name: str, mark: str) -> str:
    """Put `mark` (a backtick for Flink, a double quote elsewhere) around a name that is reserved.

    >>> quote("offset", "`"), quote("first_offset", "`")
    ('`offset`', 'first_offset')
    """
    return f"{mark}{name}{mark}" if name in RESERVED else name


def literal(text: str) -> str:
    """A text as every engine writes it.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"
