"""A query comes from one place, and is there."""

import pytest

from pipelines.cli import main
from tests.pipelines.cli.conftest import Daybook


def test_an_empty_query_is_wrong_usage(daybook: Daybook) -> None:
    finished = daybook("sql", feed=" ;\n")
    assert (finished.returncode, finished.stderr) == (2, "the query is empty; see `daybook sql --help`\n")


def test_a_query_and_a_file_are_one_too_many(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", "SELECT 1", "--file", __file__]) == 2
    assert "one too many" in capsys.readouterr().err
