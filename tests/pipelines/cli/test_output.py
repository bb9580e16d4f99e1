"""Answers are legible to people, exact for programs, and harmless to a terminal."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from pipelines.cli.output import cell, clock, counts, say_json, show_table

NOON = datetime(2026, 3, 1, 12, 0, 0, 5000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "-"), (NOON, "2026-03-01 12:00:00.005Z"), (True, "yes"), (2178956672341495624, "2178956672341495624"), (0.25, "0.25"), (b"\xff", "ff")],
)
def test_a_value_is_shown_as_a_person_reads_it(value: object, shown: str) -> None:
    assert cell(value) == shown


def test_what_others_sent_cannot_steer_the_terminal() -> None:
    assert cell("\x1b[2Jgone") == "\\x1b[2Jgone"


def test_json_keeps_times_and_money_exact(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"at": NOON, "cost": Decimal("0.000000001")})
    assert json.loads(capsys.readouterr().out) == {"at": "2026-03-01T12:00:00.005000+00:00", "cost": "0.000000001"}


def test_a_table_in_a_pipe_is_as_wide_as_it_must_be(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("SHORT", "LONG"), [("a", "b" * 300)])
    assert "b" * 300 in capsys.readouterr().out


def test_markup_in_a_value_is_only_text(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("VALUE",), [("[bold]x[/bold]",)])
    assert "[bold]x[/bold]" in capsys.readouterr().out


def test_a_time_of_another_day_is_shown_with_its_day() -> None:
    assert clock(round(NOON.timestamp() * 1000)) == "2026-03-01 12:00:00"


def test_a_moment_that_never_was_is_never() -> None:
    assert (clock(None), clock(-1)) == ("never", "never")


def test_zero_is_not_worth_telling() -> None:
    assert counts({"rows": 1200, "duplicates": 0}) == "1,200 rows"
