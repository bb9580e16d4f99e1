"""Keeps the services of one home running: one process per home, which outlives the command that started it."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from deploy.local import logs, processes, services
from deploy.local.failures import DeployError
from deploy.local.home import Home
from deploy.local.processes import Identity
from deploy.local.services import Record, Service

TICK_SECONDS = 0.2
FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 30.0
# A service that ran this long has recovered: its next failure counts as the first.
RECOVERED_SECONDS = 60.0
_POLL_SECONDS = 0.02
_ATTEMPTS = 25


class SupervisorError(DeployError):
    """The supervisor could not take charge."""


class Supervisor:
    """Compares what should run with what does, several times a second.

    It keeps nothing that matters in memory: killed at any instant, its successor finds the running
    services by their records and takes them over, and those without a record by their marker.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._records = services.load_records(home)
        self._known: dict[str, Service] = {}
        self._failures: dict[str, int] = {}
        # Monotonic clock: the last start, the next start, the end of patience.
        self._started: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._patience: dict[str, float] = {}

    def run(self, stop: threading.Event) -> None:
        """Supervise until told to stop; the services are left as they are."""
        while not stop.is_set():
            try:
                self._compare()
            except (OSError, ValueError) as error:
                # A full disk must not end the supervision.
                _note(f"supervisor: {error}")
            stop.wait(TICK_SECONDS)

    def _compare(self) -> None:
        processes.reap()
        wanted = services.load_services(self._home)
        self._known |= wanted
        for service in wanted.values():
            self._keep(service)
        for name in [name for name in self._records if name not in wanted]:
            self._retire(name)
        logs.bound(self._home.logs)

    def _keep(self, service: Service) -> None:
        record = self._records.get(service.name)
        if record and processes.is_alive(record.process):
            return
        if record and service.name not in self._due:
            self._postpone(service.name)
        if time.monotonic() >= self._due.get(service.name, 0.0):
            self._start(service, restarts=record.restarts + 1 if record else 0)

    def _postpone(self, name: str) -> None:
        now = time.monotonic()
        recovered = now - self._started.get(name, 0.0) > RECOVERED_SECONDS
        failures = 0 if recovered else self._failures.get(name, -1) + 1
        delay = min(FIRST_DELAY_SECONDS * 2**failures, LONGEST_DELAY_SECONDS)
        self._failures[name], self._due[name] = failures, now + delay
        _note(f"{name}: ended, next start in {delay:g} s")

    def _start(self, service: Service, restarts: int) -> None:
        name = service.name
        processes.terminate(processes.find_marked(services.mark(self._home, name)), patience=0.0)
        self._due.pop(name, None)
        self._started[name] = time.monotonic()
        try:
            pid = spawn(self._home, service)
        except OSError as error:
            _note(f"{name}: cannot be started ({error})")
            self._postpone(name)
            return
        process = processes.identify(pid)
        # Its exit status is collected by this thread only, so that even a dead child is still there.
        if process:
            self._records[name] = Record(process, restarts)
            services.save_records(self._home, self._records)
        _note(f"{name}: started as process {pid}")

    def _retire(self, name: str) -> None:
        """Stop a service that is no longer wanted, without waiting for it."""
        running = services.running_processes(self._home, name, self._records[name])
        if not running:
            del self._records[name]
            self._patience.pop(name, None)
            self._due.pop(name, None)
            services.save_records(self._home, self._records)
            _note(f"{name}: stopped")
        elif name not in self._patience:
            known = self._known.get(name)
            self._patience[name] = time.monotonic() + (known.stop_seconds if known else 0.0)
            _signal_all(running, signal.SIGTERM)
        elif time.monotonic() >= self._patience[name]:
            _signal_all(running, signal.SIGKILL)


def spawn(home: Home, service: Service) -> int:
    """Start a service in a session of its own, writing to its log; returns the process id."""
    environment = {**os.environ, **service.environment, processes.MARKER: services.mark(home, service.name)}
    # Appending, so that the log can be cut while the service writes to it.
    with logs.path(home.logs, service.name).open("ab") as log:
        return subprocess.Popen(
            service.command,
            cwd=service.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ).pid


def launch(home: Home) -> None:
    """Start the supervisor of a home in the background and return when one is in charge.

    Raises SupervisorError when it ends instead.
    """
    environment = {name: value for name, value in os.environ.items() if name != processes.MARKER}
    with logs.path(home.logs, "supervisor").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local.supervisor", str(home.root)],
            cwd=Path(__file__).parents[2],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    while find(home) is None:
        if process.poll() is not None:
            message = f"supervisor: ended at once; see {logs.path(home.logs, 'supervisor')}"
            raise SupervisorError(message)
        time.sleep(_POLL_SECONDS)


def find(home: Home) -> Identity | None:
    """The supervisor of a home; None when there is none, whatever an old file says."""
    try:
        with home.supervisor_lock.open("r", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        pid, _, started = home.supervisor_lock.read_text(encoding="ascii").partition(" ")
        # Between taking the lock and writing its name, the file still names the last one.
        holder = Identity(int(pid or 0), started)
        return holder if processes.is_alive(holder) else None
    return None


def main(root: str) -> int:
    """Take the lock and supervise; ends when another supervisor holds it."""
    home = Home(Path(root))
    # Not truncated by opening: it may belong to another supervisor.
    with home.supervisor_lock.open("a", encoding="ascii") as lock:
        if not _take(lock):
            _note("another supervisor is in charge")
            return 1
        myself = processes.identify(os.getpid())
        lock.truncate(0)
        lock.write(f"{os.getpid()} {myself.started if myself else ''}")
        lock.flush()
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        _note("in charge")
        Supervisor(home).run(stop)
        _note("told to leave")
    return 0


def _take(lock: IO[str]) -> bool:
    """Try for a moment: whoever looks for a supervisor holds the lock for an instant."""
    for _ in range(_ATTEMPTS):
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(_POLL_SECONDS)
    return False


def _signal_all(running: list[Identity], number: int) -> None:
    for identity in running:
        processes.send_signal(identity, number)


def _note(text: str) -> None:
    print(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ} {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
