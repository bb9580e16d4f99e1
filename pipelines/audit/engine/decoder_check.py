"""A journaled row held against the record it was decoded from, so that an error of the decoder cannot hide."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.instants import epoch_ms
from contracts.model import NANO
from transforms.source import decoded_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from contracts.model import Field, Stream
    from contracts.validator import Decoded


def misread_fields(stream: Stream, row: Mapping[str, Any], decoded: Decoded) -> list[str]:
    """Columns of a journal's row that are not what the validator decodes the record to."""
    wanted = {**decoded.values, "payload_hash": decoded.payload_hash, "undeclared_keys": decoded.undeclared_keys}
    return [field.name for field in decoded_fields(stream) if _decoded_form(field, row[field.name]) != wanted.get(field.name)]


def _decoded_form(field: Field, landed: Any) -> Any:
    """A landed value as the decoder gives it: times in epoch milliseconds, money in billionths of a dollar."""
    if landed is None:
        return None
    return epoch_ms(landed) if field.type == "time" else int(landed * NANO) if field.type == "money" else landed
