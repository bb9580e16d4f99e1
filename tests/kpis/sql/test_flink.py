"""Partial aggregates in Flink SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests import statements

if TYPE_CHECKING:
    from collections.abc import Callable

STATEMENTS = statements.partials()


@pytest.mark.parametrize("name", STATEMENTS)
def test_the_sql_is_as_reviewed(golden: Callable[[str, str], None], name: str) -> None:
    golden(name, STATEMENTS[name])
