"""`daybook quarantine`: the records that broke their contract, where they are and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from contracts.identifiers import literal
from pipelines.cli.output import cell, json_option, say, say_json, show_table
from pipelines.workspace import workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from pipelines.settings import Settings

LISTED = ("topic", "partition", "offset", "appended_at", "reason", "field")
EXAMPLES = """\b
Examples:
  daybook quarantine                                    the newest twenty
  daybook quarantine --topic runs.v1 --reason wrong_type --limit 100
  daybook quarantine show runs.v1 0 4711
  daybook quarantine summary"""


@click.group(invoke_without_command=True, epilog=EXAMPLES)
@click.option("--topic", help="Only of this topic.")
@click.option("--reason", help="Only with this reason code.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many, newest first.")
@json_option
@click.pass_context
def quarantine(ctx: click.Context, *, topic: str | None, reason: str | None, limit: int, as_json: bool) -> None:
    """List quarantined records, newest first, without their content."""
    if ctx.invoked_subcommand:
        _refuse_options(ctx)
        return
    condition = {"topic": topic, "reason": reason}
    rows = _read(workspace().settings, LISTED, {name: value for name, value in condition.items() if value is not None})
    newest = rows.sort_by([("appended_at", "descending"), ("offset", "descending")]).slice(0, limit).to_pylist()
    if as_json:
        say_json(newest)
    else:
        _show(newest, LISTED, "partition", "offset")
        if rows.num_rows > limit:
            say(f"the newest {limit:,} of {rows.num_rows:,}; --limit shows more")


@quarantine.command(epilog="\b\nExample:\n  daybook quarantine show runs.v1 0 4711")
@click.argument("topic")
@click.argument("partition", type=click.IntRange(0))
@click.argument("offset", type=click.IntRange(0))
@json_option
def show(topic: str, partition: int, offset: int, *, as_json: bool) -> None:
    """Decrypt one quarantined record and say why it is here."""
    from pipelines.audit.engine.quarantine_encryption import QuarantineCipher

    settings = workspace().settings
    found = _read(settings, ("*",), {"topic": topic, "partition": partition, "offset": offset}).to_pylist()
    if not found:
        message = f"{topic}/{partition}: offset {offset} is not quarantined"
        raise click.ClickException(message)
    cipher = QuarantineCipher(settings.key_file)
    record = {**found[0], **{name: cipher.open(found[0][name]) for name in ("key", "value")}}
    if as_json:
        say_json({name: _legible(value) for name, value in record.items()})
        return
    for name, value in record.items():
        say(f"{name:<17} {cell(_legible(value))}")


@quarantine.command(epilog="\b\nExample:\n  daybook quarantine summary --json")
@json_option
def summary(*, as_json: bool) -> None:
    """Count quarantined records by topic, reason and field."""
    groups = ("topic", "reason", "field")
    counted = _read(workspace().settings, groups, {}).group_by(list(groups)).aggregate([([], "count_all")])
    rows = counted.rename_columns([*groups, "records"]).sort_by([("topic", "ascending"), ("records", "descending")]).to_pylist()
    if as_json:
        say_json(rows)
    else:
        _show(rows, (*groups, "records"), "records")


def _refuse_options(ctx: click.Context) -> None:
    """Options of the list do nothing for a subcommand, and must not seem to."""
    for name in ctx.params:
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            message = f"--{name.removeprefix('as_')} before {ctx.invoked_subcommand} has no meaning"
            raise click.UsageError(message)


def _read(settings: Settings, columns: tuple[str, ...], condition: dict[str, Any]) -> pa.Table:
    """Rows of the audited snapshot; what a dead audit left beyond it does not count."""
    from connectors.iceberg.tables import AUDITED, connect
    from contracts.datasets import QUARANTINE

    table = connect(settings.endpoints.catalog).load_table(QUARANTINE)
    wanted = " AND ".join(f"{name} = {_literal(value)}" for name, value in condition.items()) or "true"
    return table.scan(row_filter=wanted, selected_fields=columns, snapshot_id=table.metadata.refs[AUDITED].snapshot_id).to_arrow()


def _literal(value: str | int) -> str:
    """A value in pyiceberg's filter language, whose texts double their quotes."""
    return str(value) if isinstance(value, int) else literal(value)


def _show(rows: Sequence[dict[str, Any]], columns: Sequence[str], *numbers: str) -> None:
    if rows:
        show_table([name.upper() for name in columns], [[row[name] for name in columns] for row in rows], [name.upper() for name in numbers])
    else:
        say("nothing is quarantined")


def _legible(value: object) -> object:
    """Bytes as text; those that are not UTF-8 with their escapes."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
