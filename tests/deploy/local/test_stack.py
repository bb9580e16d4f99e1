"""Up and status, with processes in the place of engines."""

import json
import os
import socket
from collections.abc import Callable

import pytest

from deploy.local import decoder, engines, processes, readiness, services, stack, status, supervisor
from deploy.local.home import Home


@pytest.fixture
def whole(home: Home, wait: Callable[[Callable[[], object]], None], endpoints: dict[str, str]) -> Home:
    """A home in which everything that `up` starts runs and answers."""
    home.endpoints.write_text(json.dumps(endpoints), encoding="utf-8")
    for name in engines.ALWAYS:
        services.save_service(home, services.Service(name, ("sleep", "600"), str(home.root)))
    supervisor.launch(home)
    wait(lambda: services.load_records(home).keys() == set(engines.ALWAYS))
    return home


def test_a_second_up_does_nothing_and_says_so(whole: Home, capsys: pytest.CaptureFixture[str]) -> None:
    before = services.load_records(whole)
    stack.up(whole, [], {"PATH": ""})
    assert services.load_records(whole) == before
    assert f"already running in {whole.root}" in capsys.readouterr().out


def test_a_second_up_names_the_decoder_of_its_release(whole: Home, endpoints: dict[str, str]) -> None:
    whole.endpoints.write_text(json.dumps(endpoints | {"decoders": "of-an-earlier-release"}), encoding="utf-8")
    stack.up(whole, [], os.environ)
    told = json.loads(whole.endpoints.read_text(encoding="utf-8"))
    assert told == endpoints | {"decoders": str(decoder.folder(os.environ))}


def test_a_second_down_does_nothing_and_says_so(whole: Home, capsys: pytest.CaptureFixture[str]) -> None:
    stack.down(whole)
    stack.down(whole)
    assert f"nothing was running in {whole.root}" in capsys.readouterr().out


def test_nobody_finds_the_addresses_of_a_stack_that_is_down(whole: Home) -> None:
    stack.down(whole)
    assert not whole.endpoints.exists()


def test_status_is_well_when_everything_answers(whole: Home) -> None:
    rows = status.survey(whole)
    assert [row.state for row in rows] == ["running", *["ready"] * len(engines.ALWAYS)]
    assert status.is_healthy(rows)


def test_status_is_not_well_when_something_ended(whole: Home) -> None:
    services.save_service(whole, services.Service("failing", ("false",), str(whole.root)))
    processes.reap()
    assert not status.is_healthy(status.survey(whole))


def test_status_for_programs_is_json_with_plain_numbers(whole: Home) -> None:
    (_, kafka, *_) = json.loads(status.render_json(whole, status.survey(whole)))["services"]
    assert kafka["restarts"] == 0
    assert kafka["resident_megabytes"] > 0


def test_an_open_port_that_does_not_answer_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readiness, "TIMEOUT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not readiness.is_ready("kafka", {"kafka": f"127.0.0.1:{server.getsockname()[1]}"})


def test_a_closed_port_is_not_ready() -> None:
    assert not readiness.is_ready("catalog", {"catalog": "http://127.0.0.1:1"})
