"""JSON spelled out member by member, as no serializer would write it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Spelled(NamedTuple):
    """A value as its JSON text, taken as it is."""

    text: str


def spell(members: Iterable[tuple[str, Any]], *, blanks: bool) -> bytes:
    """An object with these members in this order, repeated names included.

    >>> spell([("a", Spelled("007")), ("a", None)], blanks=False)
    b'{"a":007,"a":null}'
    """
    colon, comma = (" : ", " ,\n") if blanks else (":", ",")
    texts = [f"{json.dumps(name)}{colon}{value.text if isinstance(value, Spelled) else json.dumps(value)}" for name, value in members]
    return f"{{{comma.join(texts)}}}".encode("utf-8", "surrogatepass")
