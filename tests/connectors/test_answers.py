"""What answers at an engine's address may be another server, or one that dies while it answers."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from connectors.flink.rest import FlinkError, FlinkRest
from connectors.iceberg.tables import CatalogError, connect
from connectors.trino.client import QueryError, TrinoClient

if TYPE_CHECKING:
    from collections.abc import Iterator

CUT = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"
NO_HTTP = b"nonsense\r\n\r\n"
HELLO = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\nhello"
NOTHING = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
BROKEN = b"HTTP/1.1 500 Boom\r\nContent-Length: 0\r\n\r\n"


@contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """A server that says the same to everybody; its address."""

    class Handler(BaseHTTPRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.request.sendall(answer)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("answer", [CUT, NO_HTTP, HELLO, BROKEN])
def test_what_flink_does_not_say_to_the_end_is_an_error_of_flink(answer: bytes) -> None:
    with answering(answer) as uri, pytest.raises(FlinkError, match="did not answer GET /jobs/overview"):
        FlinkRest(uri).jobs("any")


@pytest.mark.parametrize("answer", [HELLO, NOTHING, BROKEN])
def test_what_is_not_trino_is_an_error_of_the_query(answer: bytes) -> None:
    with answering(answer) as uri, pytest.raises(QueryError):
        TrinoClient(uri, "somebody").query("SELECT 1")


def test_what_is_no_catalog_is_named() -> None:
    with answering(HELLO) as uri, pytest.raises(CatalogError, match=f"{uri} does not answer as an Iceberg catalog does"):
        connect(uri)
