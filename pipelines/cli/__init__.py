"""The command line `daybook`: one module per group of commands.

Whatever a command needs of engines is imported inside it, so that help and a wrong option are answered at once.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from pipelines.cli import audit, contracts, jobs, quarantine, sql, status, traffic
from pipelines.cli.quiet import quiet
from pipelines.failures import exit_code, sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

WRONG_USAGE = 2
EXAMPLES = """\b
Examples:
  daybook apply                              topics, tables, views
  daybook simulate --rate 200 --duration 60
  daybook audit --once
  daybook sql "SELECT * FROM serving.dataset_status"
  daybook status

\b
Exit codes: 0 well, 1 something was found or failed, 2 wrong usage or configuration.
Every setting is an environment variable DAYBOOK_<NAME>; DAYBOOK_HOME is the run directory."""


@click.group(epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="daybook")
def daybook() -> None:
    """The lakehouse of record for AI-agent platforms."""


for command in (jobs.plan, jobs.apply, jobs.run, jobs.deploy, traffic.import_, traffic.simulate, audit.audit):
    daybook.add_command(command)
for command in (status.status, sql.sql, quarantine.quarantine, contracts.contracts):
    daybook.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; an error is one sentence on standard error."""
    quiet()
    try:
        code = daybook.main(arguments, prog_name="daybook", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return WRONG_USAGE
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "daybook"
        click.echo(f"{error.format_message().rstrip('.')}; see `{path} --help`", err=True)
        return WRONG_USAGE
    except click.ClickException as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        return 1
    except BrokenPipeError:
        # The reader has seen enough; without this the interpreter complains while it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        code = exit_code(error)
        if code is None:
            raise
        click.echo(sentence(error), err=True)
    return int(code or 0)
