"""Every command explains itself at once, and an error is one sentence on standard error with its exit code."""

import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pipelines import cli
from tests.pipelines.cli.conftest import Daybook

NEEDS_A_STACK = (
    ("apply",),
    ("run", "intake"),
    ("run", "canaries"),
    ("deploy",),
    ("plan", "--explain"),
    ("audit",),
    ("status",),
    ("quarantine",),
    ("quarantine", "summary"),
    ("quarantine", "show", "runs.v1", "0", "1"),
    ("sql", "SELECT 1"),
    ("simulate", "--count", "1"),
    ("import", "temporal", __file__),
)
NEEDS_ENGINES = tuple(words for words in NEEDS_A_STACK if words[0] not in {"run", "plan", "apply"})


def paths(command: click.Command, *before: str) -> Iterator[tuple[str, ...]]:
    yield before
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from paths(inner, *before, name)


@pytest.mark.parametrize("path", paths(cli.daybook), ids=" ".join)
def test_the_help_of_every_command_says_what_it_does_by_example(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*path, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"Usage: {' '.join(['daybook', *path])}")
    assert f"  {' '.join(['daybook', *path])}" in shown[shown.index("Example") :]


def test_help_is_there_within_half_a_second_of_processor_time(daybook: Daybook) -> None:
    daybook("--help")
    begun = _children_seconds()
    assert daybook("--help").returncode == 0
    assert _children_seconds() - begun < 0.5


def test_without_a_command_the_help_is_an_answer_to_wrong_usage(daybook: Daybook) -> None:
    finished = daybook()
    assert (finished.returncode, finished.stdout) == (2, "")
    assert "Commands:" in finished.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("audit", "--nonsense"),
        ("audit", "--release", "nonsense"),
        ("import", "nonsense", "."),
        ("simulate", "--late", "2"),
        ("quarantine", "show"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_sentence_that_names_the_help(daybook: Daybook, words: tuple[str, ...]) -> None:
    finished = daybook(*words)
    assert (finished.returncode, finished.stdout, finished.stderr.count("\n")) == (2, "", 1)
    assert finished.stderr.endswith("--help`\n")


@pytest.mark.parametrize("words", NEEDS_A_STACK, ids=" ".join)
def test_without_a_stack_one_sentence_says_how_to_start_it(daybook: Daybook, words: tuple[str, ...]) -> None:
    finished = daybook(*words)
    assert (finished.returncode, finished.stderr.count("\n")) == (2, 1)
    assert "endpoints.json: not there; start the stack" in finished.stderr


@pytest.mark.parametrize("words", NEEDS_A_STACK, ids=" ".join)
def test_without_a_stack_nothing_is_written(daybook: Daybook, home: Path, words: tuple[str, ...]) -> None:
    daybook(*words)
    assert not home.exists()


def test_an_unknown_setting_is_refused_by_name(daybook: Daybook) -> None:
    finished = daybook("plan", DAYBOOK_PARTITION="3")
    assert (finished.returncode, finished.stdout, finished.stderr) == (2, "", "DAYBOOK_PARTITION: is not a setting\n")


def test_settings_of_the_local_stack_are_not_unknown(daybook: Daybook) -> None:
    assert daybook("plan", DAYBOOK_PORT_BASE="23000").returncode == 0


@pytest.mark.parametrize("words", NEEDS_ENGINES, ids=" ".join)
def test_engines_that_do_not_answer_are_no_traceback(silent: Path, daybook: Daybook, words: tuple[str, ...]) -> None:
    finished = daybook(*words)
    assert (finished.returncode, finished.stderr.count("\n")) == (1, 0 if words == ("status",) else 1)
    assert "127.0.0.1:1" in finished.stderr + finished.stdout
    assert silent.exists()


def test_a_reader_that_has_seen_enough_gets_no_complaint(home: Path) -> None:
    plan = f"DAYBOOK_HOME={home} {sys.executable} -m pipelines.cli plan"
    finished = subprocess.run(f"{plan} | head -1", shell=True, capture_output=True, text=True, check=False, timeout=60)  # noqa: S602 - a pipe is the point
    assert (finished.stdout, finished.stderr) == ("CREATE CATALOG lake WITH (\n", "")


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
