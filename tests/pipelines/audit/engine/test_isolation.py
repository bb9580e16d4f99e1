"""Which real errors hold one stream, and which end the cycle."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
import requests
from confluent_kafka import KafkaError, KafkaException
from pyiceberg.exceptions import CommitFailedException, NoSuchTableError, ServerError, ServiceUnavailableError

from connectors.iceberg.files import StaleHeadError
from connectors.kafka.reader import BeyondEndError, RereadError
from connectors.kafka.topics import TopicError
from pipelines.audit.decisions.lake import Conflict, StreamFailure
from pipelines.audit.engine.isolation import concerning


def fail(error: Exception) -> None:
    with concerning("runs"):
        raise error


def query(sql: str) -> None:
    with concerning("runs"):
        duckdb.connect().execute(sql)


def test_a_value_that_cannot_be_converted_holds_its_stream() -> None:
    with pytest.raises(StreamFailure, match="Could not convert string 'x'") as failure:
        query("SELECT CAST('x' AS BIGINT)")
    assert failure.value.stream == "runs"
    assert isinstance(failure.value.__cause__, duckdb.ConversionException)


def test_a_data_file_that_is_missing_holds_its_stream(tmp_path: Path) -> None:
    with pytest.raises(StreamFailure) as failure:
        query(f"SELECT * FROM read_parquet('{tmp_path / 'gone.parquet'}')")
    assert isinstance(failure.value.__cause__, duckdb.IOException)


def test_a_data_file_that_is_cut_short_holds_its_stream(tmp_path: Path) -> None:
    path = tmp_path / "short.parquet"
    path.write_bytes(b"PAR1")
    with pytest.raises(StreamFailure):
        query(f"SELECT * FROM read_parquet('{path}')")


def test_a_column_that_is_missing_holds_its_stream() -> None:
    with pytest.raises(StreamFailure) as failure:
        query("SELECT colour FROM (SELECT 1 AS n)")
    assert isinstance(failure.value.__cause__, duckdb.BinderException)


@pytest.mark.parametrize(
    "error",
    [NoSuchTableError("journal.runs"), FileNotFoundError("manifest.avro"), StaleHeadError("no ancestor"), BeyondEndError("runs/0"), KeyError("field")],
    ids=lambda error: type(error).__name__,
)
def test_what_concerns_one_stream_holds_it(error: Exception) -> None:
    with pytest.raises(StreamFailure):
        fail(error)


@pytest.mark.parametrize(
    "error",
    [
        KafkaException(KafkaError(KafkaError._ALL_BROKERS_DOWN)),  # noqa: SLF001 - the client's public name for it
        TopicError("localhost: no answer"),
        RereadError("runs/0: no answer"),
        ServerError("catalog"),
        ServiceUnavailableError("catalog"),
        requests.exceptions.ConnectionError("refused"),
        CommitFailedException("lost a race"),
        Conflict("lost a race"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_engine_that_is_away_ends_the_cycle_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)):
        fail(error)
