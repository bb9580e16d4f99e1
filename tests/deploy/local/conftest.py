"""A home whose services are small real processes, and engines that answer without being engines."""

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy.local import services, stack
from deploy.local.home import Home
from deploy.local.services import Record, Service

Wait = Callable[[Callable[[], object]], None]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home")
    home.create()
    yield home
    stack.down(home)


@pytest.fixture
def wait() -> Wait:
    """Waits until a condition holds, for ten seconds at most."""

    def until(condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.02)

    return until


@pytest.fixture
def running(home: Home, wait: Wait) -> Callable[..., Record]:
    """Has a service run under the supervisor in charge and returns its record."""

    def run(name: str, *command: str, stop_seconds: float = 1.0) -> Record:
        services.save_service(home, Service(name, command, str(home.root), stop_seconds=stop_seconds))
        wait(lambda: name in services.load_records(home))
        return services.load_records(home)[name]

    return run


@pytest.fixture
def endpoints() -> Iterator[dict[str, str]]:
    """Addresses of servers that answer the checks of readiness."""
    web = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    broker = socket.create_server(("127.0.0.1", 0))
    for target in (lambda: web.serve_forever(0.02), lambda: _answer_as_broker(broker)):
        threading.Thread(target=target, daemon=True).start()
    address = f"http://127.0.0.1:{web.server_port}"
    yield {"kafka": f"127.0.0.1:{broker.getsockname()[1]}", "catalog": address, "flink": address, "trino": address}
    web.shutdown()
    web.server_close()
    broker.close()


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"defaults": {}, "slots-total": 4, "taskmanagers": [{"slotsNumber": 4}], "starting": False})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def _answer_as_broker(broker: socket.socket) -> None:
    while True:
        try:
            connection, _ = broker.accept()
        except OSError:
            return
        with connection:
            connection.recv(100)
            connection.sendall(struct.pack(">iii", 8, 1, 1))
