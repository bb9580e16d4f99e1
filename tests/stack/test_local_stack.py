"""The local stack itself, while it runs."""

from __future__ import annotations

import pytest

from tests.stack.local_stack import Stack

pytestmark = pytest.mark.stack


def test_every_service_is_healthy(stack: Stack) -> None:
    states = {name: row["state"] for name, row in stack.services().items()}
    assert set(states.values()) <= {"ready", "running"}, states
