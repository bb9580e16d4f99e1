"""Whether an engine does its work, asked the way a client would: an open port is not enough."""

import json
import socket
import struct
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 5.0
_USER = {"X-Trino-User": "daybook"}

Endpoints = Mapping[str, str]


def is_ready(service: str, endpoints: Endpoints) -> bool:
    """Whether a service answers; a service without a check of its own counts as ready."""
    check = CHECKS.get(service)
    try:
        return check is None or check(endpoints)
    except (OSError, HTTPException, ValueError, KeyError, TypeError, struct.error):
        return False


def _kafka(endpoints: Endpoints) -> bool:
    """Ask for the cluster's metadata: a broker is listed once it takes part, later than it answers."""
    host, _, port = endpoints["kafka"].partition(":")
    # Header: Metadata (3), version 1, correlation id, no client id. Body: no topics.
    request = struct.pack(">hhihi", 3, 1, 1, -1, 0)
    with socket.create_connection((host, int(port)), TIMEOUT_SECONDS) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        with connection.makefile("rb") as response:
            _, _, brokers = struct.unpack(">iii", response.read(12))
    return bool(brokers > 0)


def _catalog(endpoints: Endpoints) -> bool:
    return "defaults" in _request(f"{endpoints['catalog']}/v1/config")


def _jobmanager(endpoints: Endpoints) -> bool:
    return "slots-total" in _request(f"{endpoints['flink']}/overview")


def _taskmanager(endpoints: Endpoints) -> bool:
    listed = _request(f"{endpoints['flink']}/taskmanagers")["taskmanagers"]
    return any(entry["slotsNumber"] > 0 for entry in listed)


def _trino(endpoints: Endpoints) -> bool:
    """Let it list the schemas of the catalog `lake`, which takes the planner and the REST catalog."""
    if _request(f"{endpoints['trino']}/v1/info")["starting"]:
        return False
    result = _request(f"{endpoints['trino']}/v1/statement", "SHOW SCHEMAS FROM lake")
    while "nextUri" in result:
        result = _request(result["nextUri"])
    return "error" not in result


def _registry(endpoints: Endpoints) -> bool:
    return isinstance(_request(f"{endpoints['registry']}/apis/ccompat/v7/subjects"), list)


CHECKS: dict[str, Callable[[Endpoints], bool]] = {
    "kafka": _kafka,
    "catalog": _catalog,
    "jobmanager": _jobmanager,
    "taskmanager": _taskmanager,
    "trino": _trino,
    "registry": _registry,
}


def _request(address: str, body: str | None = None) -> Any:
    # Not urllib's opener: it would go through the proxy that the environment may name.
    parts = urlsplit(address)
    connection = HTTPConnection(parts.netloc, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST" if body else "GET", parts.path, body, _USER)
        return json.load(connection.getresponse())
    finally:
        connection.close()
