"""Ports are checked before anything is started."""

import socket

import pytest

from deploy.local import ports
from deploy.local.ports import PortError


def test_a_taken_port_is_one_sentence_with_the_name_of_the_service() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortError) as caught:
            ports.require_free("catalog", [port])
    assert str(caught.value) == f"catalog: port {port} is taken; stop what listens there or set DAYBOOK_PORT_BASE to another range"


def test_a_port_that_is_taken_on_all_interfaces_is_taken() -> None:
    with socket.create_server(("", 0)) as server, pytest.raises(PortError):
        ports.require_free("kafka", [server.getsockname()[1]])


def test_all_ports_follow_the_base() -> None:
    assert list(ports.from_environment({"DAYBOOK_PORT_BASE": "30000"}).values()) == list(range(30000, 30000 + len(ports.NAMES)))


@pytest.mark.parametrize("base", ["x", "80", "65535", "-1"])
def test_a_base_that_is_not_usable_is_refused(base: str) -> None:
    with pytest.raises(PortError, match="is not a number from 1024 to"):
        ports.from_environment({"DAYBOOK_PORT_BASE": base})
