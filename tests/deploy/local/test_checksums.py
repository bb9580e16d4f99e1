"""One changed byte is enough."""

from pathlib import Path

import pytest

from deploy.local import checksums
from deploy.local.checksums import ChecksumError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "engine" / "unpacked" / "lib").mkdir(parents=True)
    (tmp_path / "engine" / "one.jar").write_bytes(b"one")
    (tmp_path / "engine" / "unpacked" / "lib" / "two.jar").write_bytes(b"two")
    return tmp_path / "engine"


@pytest.fixture
def recorded(folder: Path, tmp_path: Path) -> Path:
    path = tmp_path / "checksums.txt"
    checksums.record(checksums.measure(folder, "engine"), "engine", path)
    return path


def test_what_was_recorded_is_accepted(folder: Path, recorded: Path) -> None:
    checksums.verify(checksums.measure(folder, "engine"), "fetch", recorded)


@pytest.mark.parametrize("name", ["one.jar", "unpacked/lib/two.jar"])
def test_a_flipped_byte_is_refused(folder: Path, recorded: Path, name: str) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(bytes([content[0] ^ 1]) + content[1:])
    with pytest.raises(ChecksumError, match=r"engine/.*: differs from its checksum; fetch"):
        checksums.verify(checksums.measure(folder, "engine"), "fetch", recorded)


@pytest.mark.parametrize("name", ["new.jar", "unpacked/lib/new.jar"])
def test_an_additional_file_is_refused(folder: Path, recorded: Path, name: str) -> None:
    (folder / name).write_bytes(b"")
    with pytest.raises(ChecksumError):
        checksums.verify(checksums.measure(folder, "engine"), "fetch", recorded)


def test_recording_one_group_keeps_the_lines_of_the_others(recorded: Path) -> None:
    before = checksums.load(recorded)
    checksums.record({"other/three.jar": "0" * 64}, "other", recorded)
    assert checksums.load(recorded) == {**before, "other/three.jar": "0" * 64}


def test_recording_a_group_forgets_its_old_files(recorded: Path) -> None:
    checksums.record({"engine/four.jar": "0" * 64}, "engine", recorded)
    assert list(checksums.load(recorded)) == ["engine/four.jar"]
