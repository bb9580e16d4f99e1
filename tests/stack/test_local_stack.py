"""The local stack itself, while it runs."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest

from deploy.local import engines
from tests.stack.local_stack import PROCESSES, Stack
from tests.stack.sockets import is_loopback, listening

pytestmark = pytest.mark.stack
MEMORY_MB = 5_000


def test_every_service_is_healthy(stack: Stack) -> None:
    states = {name: row["state"] for name, row in stack.services().items()}
    assert states.keys() >= {"supervisor", *engines.ALWAYS, *PROCESSES}
    assert set(states.values()) <= {"ready", "running"}, states


def test_a_second_up_changes_nothing(stack: Stack) -> None:
    before = {name: row["pid"] for name, row in stack.services().items()}
    assert "already running" in stack.run_local("up")
    assert {name: row["pid"] for name, row in stack.services().items()} == before


def test_nothing_listens_where_another_machine_could_reach_it(stack: Stack) -> None:
    addresses = listening(stack.processes())
    assert len(addresses) >= len(engines.ALWAYS)
    assert [address for address in addresses if not is_loopback(address)] == []


def test_the_engines_need_no_more_than_five_gigabytes(stack: Stack) -> None:
    rows = stack.services()
    used = {name: rows[name]["resident_megabytes"] for name in ("supervisor", *engines.ALWAYS)}
    assert sum(used.values()) <= MEMORY_MB, used


def test_flink_takes_no_uploads(stack: Stack) -> None:
    request = urllib.request.Request(f"{stack.endpoints['flink']}/jars/upload", b"", method="POST")  # noqa: S310 - an address of the stack
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)  # noqa: S310
    assert refused.value.code == 404


def test_flink_answers_no_page_of_another_origin(stack: Stack) -> None:
    with urllib.request.urlopen(f"{stack.endpoints['flink']}/overview", timeout=30) as answer:  # noqa: S310 - an address of the stack
        assert answer.headers["Access-Control-Allow-Origin"] == stack.endpoints["flink"]
