"""The folder of expected SQL as a whole."""

from __future__ import annotations

from pathlib import Path

from tests import statements

GOLDEN = Path(__file__).parent / "golden"


def test_no_golden_file_outlives_its_definition() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} <= statements.every().keys()
