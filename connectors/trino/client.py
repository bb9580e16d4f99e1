"""Statements to Trino over its public client protocol; rows come back as tuples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import trino.dbapi
from trino.exceptions import Error, HttpError

from contracts.errors import DaybookError

if TYPE_CHECKING:
    from collections.abc import Iterable

CATALOG = "lake"


class QueryError(DaybookError):
    """Trino refused a statement or could not be reached; the message is Trino's own first line."""


class TrinoClient:
    """One session; every call is one statement and waits for its end."""

    def __init__(self, uri: str, user: str) -> None:
        """`uri` is the coordinator's address; nothing is sent yet."""
        address = urlsplit(uri)
        self._uri = uri
        self._connection = trino.dbapi.connect(host=address.hostname, port=address.port, user=user, catalog=CATALOG, timezone="UTC")

    def query(self, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run one statement; column names and rows.

        Raises:
            QueryError: Trino refused it or did not answer.
        """
        cursor = self._connection.cursor()
        try:
            cursor.execute(sql)
            rows = [tuple(row) for row in cursor.fetchall()]
        except (Error, HttpError) as error:
            message = str(getattr(error, "message", error)).splitlines()[0]
            raise QueryError(message) from error
        except (KeyError, ValueError) as error:
            message = f"{self._uri} does not answer as Trino does"
            raise QueryError(message) from error
        return [column[0] for column in cursor.description or ()], rows

    def run(self, statements: Iterable[str]) -> None:
        """Run statements one after another, dropping what they answer."""
        for statement in statements:
            self.query(statement)
