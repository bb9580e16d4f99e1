"""What an error is to a person: a sentence, an exit code, and whether to try again."""

from importlib import import_module
from pkgutil import walk_packages
from types import ModuleType

import duckdb
import pytest
from confluent_kafka import KafkaError, KafkaException
from py4j.protocol import Py4JNetworkError
from pyflink.util.exceptions import TableException
from pyiceberg import exceptions as iceberg
from requests.exceptions import ConnectionError as NoConnectionError
from requests.exceptions import ReadTimeout

import connectors
import contracts
import kpis
import pipelines
import transforms
from connectors.flink.rest import FlinkError
from connectors.kafka.topics import TopicError, TopicMismatchError
from contracts.errors import DaybookError
from contracts.registry import ContractError
from pipelines.audit.decisions.lake import Conflict
from pipelines.failures import FOREIGN, exit_code, is_transient, sentence
from pipelines.locks import LockedError
from pipelines.settings import SettingsError

REFUSED = "HTTPConnectionPool(host='127.0.0.1', port=21002): Max retries exceeded with url: /v1/config (Caused by ...)"
FOREIGN_ERRORS = [
    (duckdb.IOException("x"), True),
    (duckdb.HTTPException("x"), True),
    (KafkaException(KafkaError(KafkaError._ALL_BROKERS_DOWN)), True),  # noqa: SLF001 - the client's public name of the code
    (Py4JNetworkError("x"), False),
    (TableException("x"), False),
    (iceberg.BadRequestError("x"), False),
    (iceberg.CommitFailedException("x"), True),
    (iceberg.CommitStateUnknownException("x"), True),
    (iceberg.ForbiddenError("x"), False),
    (iceberg.NoSuchNamespaceError("x"), False),
    (iceberg.NoSuchTableError("x"), False),
    (iceberg.ServiceUnavailableError("x"), True),
    (iceberg.RESTError("x"), True),
    (iceberg.UnauthorizedError("x"), False),
    (NoConnectionError("x"), True),
    (ReadTimeout("x"), True),
    (FileNotFoundError("x"), False),
]


def _named(value: object) -> str:
    return type(value).__name__ if isinstance(value, Exception) else ""


@pytest.mark.parametrize(
    ("error", "code", "passes"),
    [
        (ContractError("x"), 2, False),
        (SettingsError("x"), 2, False),
        (LockedError("x"), 1, False),
        (TopicMismatchError("x"), 2, False),
        (TopicError("x"), 1, True),
        (FlinkError("x"), 1, True),
        (Conflict("x"), 1, True),
        (KeyError("x"), None, False),
        (duckdb.ConversionException("x"), None, False),
    ],
    ids=_named,
)
def test_an_error_has_its_exit_code_and_may_pass_or_not(error: Exception, code: int | None, passes: bool) -> None:  # noqa: FBT001 - a column of the table
    assert (exit_code(error), is_transient(error)) == (code, passes)


@pytest.mark.parametrize(("error", "passes"), FOREIGN_ERRORS, ids=_named)
def test_an_error_of_a_library_may_pass_or_not(error: Exception, passes: bool) -> None:  # noqa: FBT001 - a column of the table
    assert (exit_code(error), is_transient(error)) == (1, passes)


@pytest.mark.parametrize("name", FOREIGN)
def test_every_name_in_the_table_is_that_of_a_class_which_is_raised(name: str) -> None:
    assert name in {f"{kind.__module__}.{kind.__qualname__}" for error, _ in FOREIGN_ERRORS for kind in type(error).__mro__}


@pytest.mark.parametrize("package", [contracts, transforms, kpis, connectors, pipelines], ids=lambda package: package.__name__)
def test_every_error_of_ours_has_the_one_base(package: ModuleType) -> None:
    modules = [import_module(found.name) for found in walk_packages(package.__path__, f"{package.__name__}.") if not found.name.endswith("__main__")]
    defined = {kind for module in modules for kind in vars(module).values() if isinstance(kind, type) and kind.__module__ == module.__name__}
    assert {kind for kind in defined if issubclass(kind, Exception) and not issubclass(kind, DaybookError)} == set()


def test_an_engine_that_does_not_answer_is_named_by_its_address() -> None:
    assert sentence(NoConnectionError(REFUSED)) == "http://127.0.0.1:21002 does not answer; `daybook status` shows the engines"


def test_of_a_java_stack_trace_only_the_last_cause_is_told() -> None:
    error = RuntimeError("An error occurred\nCaused by: a.B: middle\n\tat c.D\nCaused by: e.F: no such table\n\tat g.H\n")
    assert sentence(error) == "e.F: no such table"


def test_a_missing_file_is_named() -> None:
    assert sentence(FileNotFoundError(2, "No such file or directory", "/x")) == "/x: No such file or directory"
