"""Exported documents are ODCS 3.2 that datacontract-cli lints, complete and the same every time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from datacontract.data_contract import DataContract
from open_data_contract_standard.model import OpenDataContractStandard, SchemaObject, SchemaProperty

from contracts import examples, odcs, registry
from contracts.model import DECODED

if TYPE_CHECKING:
    from pathlib import Path

PRODUCT = registry.load()
DOCUMENTS = {str(document.id): document for stream in PRODUCT.streams.values() for document in odcs.documents(stream, examples.load(PRODUCT))}


def table_of(document_id: str) -> SchemaObject:
    """The one table or view of a document."""
    (table,) = DOCUMENTS[document_id].schema_ or []
    return table


def columns_of(document_id: str) -> dict[str, SchemaProperty]:
    """Columns by name."""
    return {str(column.name): column for column in table_of(document_id).properties or []}


def key_of(document_id: str) -> list[str]:
    """Primary key in order."""
    key = [column for column in columns_of(document_id).values() if column.primaryKey]
    return [str(column.name) for column in sorted(key, key=lambda column: column.primaryKeyPosition or 0)]


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
def test_every_document_passes_the_linter_without_a_warning(document: OpenDataContractStandard) -> None:
    run = DataContract(data_contract_str=document.to_yaml(), all_errors=True).lint()
    assert [(check.name, check.result) for check in run.checks] == [("Data contract is valid against ODCS v3.2.0", "passed")]


def test_the_linter_sees_a_wrong_document() -> None:
    text = DOCUMENTS["journal.runs"].to_yaml().replace("logicalType: integer", "logicalType: whole")
    assert DataContract(data_contract_str=text).lint().result != "passed"


def test_the_export_writes_one_file_per_journal_and_fact_and_is_repeatable(tmp_path: Path) -> None:
    paths = odcs.export(PRODUCT, tmp_path / "first")
    again = odcs.export(PRODUCT, tmp_path / "second")
    assert [path.name for path in paths] == [f"{document_id}.odcs.yaml" for document_id in DOCUMENTS]
    assert [path.read_bytes() for path in paths] == [path.read_bytes() for path in again]


def test_an_exported_document_reads_back_as_the_same_document(tmp_path: Path) -> None:
    for path in odcs.export(PRODUCT, tmp_path):
        assert OpenDataContractStandard.from_file(str(path)) == DOCUMENTS[path.name.removesuffix(".odcs.yaml")]


def test_a_journal_has_every_column_of_its_stream_in_order() -> None:
    for stream in PRODUCT.streams.values():
        assert list(columns_of(stream.journal)) == [*stream.fields, *DECODED, *stream.landing]


def test_a_fact_has_the_fields_that_its_event_types_carry() -> None:
    columns = columns_of("serving.model_switches")
    assert {"from_model", "to_model", "user_id", "appended_at"} <= columns.keys()
    assert "input_tokens" not in columns


def test_every_column_has_types_a_description_and_a_classification() -> None:
    for document_id in DOCUMENTS:
        for column in columns_of(document_id).values():
            assert all((column.logicalType, column.physicalType, column.description, column.classification)), column.name


def test_a_journal_is_keyed_by_delivery_and_a_fact_by_event() -> None:
    assert key_of("journal.runs") == ["topic", "partition", "offset"]
    assert key_of("serving.run_events") == ["tenant_id", "source", "event_id"]


def test_a_column_is_required_where_every_event_type_requires_it() -> None:
    assert columns_of("journal.runs")["run_id"].required
    assert not columns_of("journal.runs")["step_id"].required
    assert columns_of("serving.steps")["step_id"].required


def test_limits_enumerations_and_units_are_exported() -> None:
    columns = columns_of("journal.model_calls")
    assert columns["http_status"].logicalTypeOptions == {"minimum": 100, "maximum": 599, "format": "i64"}
    assert [item.value for item in columns["environment"].enum or []] == ["prod", "staging", "dev"]
    assert columns["cost_usd"].physicalType == "DECIMAL(18,9)"
    assert [item.value for item in columns["duration_ms"].customProperties or []] == ["ms"]


def test_the_characters_of_a_pseudonym_are_exported() -> None:
    options = columns_of("journal.runs")["issued_by"].logicalTypeOptions or {}
    assert options["maxLength"] == 128
    assert [text for text in ("u_5d1c0a77", "a@b.org", "Ada L", "ada\n") if re.search(options["pattern"], text)] == ["u_5d1c0a77"]


def test_a_rule_between_fields_is_a_query_that_must_find_nothing() -> None:
    queries = {rule.name: str(rule.query).partition(" WHERE ")[2] for name in ("model_calls", "runs") for rule in table_of(f"journal.{name}").quality or []}
    assert queries["cache_read_tokens_exceeds_whole"] == "COALESCE(cache_read_tokens, 0) + COALESCE(cache_write_tokens, 0) > input_tokens"
    assert queries["reasoning_tokens_exceeds_whole"] == "reasoning_tokens > output_tokens"
    assert queries["started_at_out_of_order"] == "ROUND(to_unixtime(started_at) * 1000) > ROUND(to_unixtime(event_time) * 1000) + 86400000"


def test_a_fact_is_not_held_to_rules_about_fields_that_it_lacks() -> None:
    assert "exceeds_whole" not in DOCUMENTS["serving.model_switches"].to_yaml()


def test_passing_examples_become_sample_values() -> None:
    assert columns_of("serving.model_switches")["to_model"].examples == ["claude-haiku-4-5", "mistral-medium"]


def test_a_rule_of_one_event_type_is_a_query_that_must_find_nothing() -> None:
    rules = {rule.name: rule for rule in table_of("journal.runs").quality or []}
    condition = "event_type = 'run.failed' AND (run_id IS NULL OR run_kind IS NULL OR started_at IS NULL OR error_type IS NULL)"
    assert rules["run.failed_complete"].query == f"SELECT COUNT(*) FROM ${{table}} WHERE {condition}"
    assert rules["run.failed_complete"].mustBe == 0


def test_a_document_states_owner_retention_and_freshness() -> None:
    document = DOCUMENTS["journal.runs"]
    promises = {item.property: (item.value, item.unit, item.element) for item in document.slaProperties or []}
    assert promises == {"retention": (400, "d", "runs.event_time"), "freshness": ("PT15S", None, "runs.appended_at")}
    assert document.team is not None
    assert document.to_yaml().count("name: run-platform") == 1
