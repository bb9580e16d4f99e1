"""Event-level facts in Trino SQL: the audited journal without repeats and canaries, in an explicit column list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.identifiers import quote

if TYPE_CHECKING:
    from contracts.model import Fact, Stream


def fact_columns(stream: Stream, fact: Fact) -> dict[str, str]:
    """Columns of a fact and their meaning: the envelope, what its event types carry, where the delivery came from."""
    carried = {name for event in fact.events for name in stream.event_types[event].carried}
    own = [name for name in stream.fields if name in stream.envelope or name in carried]
    return {name: stream.fields[name].description for name in own if name != "is_canary"} | {name: field.description for name, field in stream.landing.items()}


def fact_query(stream: Stream, fact: Fact) -> str:
    """The query of a fact's view. The journal is named first: tags move in the opposite order."""
    columns = ",\n".join(f"  delivered.{quote(name, chr(34))}" for name in fact_columns(stream, fact))
    events = ", ".join(f"'{event}'" for event in fact.events)
    where = f" AND delivered.{fact.where}" if fact.where else ""
    return f"""SELECT
{columns}
FROM lake.{stream.journal} FOR VERSION AS OF 'audited' AS delivered
LEFT JOIN (
  SELECT "partition", "offset", appended_at
  FROM lake.{stream.duplicates} FOR VERSION AS OF 'audited'
) AS repeated
  ON repeated."partition" = delivered."partition" AND repeated."offset" = delivered."offset" AND repeated.appended_at = delivered.appended_at
WHERE repeated."offset" IS NULL AND delivered.event_type IN ({events}){where}"""
