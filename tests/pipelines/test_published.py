"""A publication counts as published when readers see it, not when it is recorded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyiceberg.catalog.sql import SqlCatalog

from connectors.iceberg.tables import ensure_table
from contracts.datasets import COMPLETENESS, DATASET_STATUS
from pipelines.audit.publication import CYCLE, RECORD, Publication
from pipelines.published import visible_publication
from pipelines.tables import all_tables
from tests.statements import CONTRACTS, DEFINITIONS

RECORDED = Publication(4, {}, {}, {})


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[SqlCatalog]:
    catalog = SqlCatalog("lake", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=f"file://{tmp_path}")
    for spec in all_tables(CONTRACTS, DEFINITIONS):
        if spec.name in {COMPLETENESS, DATASET_STATUS}:
            ensure_table(catalog, spec)
    yield catalog
    catalog.close()


def set_property(catalog: SqlCatalog, table: str, name: str, value: str) -> None:
    with catalog.load_table(table).transaction() as transaction:
        transaction.set_properties({name: value})


def test_before_the_first_publication_there_is_none(catalog: SqlCatalog) -> None:
    assert visible_publication(catalog) is None


@pytest.mark.parametrize("status", [None, "3"])
def test_a_recorded_publication_whose_tags_may_not_have_moved_is_not_visible(catalog: SqlCatalog, status: str | None) -> None:
    set_property(catalog, COMPLETENESS, RECORD, RECORDED.to_json())
    if status:
        set_property(catalog, DATASET_STATUS, CYCLE, status)
    assert visible_publication(catalog) is None


def test_a_publication_is_visible_when_its_status_is_written(catalog: SqlCatalog) -> None:
    set_property(catalog, COMPLETENESS, RECORD, RECORDED.to_json())
    set_property(catalog, DATASET_STATUS, CYCLE, "4")
    assert visible_publication(catalog) == RECORDED
