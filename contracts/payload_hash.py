"""A 64-bit hash of what a record tells: two deliveries of one event with another payload have another one.

Each landed value is hashed with its field's name (FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/), stirred by the finaliser of
MurmurHash3 and added up, so that neither the order of keys nor fields added later to a contract change the hash of what was sent before.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Value = str | int | float | bool
"""A landed value; a time is an integer of epoch milliseconds, money one of billionths of a dollar."""
_OFFSET_BASIS, _PRIME = 0xCBF29CE484222325, 0x100000001B3
_MASK = 2**64 - 1


def seed_of(name: str) -> int:
    """State of the hash after a field's name; the same for each of its values."""
    return _fnv1a(_OFFSET_BASIS, name.encode() + b"\0")


def payload_hash(values: Mapping[str, Value], seeds: Mapping[str, int]) -> int:
    """Return the hash, signed, of landed values by field name; `seeds` has the seed of each of these names."""
    total = sum(_stirred(_fnv1a(seeds[name], _bytes_of(value))) for name, value in values.items()) & _MASK
    return total - 2**64 if total >> 63 else total


def _bytes_of(value: Value) -> bytes:
    match value:
        case str():
            return value.encode()
        case bool():
            return b"\1" if value else b"\0"
        case int():
            return value.to_bytes(8, "big", signed=True)
        case float():
            return struct.pack(">d", value)


def _fnv1a(state: int, content: bytes) -> int:
    for byte in content:
        state = (state ^ byte) * _PRIME & _MASK
    return state


def _stirred(state: int) -> int:
    state = (state ^ state >> 33) * 0xFF51AFD7ED558CCD & _MASK
    state = (state ^ state >> 33) * 0xC4CEB9FE1A85EC53 & _MASK
    return state ^ state >> 33
