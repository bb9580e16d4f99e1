"""Real processes under a real supervisor."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from deploy.local import processes, services, stack, supervisor
from deploy.local.home import Home
from deploy.local.processes import Identity
from deploy.local.services import Record, Service

Running = Callable[..., Record]
Wait = Callable[[Callable[[], object]], None]

FAMILY = ("sh", "-c", "sleep 600 & sleep 600")


def kill_supervisor(home: Home) -> None:
    guard = supervisor.find(home)
    assert guard is not None
    processes.send_signal(guard, signal.SIGKILL)
    while processes.is_alive(guard):
        time.sleep(0.01)


def test_a_killed_service_comes_back(home: Home, running: Running, wait: Wait) -> None:
    supervisor.launch(home)
    first = running("sleeper", "sleep", "600")
    processes.send_signal(first.process, signal.SIGKILL)
    wait(lambda: services.load_records(home)["sleeper"].restarts == 1)
    assert processes.is_alive(services.load_records(home)["sleeper"].process)


def test_what_a_killed_service_left_behind_is_killed_before_it_comes_back(home: Home, running: Running, wait: Wait) -> None:
    supervisor.launch(home)
    parent = running("family", *FAMILY).process
    wait(lambda: len(processes.find_marked(services.mark(home, "family"))) == 3)
    children = set(processes.find_marked(services.mark(home, "family"))) - {parent}
    processes.send_signal(parent, signal.SIGKILL)
    wait(lambda: services.load_records(home)["family"].restarts == 1)
    assert not any(processes.is_alive(child) for child in children)


def test_a_service_that_always_fails_is_started_ever_more_rarely(home: Home, running: Running, wait: Wait) -> None:
    supervisor.launch(home)
    started = time.monotonic()
    running("failing", "false")
    wait(lambda: services.load_records(home)["failing"].restarts == 2)
    assert time.monotonic() - started >= supervisor.FIRST_DELAY_SECONDS * (1 + 2)


def test_a_service_that_is_not_wanted_any_more_is_stopped(home: Home, running: Running, wait: Wait) -> None:
    supervisor.launch(home)
    process = running("sleeper", "sleep", "600").process
    services.remove_service(home, "sleeper")
    wait(lambda: not services.load_records(home))
    assert not processes.is_alive(process)


def test_a_service_that_ignores_the_request_to_stop_is_killed(home: Home, running: Running, wait: Wait) -> None:
    supervisor.launch(home)
    process = running("stubborn", sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)", stop_seconds=0.3).process
    services.remove_service(home, "stubborn")
    wait(lambda: not processes.is_alive(process))


def test_a_second_supervisor_leaves_at_once(home: Home) -> None:
    supervisor.launch(home)
    first = supervisor.find(home)
    second = subprocess.run([sys.executable, "-m", "deploy.local.supervisor", home.root], capture_output=True, check=False, timeout=10)
    assert (second.returncode, supervisor.find(home)) == (1, first)


def test_the_successor_of_a_killed_supervisor_takes_the_running_services_over(home: Home, running: Running) -> None:
    supervisor.launch(home)
    before = running("sleeper", "sleep", "600")
    kill_supervisor(home)
    supervisor.launch(home)
    running("another", "sleep", "600")
    assert services.load_records(home)["sleeper"] == before


def test_down_leaves_no_process(home: Home, running: Running) -> None:
    supervisor.launch(home)
    running("family", *FAMILY)
    stack.down(home)
    assert processes.find_marked(services.mark(home)) == []
    assert supervisor.find(home) is None


def test_down_leaves_no_process_when_the_supervisor_was_killed(home: Home, running: Running) -> None:
    supervisor.launch(home)
    running("family", *FAMILY)
    kill_supervisor(home)
    stack.down(home)
    assert processes.find_marked(services.mark(home)) == []


def test_down_finds_a_process_that_no_record_names(home: Home) -> None:
    pid = supervisor.spawn(home, Service("unrecorded", ("sleep", "600"), str(home.root)))
    identity = processes.identify(pid)
    assert identity is not None
    stack.down(home)
    assert not processes.is_alive(identity)


def test_a_recorded_process_id_that_now_belongs_to_another_process_is_never_killed(home: Home, tmp_path: Path) -> None:
    innocent = subprocess.Popen(["sleep", "600"], cwd=tmp_path)
    stale = Record(Identity(innocent.pid, "an earlier boot/1"), restarts=0)
    services.save_service(home, Service("recycled", ("sleep", "600"), str(home.root)))
    services.save_records(home, {"recycled": stale})
    stack.down(home)
    try:
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


def test_an_old_lock_file_names_no_supervisor(home: Home) -> None:
    home.supervisor_lock.write_text(f"{os.getpid()} an earlier boot/1", encoding="ascii")
    assert supervisor.find(home) is None
