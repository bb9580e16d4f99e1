"""The benchmark's own stack: its home, its ports, its processes; all of it ends with the benchmark."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local import fetch, processes, services, versions
from deploy.local.home import Home
from deploy.local.ports import LOOPBACK, NAMES
from deploy.local.toolchain import find_java
from tests.benchmarks.progress import say

LOCAL = (sys.executable, "-m", "deploy.local")


class Stack:
    """One running local stack. `connect_port` is free for Kafka Connect's REST interface."""

    def __init__(self, home: Path, port_base: int) -> None:
        """Nothing is started yet; the environment names the home and the ports from here on."""
        os.environ.update(DAYBOOK_HOME=str(home), DAYBOOK_PORT_BASE=str(port_base))
        self.home = Home(home.resolve())
        self.connect_port = port_base + len(NAMES)

    @property
    def connect_address(self) -> str:
        """Where the Connect worker listens."""
        return f"http://{LOOPBACK}:{self.connect_port}"

    def local(self, *words: str) -> None:
        """Run a command of `deploy.local`, its output on standard error."""
        subprocess.run([*LOCAL, *words], check=True, stdout=sys.stderr)

    def start(self, name: str, command: list[str]) -> None:
        """Add a supervised process."""
        self.local("start", name, "--", *command)

    def pid(self, name: str) -> int:
        """Process id of a service."""
        return services.require_service(self.home, name).process.pid

    def send(self, name: str, number: signal.Signals) -> None:
        """Signal a service: STOP and CONT hold a side that is not measured, KILL is the fault."""
        processes.send_signal(services.require_service(self.home, name).process, number)

    def has(self, name: str) -> bool:
        """Whether the service was started."""
        return name in services.load_records(self.home)


@contextmanager
def running(home: Path, port_base: int) -> Iterator[Stack]:
    """A stack without Trino, which has no part in the measurements; stopped at the end, whatever happened."""
    stack = Stack(home, port_base)
    try:
        say("starting the stack")
        stack.local("up")
        stack.local("stop", "trino")
        yield stack
    finally:
        for name in services.load_records(stack.home):
            # A held process does not hear that it should end.
            stack.send(name, signal.SIGCONT)
        stack.local("down")


def connect_java() -> tuple[str, Path]:
    """The Java program and the folder of Kafka Connect with the Iceberg sink."""
    chosen = versions.load()
    folder = fetch.fetch(chosen, [chosen.groups["connect"]], os.environ)["connect"]
    return find_java(chosen.java["kafka"], "connect", os.environ).executable, folder
