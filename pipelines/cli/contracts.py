"""`daybook contracts`: the contracts as documents for others, and whether they are in order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipelines.cli.output import say
from pipelines.workspace import workspace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contracts.examples import Example
    from contracts.registry import Registry

FOLDER = Path("build/contracts")


@click.group(epilog="\b\nExamples:\n  daybook contracts check\n  daybook contracts export")
def contracts() -> None:
    """Check the contracts, or write them in the formats of others."""


@contracts.command(epilog="\b\nExample:\n  daybook contracts check")
def check() -> int:
    """Load every contract, definition and example, and hold each example against its contract.

    Exit code 1 when an example passes or fails against its name, 2 when a file is wrong.
    """
    from contracts import examples

    space = workspace()
    found, definitions = space.contracts, space.definitions
    samples = examples.load(found)
    wrong = list(_contradictions(found, samples))
    for sentence in wrong:
        click.echo(sentence, err=True)
    event_types = {name for stream in found.streams.values() for name in stream.event_types}
    counted = f"{len(found.streams)} streams, {len(event_types)} event types, {len(samples)} examples"
    if not wrong:
        say(f"{counted} and {len(definitions.kpis) + len(definitions.entities)} definitions of KPIs and entities are in order")
    return 1 if wrong else 0


@contracts.command(epilog="\b\nExamples:\n  daybook contracts export\n  daybook contracts export build")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=FOLDER)
def export(folder: Path) -> None:
    """Write ODCS documents to FOLDER/odcs and JSON Schemas to FOLDER/json-schema; FOLDER is build/contracts when left out."""
    from contracts import json_schema, odcs

    found = workspace().contracts
    documents = odcs.export(found, folder / "odcs")
    schemas = json_schema.export(found, folder / "json-schema")
    say(f"{len(documents)} ODCS documents and {len(schemas)} JSON Schemas written to {folder}")


def _contradictions(registry: Registry, samples: tuple[Example, ...]) -> Iterator[str]:
    from contracts.validator import Validator

    validator = Validator(registry)
    for example in samples:
        violation = validator.check(example.stream, example.value, example.appended_ms)
        said = f"{violation.reason} of '{violation.field}'" if violation else "nothing"
        wanted = f"{example.expect.reason} of '{example.expect.field}'" if example.expect else "nothing"
        if said != wanted:
            yield f"examples/{example.event_type}/{example.situation}: the contract finds {said}, the example expects {wanted}"
