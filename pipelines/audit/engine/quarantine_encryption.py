"""Quarantined bytes, encrypted at rest with the configured key."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from contracts.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

NONCE_BYTES = 12


class QuarantineKeyError(ConfigurationError):
    """The key cannot be read, or does not open what is asked; the message names the file."""


class QuarantineCipher:
    """AES-256-GCM with one key of 32 bytes; a sealed text is its nonce followed by the cipher text."""

    def __init__(self, key_file: Path) -> None:
        """Read the key, 64 hexadecimal digits.

        Raises:
            QuarantineKeyError: there is no such file, or it holds no key.
        """
        try:
            self._cipher = AESGCM(bytes.fromhex(key_file.read_text("utf-8").strip()))
        except (OSError, ValueError) as error:
            message = f"{key_file}: holds no quarantine key of 64 hexadecimal digits; `daybook apply` makes one"
            raise QuarantineKeyError(message) from error
        self._name = str(key_file)

    def seal(self, plain: bytes | None) -> bytes | None:
        """Encrypt; None stays None."""
        if plain is None:
            return None
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, None)

    def open(self, sealed: bytes | None) -> bytes | None:
        """Decrypt; None stays None.

        Raises:
            QuarantineKeyError: it was sealed with another key or has been changed.
        """
        if sealed is None:
            return None
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)
        except InvalidTag as error:
            message = f"{self._name}: does not open this record"
            raise QuarantineKeyError(message) from error
