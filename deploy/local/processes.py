"""Processes as the kernel knows them: identified so that a recycled process id is never mistaken for ours."""

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROC = Path("/proc")
# Every process of a service inherits this variable: what a dead service left behind is found by it.
MARKER = "SUPERVISED_AS"

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Identity:
    """A process id with the instant it was started: boot and clock ticks since."""

    pid: int
    started: str


@dataclass(frozen=True)
class Usage:
    """Memory in bytes; processor and wall time in seconds since the start."""

    resident: int
    processor: float
    uptime: float


def identify(pid: int) -> Identity | None:
    """The identity of a process, also of one that ended and was not collected yet; None when there is none."""
    fields = _stat(pid)
    return Identity(pid, f"{_boot()}/{fields[19]}") if fields else None


def is_alive(identity: Identity) -> bool:
    """Whether this very process still runs."""
    fields = _stat(identity.pid)
    return fields is not None and fields[0] not in "ZX" and identity.started == f"{_boot()}/{fields[19]}"


def send_signal(identity: Identity, number: int) -> bool:
    """Signal this very process; False when it is gone."""
    try:
        descriptor = os.pidfd_open(identity.pid)
    except OSError:
        return False
    try:
        # The descriptor pins the process: compared after opening, it cannot become another one.
        if not is_alive(identity):
            return False
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


def terminate(identities: Iterable[Identity], patience: float) -> None:
    """Ask processes to end, kill what is left after `patience` seconds, return when none is left."""
    remaining = [identity for identity in identities if send_signal(identity, signal.SIGTERM)]
    deadline = time.monotonic() + patience
    while remaining and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        reap()
        remaining = [identity for identity in remaining if is_alive(identity)]
    while remaining:
        remaining = [identity for identity in remaining if send_signal(identity, signal.SIGKILL)]
        time.sleep(_POLL_SECONDS)
        reap()


def find_marked(mark: str) -> list[Identity]:
    """All running processes whose marker is `mark`, or begins with it when it ends in a colon."""
    return [identity for pid in _pids() if _is_marked(pid, mark) and (identity := identify(pid))]


def measure(identities: Iterable[Identity]) -> Usage:
    """Sum of memory and processor time (ended children are not counted); the longest uptime."""
    resident, processor, uptime = 0, 0.0, 0.0
    for identity in identities:
        fields = _stat(identity.pid)
        if fields is not None:
            resident += int(fields[21]) * _PAGE
            processor += sum(map(int, fields[11:13])) / _TICKS
            uptime = max(uptime, time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / _TICKS)
    return Usage(resident, processor, uptime)


def reap() -> None:
    """Collect the exit status of ended children, which otherwise stay in the process table."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _stat(pid: int) -> list[str] | None:
    """The fields of proc(5)'s stat file from `state` (number 3 there, 0 here) on."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The command before it may contain blanks and brackets.
    return text.rpartition(")")[2].split()


@cache
def _boot() -> str:
    return (PROC / "sys" / "kernel" / "random" / "boot_id").read_text(encoding="ascii").strip()


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal()]


def _is_marked(pid: int, mark: str) -> bool:
    try:
        variables = (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
    wanted = f"{MARKER}={mark}".encode()
    return any(variable == wanted or (mark.endswith(":") and variable.startswith(wanted)) for variable in variables)
