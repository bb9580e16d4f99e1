"""Quarantined bytes at rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.audit.vault import Vault, VaultError


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "quarantine.key"
    path.write_text("ab" * 32 + "\n")
    return path


@pytest.mark.parametrize("plain", [b"", b"\x00\xff", b"x" * 1_000_000, None])
def test_what_is_sealed_can_be_opened(key_file: Path, plain: bytes | None) -> None:
    vault = Vault(key_file)
    assert vault.open(vault.seal(plain)) == plain


def test_the_same_bytes_are_never_sealed_alike(key_file: Path) -> None:
    vault = Vault(key_file)
    assert vault.seal(b"plain") != vault.seal(b"plain")


def test_another_key_does_not_open_it(key_file: Path) -> None:
    sealed = Vault(key_file).seal(b"plain")
    key_file.write_text("cd" * 32)
    with pytest.raises(VaultError, match=r"quarantine\.key: does not open this record"):
        Vault(key_file).open(sealed)


def test_a_changed_byte_does_not_open(key_file: Path) -> None:
    vault = Vault(key_file)
    sealed = vault.seal(b"plain") or b""
    with pytest.raises(VaultError, match="does not open this record"):
        vault.open(sealed[:-1] + bytes([sealed[-1] ^ 1]))


@pytest.mark.parametrize("content", ["", "xyz", "ab" * 5])
def test_a_file_without_a_key_is_refused(key_file: Path, content: str) -> None:
    key_file.write_text(content)
    with pytest.raises(VaultError, match="holds no quarantine key of 64 hexadecimal digits"):
        Vault(key_file)


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="holds no quarantine key"):
        Vault(tmp_path / "nowhere")
