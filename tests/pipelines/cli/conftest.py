"""Runs `daybook` as a process of its own, in a home without a stack or with engines that do not answer."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Daybook = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def daybook(home: Path) -> Daybook:
    """Runs the command line; keyword arguments become environment variables, `feed` standard input."""

    def run(*arguments: str, feed: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("DAYBOOK_")}
        environment = {**kept, "DAYBOOK_HOME": str(home), "COLUMNS": "160", **variables}
        command = [sys.executable, "-m", "pipelines.cli", *arguments]
        return subprocess.run(command, env=environment, input=feed, capture_output=True, text=True, check=False, timeout=120)

    return run


@pytest.fixture
def silent(home: Path) -> Path:
    """A home whose endpoints nobody listens at."""
    home.mkdir()
    address = "127.0.0.1:1"
    endpoints = {"kafka": address, **dict.fromkeys(("catalog", "flink", "trino"), f"http://{address}")}
    files = {"warehouse": home.as_uri(), "checkpoints": home.as_uri(), "flink_lib": str(home / "lib"), "flink_conf": str(home / "conf")}
    (home / "endpoints.json").write_text(json.dumps(endpoints | files))
    return home
