"""Options of the list are refused where they would do nothing."""

from tests.pipelines.cli.conftest import Daybook


def test_options_of_the_list_are_refused_before_a_subcommand(daybook: Daybook) -> None:
    finished = daybook("quarantine", "--topic", "runs.v1", "summary")
    assert (finished.code, finished.out) == (2, "")
    assert finished.err.startswith("--topic before summary has no meaning")
