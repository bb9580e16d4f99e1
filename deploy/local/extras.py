"""Processes that a user adds to a running stack: supervised like the engines, until stopped."""

import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from deploy.local import engines, processes, services, supervisor
from deploy.local.failures import DeployError
from deploy.local.home import Home
from deploy.local.services import Service, ServiceError

_POLL_SECONDS = 0.02
_START_SECONDS = 10.0
# More than any service is given before it is killed.
_STOP_SECONDS = 60.0


class TimedOutError(DeployError):
    """The supervisor did not get it done in time."""


def start(home: Home, name: str, command: list[str], environment: Mapping[str, str]) -> None:
    """Add a process and return when it was started; the same again does nothing.

    It runs in the current directory, with the settings (`DAYBOOK_...`) of the caller. Raises
    ServiceError when that cannot work, TimedOutError.
    """
    _require_possible(home, name, command)
    settings = {key: value for key, value in environment.items() if key.startswith("DAYBOOK_")}
    service = Service(name, tuple(command), str(Path.cwd()), {**settings, "DAYBOOK_HOME": str(home.root)})
    existing = services.load_services(home).get(name)
    if existing is not None and existing.command != service.command:
        message = f"{name}: already runs another command; stop it first"
        raise ServiceError(message)
    if existing is None:
        services.save_service(home, service)
    _wait(home, name, _START_SECONDS, started=True)


def stop(home: Home, name: str) -> None:
    """Remove a service and return when no process of it is left. Raises ServiceError or TimedOutError."""
    services.require_service(home, name)
    if supervisor.find(home) is None:
        message = f"{name}: no supervisor in {home.root}; use `up` or `down`"
        raise ServiceError(message)
    services.remove_service(home, name)
    _wait(home, name, _STOP_SECONDS, started=False)


def _require_possible(home: Home, name: str, command: list[str]) -> None:
    problem = None
    if supervisor.find(home) is None:
        problem = f"no stack is running in {home.root}; use `up` first"
    elif not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        problem = "a name is lower-case letters, digits and dashes"
    elif name in {*engines.STARTS, "supervisor"}:
        problem = "is the name of a part of the stack"
    elif not command or shutil.which(command[0]) is None:
        problem = f"no such program: {command[0] if command else 'none given'}"
    if problem:
        message = f"{name}: {problem}"
        raise ServiceError(message)


def _wait(home: Home, name: str, patience: float, *, started: bool) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        record = services.load_records(home).get(name)
        if (started and record and processes.is_alive(record.process)) or (not started and record is None):
            return
        time.sleep(_POLL_SECONDS)
    message = f"{name}: not {'started' if started else 'stopped'} after {patience:.0f} s; see `logs supervisor`"
    raise TimedOutError(message)
