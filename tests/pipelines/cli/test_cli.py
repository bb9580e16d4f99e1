"""Every command explains itself at once, and an error is one sentence on standard error with its exit code."""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from pipelines import cli
from pipelines.workspace import workspace
from tests.pipelines.cli.conftest import Daybook, Finished

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
NEEDS_ENGINES = tuple(words for words in NEEDS_A_STACK if words[0] not in {"run", "plan", "apply", "status"})


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


def test_help_takes_less_than_half_a_second_of_the_processor() -> None:
    before = _seconds_of_children()
    subprocess.run([sys.executable, "-m", "pipelines.cli", "--help"], capture_output=True, check=True)
    assert _seconds_of_children() - before < 0.5


def test_without_a_command_the_help_is_an_answer_to_wrong_usage(daybook: Daybook) -> None:
    finished = daybook()
    assert (finished.code, finished.out) == (2, "")
    assert "Commands:" in finished.err


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("audit", "--nonsense"),
        ("import", "nonsense", "."),
        ("simulate", "--late", "2"),
        ("quarantine", "show"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_sentence_that_names_the_help(daybook: Daybook, words: tuple[str, ...]) -> None:
    finished = daybook(*words)
    assert (finished.code, finished.out, finished.err.count("\n")) == (2, "", 1)
    assert finished.err.endswith("--help`\n")


def test_a_stream_that_is_not_deployed_cannot_be_released(silent: Path, daybook: Daybook, monkeypatch: pytest.MonkeyPatch) -> None:
    del silent
    monkeypatch.setattr("pipelines.intake.deployed.deployed_workspace", lambda _: workspace())
    finished = daybook("audit", "--release", "nonsense")
    assert (finished.code, finished.out, finished.err.count("\n")) == (2, "", 1)
    assert "nonsense is not a stream; there are model_calls, runs" in finished.err
    assert finished.err.endswith("--help`\n")


@pytest.mark.parametrize("words", NEEDS_A_STACK, ids=" ".join)
def test_without_a_stack_one_sentence_says_how_to_start_it_and_nothing_is_written(daybook: Daybook, home: Path, words: tuple[str, ...]) -> None:
    finished = daybook(*words)
    assert (finished.code, finished.err.count("\n"), home.exists()) == (2, 1, False)
    assert "endpoints.json: not there; start the stack" in finished.err


@pytest.mark.parametrize("words", NEEDS_ENGINES, ids=" ".join)
def test_engines_that_do_not_answer_are_one_sentence(silent: Path, daybook: Daybook, words: tuple[str, ...]) -> None:
    del silent
    finished = daybook(*words)
    assert (finished.code, finished.out, finished.err.count("\n")) == (1, "", 1)
    assert "127.0.0.1:1" in finished.err


def test_the_status_says_of_every_engine_that_it_does_not_answer(silent: Path, daybook: Daybook) -> None:
    del silent
    finished = daybook("status")
    assert (finished.code, finished.err) == (1, "")
    assert [line[0] for line in finished.out.splitlines() if "127.0.0.1:1" in line] == ["!", "!", "!"]


def test_the_status_for_programs_has_null_where_an_engine_is_silent(silent: Path, daybook: Daybook) -> None:
    del silent
    status = json.loads(daybook("status", "--json").out)
    assert (status["is_well"], status["intake"], status["streams"]) == (False, None, None)


def test_an_unknown_setting_is_refused_by_name(daybook: Daybook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBOOK_PARTITION", "3")
    assert daybook("plan") == Finished(2, "", "DAYBOOK_PARTITION: not a setting; pipelines/settings.py lists them\n")


def test_a_folder_without_definitions_is_refused(daybook: Daybook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBOOK_DEFINITIONS", str(tmp_path))
    assert daybook("contracts", "check") == Finished(2, "", f"DAYBOOK_DEFINITIONS: {tmp_path} has no folder 'definitions'\n")


def test_a_file_that_is_no_text_is_no_query(daybook: Daybook, tmp_path: Path) -> None:
    (tmp_path / "query.sql").write_bytes(b"\xff")
    assert daybook("sql", "--file", str(tmp_path / "query.sql")) == Finished(2, "", "the query is not text in UTF-8; see `daybook sql --help`\n")


def test_settings_of_the_local_stack_are_not_unknown(daybook: Daybook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYBOOK_PORT_BASE", "23000")
    assert daybook("plan").code == 0


def test_a_bug_of_ours_keeps_its_traceback(daybook: Daybook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.cli.jobs.workspace", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        daybook("plan")


def test_a_reader_that_has_seen_enough_gets_no_complaint(home: Path) -> None:
    del home
    plan = f"{sys.executable} -m pipelines.cli plan | head -1"
    finished = subprocess.run(plan, shell=True, capture_output=True, text=True, check=False, timeout=60)  # noqa: S602 - a pipe is the point
    assert (finished.stdout, finished.stderr) == ("CREATE CATALOG lake WITH (\n", "")


def _seconds_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
