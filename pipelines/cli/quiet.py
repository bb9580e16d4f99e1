"""Keeps the chatter of other people's libraries away from the user."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHATTY = ("pyiceberg", "py4j", "apache_beam", "trino", "urllib3")
"""pyiceberg warns of metadata files that the catalog has already deleted."""


def quiet() -> None:
    """Drop warnings and what is below an error; `python -W` has the last word."""
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        os.environ.setdefault("PYTHONWARNINGS", "ignore")


@contextmanager
def engine_output_to(log: Path) -> Iterator[None]:
    """Let processes started in the block, such as Flink's client, write to a log file instead of the terminal."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    kept = os.dup(1), os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        for number, original in enumerate(kept, start=1):
            os.dup2(original, number)
            os.close(original)
