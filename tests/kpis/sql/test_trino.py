"""What readers see, in Trino SQL."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pipelines.deployment.views import all_views
from tests import statements

if TYPE_CHECKING:
    from kpis.sql.trino import View

VIEWS = all_views(statements.CONTRACTS, statements.DEFINITIONS)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_a_view_is_made_after_the_views_it_reads(view: View) -> None:
    earlier = {f"lake.{other.name}" for other in VIEWS[: VIEWS.index(view)]}
    assert set(re.findall(r"lake\.(?:audited|serving)\.\w+", view.query)) <= earlier


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_readers_see_tagged_snapshots_only(view: View) -> None:
    tables = re.findall(r"lake\.(?:journal|partials|audit)\.\w+( FOR VERSION AS OF 'audited')?", view.query)
    assert all(tables)


@pytest.mark.parametrize("view", [view for view in VIEWS if "lake.audit." in view.query], ids=lambda view: view.name)
def test_what_the_stream_wrote_is_named_before_the_corrections_of_it(view: View) -> None:
    assert re.search(r"lake\.(journal|partials)\.", view.query).start() < view.query.index("lake.audit.")  # type: ignore[union-attr]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_every_column_has_a_comment(view: View) -> None:
    assert view.columns
    assert all(view.columns.values())
