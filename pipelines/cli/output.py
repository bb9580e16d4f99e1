"""Answers on standard output: lines, tables for people, JSON for programs. Progress goes to standard error."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TextIO

import click

from connectors.instants import instant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.progress import Progress

UNBOUNDED = 10_000


def say(text: str) -> None:
    """One line, at once even through a pipe."""
    click.echo(text)


def say_at(text: str, file: TextIO | None = None) -> None:
    """One line of a log, with the time in front."""
    click.echo(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%SZ} {text}", file)


def say_json(document: object, *, indent: int | None = 2) -> None:
    """One JSON document; without indentation one line."""
    click.echo(json.dumps(document, indent=indent, default=_plain, ensure_ascii=False))


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """The option `--json`, given to a command as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="For programs: JSON on standard output.")(function)


def show_table(headers: Sequence[str], rows: Iterable[Sequence[object]], numbers: Iterable[str] = ()) -> None:
    """A table no wider than the terminal, or as wide as it must be in a pipe; columns in `numbers` are aligned to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    right = set(numbers)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for header in headers:
        table.add_column(header, justify="right" if header in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(value)) for value in row))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else UNBOUNDED)
    console.width = min(console.width, console.measure(table).maximum)
    console.print(table)


def cell(value: object) -> str:
    """A value as a person reads it; None is a dash."""
    match value:
        case None:
            return "-"
        case datetime():
            return moment(value)
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}"
        case Decimal():
            return f"{value:f}"
        case bytes():
            return value.hex()
        case _:
            return printable(str(value))


def moment(value: datetime) -> str:
    """A time in UTC, to the millisecond."""
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + "Z"


def clock(epoch_ms: int | None) -> str:
    """Epoch milliseconds as a time of today, or with the day when it was another."""
    if epoch_ms is None or epoch_ms < 0:
        return "never"
    at = instant(epoch_ms)
    return f"{at:%H:%M:%S}" if at.date() == datetime.now(UTC).date() else f"{at:%Y-%m-%d %H:%M:%S}"


def iso(epoch_ms: int | None) -> str | None:
    """Epoch milliseconds for a program."""
    return None if epoch_ms is None or epoch_ms < 0 else instant(epoch_ms).isoformat()


def printable(text: str) -> str:
    """The text with control characters spelled out: what others sent must not steer a terminal."""
    return "".join(one if one.isprintable() or one in "\n\t" else one.encode("unicode_escape").decode() for one in text)


def counts(numbers: dict[str, int]) -> str:
    """`3 duplicate, 1 late`, without zeros."""
    return ", ".join(f"{number:,} {name}" for name, number in numbers.items() if number)


def progress_bar() -> Progress:
    """A progress bar on standard error, which leaves nothing behind."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn()
    return Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def _plain(value: object) -> object:
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat()
        case bytes():
            return value.hex()
        case Decimal():
            return f"{value:f}"
        case _:
            return str(value)
