"""Where a stack lives."""

from pathlib import Path

import pytest

from deploy.local import home
from deploy.local.home import HomeError


def test_the_home_is_below_the_state_directory_of_the_user() -> None:
    assert home.from_environment({"XDG_STATE_HOME": "/state"}).root == Path("/state/daybook")


def test_the_setting_goes_first() -> None:
    assert home.from_environment({"XDG_STATE_HOME": "/state", "DAYBOOK_HOME": "/elsewhere"}).root == Path("/elsewhere")


@pytest.mark.parametrize("path", ["/with blank", "/dollar$", "/colon:", "/ümlaut"])
def test_a_path_that_start_scripts_would_split_is_refused(path: str) -> None:
    with pytest.raises(HomeError, match="choose a plain path"):
        home.from_environment({"DAYBOOK_HOME": path})


def test_a_path_that_cannot_be_created_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HomeError, match="cannot be created"):
        home.from_environment({"DAYBOOK_HOME": str(tmp_path / "file" / "home")}).create()
