"""Options of the whole test suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="Write the expected SQL anew instead of comparing with it.")
    parser.addoption("--stack-home", metavar="DIR", help="Use the stack in this run directory, start it when needed, and leave it running.")
