"""What an error means to whoever started something: one sentence, an exit code, and whether to try again.

Errors of ours say so themselves. Those of libraries are recognized by name, because importing every engine's client to know its
errors would cost each command a second.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from contracts.errors import DaybookError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Judgement(NamedTuple):
    """What a library's error means: the exit code of a command, and whether the same call may work a little later."""

    exit_code: int
    is_transient: bool


REFUSED = Judgement(exit_code=1, is_transient=False)
PASSING = Judgement(exit_code=1, is_transient=True)
"""An engine is down or busy, or another process came first."""
FOREIGN: Mapping[str, Judgement] = {
    "_duckdb.IOException": PASSING,
    "builtins.OSError": REFUSED,
    "cimpl.KafkaException": PASSING,
    "py4j.protocol.Py4JError": REFUSED,
    "pyflink.util.exceptions.TableException": REFUSED,
    "pyiceberg.exceptions.BadRequestError": REFUSED,
    "pyiceberg.exceptions.CommitFailedException": PASSING,
    "pyiceberg.exceptions.ForbiddenError": REFUSED,
    "pyiceberg.exceptions.NoSuchNamespaceError": REFUSED,
    "pyiceberg.exceptions.NoSuchTableError": REFUSED,
    "pyiceberg.exceptions.RESTError": PASSING,
    "pyiceberg.exceptions.UnauthorizedError": REFUSED,
    "requests.exceptions.RequestException": PASSING,
}
"""Errors of libraries, by the name of the class that raises them or of one that it derives from; the nearest decides."""

_POOL = re.compile(r"(?P<scheme>HTTPS?)ConnectionPool\(host='(?P<host>[^']+)', port=(?P<port>\d+)\)")
"""How urllib3 names the server that it could not reach, in the errors of every client that is built on it."""
_CAUSE = re.compile(r"^Caused by: (.+)$", re.MULTILINE)


def exit_code(error: BaseException) -> int | None:
    """Exit code of an error that we know, None for one that is a bug of ours."""
    known = _judgement(error)
    return known and known.exit_code


def is_transient(error: BaseException) -> bool:
    """True when an engine was away or busy, so that trying again is right."""
    known = _judgement(error)
    return known is not None and known.is_transient


def sentence(error: BaseException) -> str:
    """The error in one line."""
    names = set(_names(error))
    if "requests.exceptions.RequestException" in names or _POOL.search(str(error)):
        return f"{_address(error)} does not answer; `daybook status` shows the engines"
    if "cimpl.KafkaException" in names:
        cause = error.args[0] if error.args else error
        return f"Kafka: {cause.str() if hasattr(cause, 'str') else cause}"
    if names & {"pyiceberg.exceptions.NoSuchTableError", "pyiceberg.exceptions.NoSuchNamespaceError"}:
        return f"{_line(str(error))}; `daybook apply` makes what is missing"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    causes = _CAUSE.findall(str(error))
    return _line(causes[-1] if causes else str(error)) or type(error).__name__


def _judgement(error: BaseException) -> Judgement | None:
    if isinstance(error, DaybookError):
        return Judgement(error.exit_code, error.is_transient)
    return next((FOREIGN[name] for name in _names(error) if name in FOREIGN), None)


def _names(error: BaseException) -> Iterator[str]:
    return (f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__)


def _address(error: BaseException) -> str:
    found = _POOL.search(str(error))
    return f"{found['scheme'].lower()}://{found['host']}:{found['port']}" if found else "an engine"


def _line(text: str) -> str:
    """The first line with something in it."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
