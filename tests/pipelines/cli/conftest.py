"""Runs `daybook` in a home without a stack, or with engines that do not answer."""

import json
import logging
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipelines import cli
from pipelines.cli import survey, traffic


@dataclass(frozen=True)
class Finished:
    """What a person saw of a command."""

    code: int
    out: str
    err: str


Daybook = Callable[..., Finished]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which nothing was ever started, and nothing else in the environment."""
    for name in [name for name in os.environ if name.startswith("DAYBOOK_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DAYBOOK_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def daybook(home: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Daybook]:
    """Runs the command line in this process, and puts back what it changes in it."""
    del home
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def run(*arguments: str) -> Finished:
        code = cli.main(arguments)
        return Finished(code, *capsys.readouterr())

    yield run
    logging.disable(logging.NOTSET)
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def silent(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose endpoints nobody listens at, and little patience."""
    home.mkdir()
    address = "127.0.0.1:1"
    endpoints = {"kafka": address, **dict.fromkeys(("catalog", "flink", "trino"), f"http://{address}")}
    files = {
        "warehouse": home.as_uri(),
        "checkpoints": home.as_uri(),
        "flink_lib": str(home / "lib"),
        "flink_conf": str(home / "conf"),
        "decoders": str(home / "decoders"),
    }
    (home / "endpoints.json").write_text(json.dumps(endpoints | files))
    for module in (survey, traffic):
        monkeypatch.setattr(module, "KAFKA_PATIENCE_S", 0.2)
    return home
