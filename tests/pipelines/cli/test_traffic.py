"""What cannot be sent is refused before anything is sent."""

from pathlib import Path

from tests.pipelines.cli.conftest import Daybook


def test_a_simulation_without_an_end_in_sight_is_refused(daybook: Daybook) -> None:
    finished = daybook("simulate", "--rate", "0")
    assert (finished.code, finished.err) == (2, "count: is needed with a backfill and with rate 0\n")


def test_shares_that_leave_no_room_are_refused(daybook: Daybook) -> None:
    finished = daybook("simulate", "--late", "0.6", "--malformed", "0.6")
    assert (finished.code, finished.err.count("\n")) == (2, 1)


def test_a_manifest_that_is_there_is_refused(daybook: Daybook, silent: Path) -> None:
    finished = daybook("simulate", "--count", "3", "--manifest", str(silent))
    assert (finished.code, finished.out) == (2, "")
    assert "a manifest never mixes two simulations" in finished.err


def test_the_help_of_import_names_every_source(daybook: Daybook) -> None:
    assert "[agent-sessions|temporal]" in daybook("import", "--help").out


def test_a_source_that_is_unknown_is_answered_with_those_there_are(daybook: Daybook) -> None:
    finished = daybook("import", "nonsense", ".")
    assert finished.err.startswith("Invalid value for SOURCE: nonsense is not a source; there are agent-sessions, temporal")
