"""A process is more than its number."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from deploy.local import processes
from deploy.local.processes import Identity


@pytest.fixture
def sleeper() -> Iterator[Identity]:
    process = subprocess.Popen(["sleep", "600"])
    identity = processes.identify(process.pid)
    assert identity is not None
    yield identity
    process.kill()
    process.wait()


def test_a_signal_reaches_the_process_it_is_meant_for(sleeper: Identity) -> None:
    assert processes.send_signal(sleeper, signal.SIGSTOP)


def test_no_signal_reaches_a_process_that_started_at_another_time(sleeper: Identity) -> None:
    assert not processes.send_signal(Identity(sleeper.pid, sleeper.started + "0"), signal.SIGKILL)
    assert processes.is_alive(sleeper)


def test_a_process_that_ended_is_not_alive_before_its_parent_collected_it() -> None:
    with subprocess.Popen(["true"]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        identity = processes.identify(process.pid)
        assert identity is not None
        assert not processes.is_alive(identity)


def test_patience_with_a_process_that_will_not_end_is_limited() -> None:
    code = "import signal; signal.signal(15, signal.SIG_IGN); print(); signal.pause()"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        identity = processes.identify(process.pid)
        assert identity is not None
        started = time.monotonic()
        processes.terminate([identity], patience=0.2)
        assert time.monotonic() - started >= 0.2


def test_usage_is_measured_in_bytes_and_seconds() -> None:
    myself = processes.identify(os.getpid())
    assert myself is not None
    usage = processes.measure([myself])
    assert usage.resident > 10_000_000
    assert 0 < usage.processor < usage.uptime * (os.cpu_count() or 1)
