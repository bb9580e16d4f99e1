"""Column names that some engine reserves, and how to write them there."""

from __future__ import annotations

import re

RESERVED = ("partition", "offset", "procedure", "method", "value", "trigger", "minute", "stream")
"""Names used as columns that Flink, Trino or DuckDB reserve."""

_RESERVED = re.compile(rf"(?<![\w.'`\"])({'|'.join(RESERVED)})(?![\w('`\"])")


def quote(sql: str, mark: str) -> str:
    """Put `mark` (a backtick for Flink, a double quote elsewhere) around every reserved name of a name or expression.

    >>> quote("offset", "`")
    '`offset`'
    >>> quote("offset - first_offset", '"')
    '"offset" - first_offset'
    """
    return _RESERVED.sub(rf"{mark}\1{mark}", sql)
