"""Processes that a user adds."""

from collections.abc import Callable

import pytest

from deploy.local import extras, processes, services, supervisor
from deploy.local.home import Home
from deploy.local.services import Record, ServiceError


@pytest.fixture
def supervised(home: Home) -> Home:
    supervisor.launch(home)
    return home


def test_a_process_can_be_added_and_removed(supervised: Home) -> None:
    extras.start(supervised, "audit", ["sleep", "600"], {})
    process = services.load_records(supervised)["audit"].process
    extras.stop(supervised, "audit")
    assert not processes.is_alive(process)


def test_the_same_process_added_again_is_not_started_again(supervised: Home) -> None:
    extras.start(supervised, "audit", ["sleep", "600"], {})
    before = services.load_records(supervised)
    extras.start(supervised, "audit", ["sleep", "600"], {})
    assert services.load_records(supervised) == before


def test_it_finds_the_stack_and_has_the_settings_of_the_caller(supervised: Home, wait: Callable[[Callable[[], object]], None]) -> None:
    extras.start(supervised, "audit", ["sh", "-c", "echo $DAYBOOK_HOME $DAYBOOK_X; sleep 600"], {"DAYBOOK_X": "x"})
    wait(lambda: (supervised.logs / "audit.log").read_text() == f"{supervised.root} x\n")


@pytest.mark.parametrize(
    ("name", "command", "problem"),
    [
        ("kafka", ["sleep", "1"], "is the name of a part of the stack"),
        ("../x", ["sleep", "1"], "lower-case letters"),
        ("audit", ["no-such-program"], "no such program: no-such-program"),
    ],
)
def test_what_cannot_run_is_refused(supervised: Home, name: str, command: list[str], problem: str) -> None:
    with pytest.raises(ServiceError, match=problem):
        extras.start(supervised, name, command, {})


def test_nothing_can_be_added_to_a_stack_that_is_down(home: Home) -> None:
    with pytest.raises(ServiceError, match="no stack is running"):
        extras.start(home, "audit", ["sleep", "600"], {})


def test_an_unknown_name_is_answered_with_the_known_ones(supervised: Home, running: Callable[..., Record]) -> None:
    running("canary", "sleep", "600")
    with pytest.raises(ServiceError, match=r"audit: no such service in .* \(there are: canary\)"):
        extras.stop(supervised, "audit")
