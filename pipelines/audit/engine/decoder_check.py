"""A journaled row held against the record it was decoded from, so that an error of the decoder cannot hide."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from connectors.instants import epoch_ms
from contracts.model import NANO

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contracts.model import Field, Stream


def misread_fields(stream: Stream, row: Mapping[str, Any], texts: Mapping[str, str]) -> list[str]:
    """Fields whose landed value is not what the record's text form says; the text of `attributes` may be spelled differently."""
    return [name for name, field in stream.fields.items() if field.type != "object" and not _same(field, row[name], texts.get(name))]


def _same(field: Field, landed: Any, text: str | None) -> bool:
    if text is None or landed is None:
        return text is None and landed is None
    match field.type:
        case "integer":
            return bool(landed == int(text))
        case "time":
            return bool(epoch_ms(landed) == int(text))
        case "number":
            return bool(landed == float(text))
        case "money":
            return bool(landed == Decimal(int(float(text) * NANO + 0.5)) / NANO)
        case "boolean":
            return bool(landed == (text == "true"))
        case _:
            return bool(landed == text) or _same_double(landed, text)


def _same_double(landed: str, text: str) -> bool:
    """A number sent into a text field is spelled by Java, which before release 19 does not always choose the shortest form."""
    try:
        return float(landed) == float(text)
    except ValueError:
        return False
