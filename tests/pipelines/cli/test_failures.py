"""What an error is to a person: a sentence, an exit code, and whether to try again."""

from pathlib import Path

import pytest
from requests.exceptions import ConnectionError as NoConnectionError

from connectors.flink.rest import FlinkError
from connectors.kafka.topics import TopicError, TopicMismatchError
from pipelines.audit.decisions.lake import Conflict
from pipelines.cli.failures import EXIT_CODES, exit_code, may_pass, sentence
from pipelines.settings import SettingsError

REFUSED = "HTTPConnectionPool(host='127.0.0.1', port=21002): Max retries exceeded with url: /v1/config (Caused by ...)"


@pytest.mark.parametrize(
    ("error", "code", "passes"),
    [
        (SettingsError("x"), 2, False),
        (TopicMismatchError("x"), 2, False),
        (TopicError("x"), 1, True),
        (FlinkError("x"), 1, True),
        (Conflict("x"), 1, True),
        (NoConnectionError("x"), 1, True),
        (FileNotFoundError("x"), 1, False),
        (KeyError("x"), None, False),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_an_error_has_its_exit_code_and_may_pass_or_not(error: Exception, code: int | None, passes: bool) -> None:  # noqa: FBT001 - a column of the table
    assert (exit_code(error), may_pass(error)) == (code, passes)


def test_every_error_of_ours_has_an_exit_code() -> None:
    ours = {name for name in EXIT_CODES if name.split(".")[0] in {"contracts", "connectors", "pipelines"}}
    for name in ours:
        module, kind = name.rsplit(".", 1)
        source = Path(*module.split(".")).with_suffix(".py").read_text("utf-8")
        assert f"class {kind}(" in source


def test_an_engine_that_does_not_answer_is_named_by_its_address() -> None:
    assert sentence(NoConnectionError(REFUSED)) == "http://127.0.0.1:21002 does not answer; `daybook status` shows the engines"


def test_of_a_java_stack_trace_only_the_last_cause_is_told() -> None:
    error = RuntimeError("An error occurred\nCaused by: a.B: middle\n\tat c.D\nCaused by: e.F: no such table\n\tat g.H\n")
    assert sentence(error) == "e.F: no such table"


def test_a_missing_file_is_named() -> None:
    assert sentence(FileNotFoundError(2, "No such file or directory", "/x")) == "/x: No such file or directory"
