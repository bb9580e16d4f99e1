"""Which errors concern one stream only, and which mean that an engine is away."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from connectors.iceberg.files import StaleHeadError
from pipelines.audit.decisions.lake import StreamFailure
from pipelines.failures import is_transient, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = (duckdb.Error, StaleHeadError)
"""What DuckDB cannot read lies in this stream's files on this disk, and a journal whose tag is no ancestor of its head stays so."""


@contextmanager
def concerning(stream: str) -> Iterator[None]:
    """Tell what fails in the block as the trouble of one stream.

    Raises:
        StreamFailure: everything but an engine that is away, and a race that was lost: these end the cycle as they are.
    """
    try:
        yield
    except StreamFailure:
        raise
    except Exception as error:
        if is_transient(error) and not isinstance(error, HERE):
            raise
        raise StreamFailure(stream, sentence(error)) from error
