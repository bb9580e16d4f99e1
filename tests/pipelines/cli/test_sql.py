"""A query comes from one place, and is there."""

import io

import pytest

from tests.pipelines.cli.conftest import Daybook, Finished


def test_an_empty_query_is_wrong_usage(daybook: Daybook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(" ;\n"))
    assert daybook("sql") == Finished(2, "", "the query is empty; see `daybook sql --help`\n")


def test_a_query_and_a_file_are_one_too_many(daybook: Daybook) -> None:
    finished = daybook("sql", "SELECT 1", "--file", __file__)
    assert finished.code == 2
    assert "one too many" in finished.err
