"""An error is one sentence on standard error and an exit code."""

import subprocess
import sys
from pathlib import Path


def run(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "deploy.local", *arguments]
    variables = {"DAYBOOK_HOME": str(home), "PATH": "", **environment}
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=20)


def test_a_bad_setting_is_one_sentence_and_exit_code_two(tmp_path: Path) -> None:
    finished = run(tmp_path, "status", DAYBOOK_HOME="/with blank")
    assert (finished.returncode, finished.stderr.count("\n")) == (2, 1)


def test_the_status_of_a_stack_that_is_down_is_exit_code_one(tmp_path: Path) -> None:
    assert run(tmp_path, "status", "--json").returncode == 1


def test_down_without_a_stack_is_well_and_writes_nothing(tmp_path: Path) -> None:
    assert run(tmp_path / "none", "down").returncode == 0
    assert not (tmp_path / "none").exists()


def test_a_missing_log_is_one_sentence(tmp_path: Path) -> None:
    finished = run(tmp_path, "logs", "kafka")
    assert (finished.returncode, finished.stdout) == (2, "")
    assert finished.stderr.startswith("kafka: there is no such log")


def test_help_names_every_command(tmp_path: Path) -> None:
    shown = run(tmp_path, "--help").stdout
    assert all(command in shown for command in ("fetch", "up", "down", "status", "logs", "start", "stop", "kill"))
