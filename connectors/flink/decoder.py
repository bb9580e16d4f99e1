"""The strict decoder of events, a Flink format in one Java source: which one a statement set is planned with, and its jar."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from contracts.errors import ConfigurationError

SOURCE = Path(__file__).with_name("DaybookJson.java")
FORMAT = "daybook-json"
"""Name of the format in a table's options."""


class DecoderError(ConfigurationError):
    """The decoder has not been compiled on this machine."""


@cache
def source_hash() -> str:
    """First 12 hexadecimal digits of the SHA-256 of the source: the decoder's version in table options and in its jar."""
    return hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]


def jar_in(decoders: Path) -> Path:
    """The decoder's jar in the folder of compiled decoders.

    Raises:
        DecoderError: it is not there.
    """
    jar = decoders / f"{FORMAT}-{source_hash()}.jar"
    if not jar.is_file():
        message = f"{jar}: not there; compile the decoder with `python -m deploy.local fetch`"
        raise DecoderError(message)
    return jar
