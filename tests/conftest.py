"""Options of the whole test suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = "tests/golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-golden", action="store_true", help="Write the expected SQL anew instead of comparing with it.")
    parser.addoption("--stack-home", metavar="DIR", help="Use the stack in this run directory, start it when needed, and leave it running.")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with `tests/golden/<name>.sql`, or write it there with `--rewrite-golden`."""
    folder = request.config.rootpath / GOLDEN

    def compare(name: str, text: str) -> None:
        path = folder / f"{name}.sql"
        if request.config.getoption("rewrite_golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.strip() + "\n", "utf-8")
        assert path.exists(), f"{path.name}: not there; `make golden` writes it"
        assert text.strip() + "\n" == path.read_text("utf-8"), f"{path.name}: differs; `make golden` rewrites it"

    return compare
