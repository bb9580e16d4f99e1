"""Quarantined bytes at rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.audit.engine.quarantine_encryption import QuarantineCipher, QuarantineKeyError


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "quarantine.key"
    path.write_text("ab" * 32 + "\n")
    return path


@pytest.mark.parametrize("plain", [b"", b"\x00\xff", b"x" * 1_000_000, None])
def test_what_is_sealed_can_be_opened(key_file: Path, plain: bytes | None) -> None:
    cipher = QuarantineCipher(key_file)
    assert cipher.open(cipher.seal(plain)) == plain


def test_the_same_bytes_are_never_sealed_alike(key_file: Path) -> None:
    cipher = QuarantineCipher(key_file)
    assert cipher.seal(b"plain") != cipher.seal(b"plain")


def test_another_key_does_not_open_it(key_file: Path) -> None:
    sealed = QuarantineCipher(key_file).seal(b"plain")
    key_file.write_text("cd" * 32)
    with pytest.raises(QuarantineKeyError, match=r"quarantine\.key: does not open this record"):
        QuarantineCipher(key_file).open(sealed)


def test_a_changed_byte_does_not_open(key_file: Path) -> None:
    cipher = QuarantineCipher(key_file)
    sealed = cipher.seal(b"plain") or b""
    with pytest.raises(QuarantineKeyError, match="does not open this record"):
        cipher.open(sealed[:-1] + bytes([sealed[-1] ^ 1]))


@pytest.mark.parametrize("content", ["", "xyz", "ab" * 5])
def test_a_file_without_a_key_is_refused(key_file: Path, content: str) -> None:
    key_file.write_text(content)
    with pytest.raises(QuarantineKeyError, match="holds no quarantine key of 64 hexadecimal digits"):
        QuarantineCipher(key_file)


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(QuarantineKeyError, match="holds no quarantine key"):
        QuarantineCipher(tmp_path / "nowhere")
