"""The watch over the intake job outlasts engines that are away."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from pipelines.deployment.supervision import keep
from pipelines.intake.statements import JOB_NAME
from pipelines.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JOBS = {"jobs": [{"jid": "a1", "name": JOB_NAME, "state": "RUNNING", "start-time": 1}]}


class _Flink(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(JOBS).encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def flink() -> Iterator[str]:
    """The address of a cluster with one intake job."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Flink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_job_is_watched_though_the_catalog_is_away(flink: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    away = dict.fromkeys(("kafka", "catalog", "trino", "warehouse", "checkpoints", "flink_lib", "flink_conf", "decoders"), "http://127.0.0.1:1")
    (tmp_path / "endpoints.json").write_text(json.dumps(away | {"flink": flink}))
    monkeypatch.setenv("DAYBOOK_HOME", str(tmp_path))
    stop, said = threading.Event(), list[str]()

    def say(line: str) -> None:
        said.append(line)
        stop.set()

    keep(load(), stop, say)
    assert said == [
        "intake job a1 is running; whether its definition is current is not known: http://127.0.0.1:1 does not answer; `daybook status` shows the engines"
    ]
