"""One stack for all tests of this folder; what failed is shown with the ends of the logs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.stack.local_stack import LOGS, Stack, free_port_base

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

STACK = pytest.StashKey[Stack]()


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running stack with intake job, canaries and audit; nothing of it is left afterwards."""
    kept = request.config.getoption("stack_home")
    home = Path(kept).resolve() if kept else tmp_path_factory.mktemp("stack")
    running = Stack(home, free_port_base())
    request.config.stash[STACK] = running
    try:
        running.start()
        yield running
    finally:
        if not kept:
            running.run_local("down")
            assert running.processes() == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    running = item.config.stash.get(STACK, None)
    if report.failed and running:
        report.sections += [(f"end of {name}.log", running.log_tail(name)) for name in LOGS]
    return report
