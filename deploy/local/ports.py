"""Every port of the stack is DAYBOOK_PORT_BASE plus a fixed offset, on the loopback address."""

import socket
from collections.abc import Iterable, Mapping
from errno import EADDRINUSE

from deploy.local.failures import SetupError

LOOPBACK = "127.0.0.1"
DEFAULT_BASE = 21000
# Below it, ports belong to the system.
LOWEST_BASE = 1024

NAMES = (
    "kafka",
    "kafka_controller",
    "catalog",
    "flink",
    "flink_jobmanager",
    "flink_taskmanager",
    "flink_data",
    "flink_blob",
    "flink_metrics",
    "flink_metrics_last",
    "trino",
    "registry",
)
HIGHEST_BASE = 65535 - len(NAMES)


class PortError(SetupError):
    """A port cannot be used."""


def from_environment(environment: Mapping[str, str]) -> dict[str, int]:
    """Port by name. Raises PortError when DAYBOOK_PORT_BASE is not a usable number.

    >>> from_environment({"DAYBOOK_PORT_BASE": "30000"})["catalog"]
    30002
    """
    text = environment.get("DAYBOOK_PORT_BASE") or str(DEFAULT_BASE)
    if not text.isdecimal() or not LOWEST_BASE <= int(text) <= HIGHEST_BASE:
        message = f"DAYBOOK_PORT_BASE: {text!r} is not a number from {LOWEST_BASE} to {HIGHEST_BASE}"
        raise PortError(message)
    return {name: int(text) + offset for offset, name in enumerate(NAMES)}


def require_free(service: str, ports: Iterable[int]) -> None:
    """Raise PortError, naming the service, when something already listens on one of its ports."""
    for port in ports:
        if not _is_free(port):
            message = f"{service}: port {port} is taken; stop what listens there or set DAYBOOK_PORT_BASE to another range"
            raise PortError(message)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the engines do: connections of a stopped service that still fade out do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno == EADDRINUSE:
                return False
            raise
    return True
