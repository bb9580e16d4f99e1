"""Every generated statement is as it was reviewed: tests/golden/<engine>/<definition>.sql."""

from __future__ import annotations

from pathlib import Path

import pytest

from kpis.sql.trino import GRAINS
from pipelines.deployment.views import all_views
from tests import statements

GOLDEN = Path(__file__).parent / "golden"
STATEMENTS = statements.every()
VIEWS = {view.name: view for view in all_views(statements.CONTRACTS, statements.DEFINITIONS)}
COARSER = [(f"serving.kpi_{kpi}", suffix, unit) for kpi in statements.DEFINITIONS.kpis for suffix, unit in GRAINS.items() if suffix]


@pytest.mark.parametrize("name", STATEMENTS)
def test_the_sql_is_as_reviewed(request: pytest.FixtureRequest, name: str) -> None:
    path = GOLDEN / f"{name}.sql"
    if request.config.getoption("rewrite_golden"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(STATEMENTS[name], "utf-8")
    assert path.exists(), f"{name}: not there; `make golden` writes it"
    assert STATEMENTS[name] == path.read_text("utf-8"), f"{name}: differs; `make golden` rewrites it"


def test_no_golden_file_outlives_its_definition() -> None:
    assert {str(path.relative_to(GOLDEN).with_suffix("")) for path in GOLDEN.rglob("*.*")} <= STATEMENTS.keys()


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_can_be_reviewed_line_by_line(name: str) -> None:
    assert [line for line in STATEMENTS[name].splitlines() if len(line) > statements.LINE] == []


@pytest.mark.parametrize(("view", "suffix", "unit"), COARSER)
def test_the_grains_of_a_kpi_differ_only_in_the_unit(view: str, suffix: str, unit: str) -> None:
    assert VIEWS[view + suffix].query == VIEWS[view].query.replace("'minute'", f"'{unit}'")
