"""Fetching with a Maven that is a shell script: complete or not at all."""

import hashlib
import os
import zipfile
from pathlib import Path

import pytest

from deploy.local import checksums, fetch, versions
from deploy.local.checksums import ChecksumError
from deploy.local.maven import FetchError, render_project
from deploy.local.versions import Group, Versions

CATALOG = versions.load().groups["catalog"]
# The beginning of a Maven that leaves files where it is told to.
COPY = "for last; do case $last in -DoutputDirectory=*) d=${last#*=};; esac; done; mkdir -p $d;"
PLAN = Versions({"catalog": CATALOG}, {}, "plugin:1")


def environment_with_maven(tmp_path: Path, script: str) -> dict[str, str]:
    maven = tmp_path / "maven" / "bin" / "mvn"
    maven.parent.mkdir(parents=True)
    maven.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    maven.chmod(0o755)
    return {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache"), "MAVEN_HOME": str(tmp_path / "maven")}


def cached(tmp_path: Path) -> list[str]:
    return [path.name for path in (tmp_path / "cache" / "daybook" / "engines").iterdir() if path.is_dir()]


def test_a_failing_maven_is_one_sentence_with_its_first_error(tmp_path: Path) -> None:
    environment = environment_with_maven(tmp_path, "echo '[ERROR] no network'; echo '[ERROR] more'; exit 1")
    with pytest.raises(FetchError, match=r"^catalog: Maven could not fetch it \(no network\)$"):
        fetch.fetch(PLAN, [CATALOG], environment)
    assert cached(tmp_path) == []


def test_a_download_that_differs_from_its_checksum_is_not_installed(tmp_path: Path) -> None:
    (artifact,) = CATALOG.artifacts
    script = f"{COPY} echo x > $d/{artifact.file_name}"
    with pytest.raises(ChecksumError, match="differs from its checksum; nothing was installed"):
        fetch.fetch(PLAN, [CATALOG], environment_with_maven(tmp_path, script))
    assert cached(tmp_path) == []


def test_a_changed_file_in_the_cache_is_refused_on_every_call(tmp_path: Path) -> None:
    environment = environment_with_maven(tmp_path, "exit 1")
    folder = fetch.cache_directory(environment) / CATALOG.folder
    folder.mkdir(parents=True)
    (folder / CATALOG.artifacts[0].file_name).write_bytes(b"x")
    with pytest.raises(ChecksumError, match=f"delete {folder} and fetch it again"):
        fetch.fetch(PLAN, [CATALOG], environment)


def test_only_a_transitive_group_brings_dependencies_along() -> None:
    alone, transitive = (Group("g", (versions.parse_artifact("g:a:1"),), transitive=value, optional=False) for value in (False, True))
    assert "<exclusion>" in render_project(alone)
    assert "<exclusion>" not in render_project(transitive)


def test_optional_groups_are_fetched_only_when_asked_for() -> None:
    chosen = versions.load()
    assert "registry" not in {group.name for group in fetch.chosen_groups(chosen, [])}
    assert "registry" in {group.name for group in fetch.chosen_groups(chosen, ["registry"])}


def test_archives_are_unpacked_without_their_only_top_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trino's plugin has names with two dots in a row, which not every unpacker likes."""
    with zipfile.ZipFile(tmp_path / "a-1.zip", "w") as archive:
        archive.writestr("a-1/com....x.jar", "x")
    group = Group("g", (versions.parse_artifact("g:a:1:zip"),), transitive=False, optional=False)
    environment = environment_with_maven(tmp_path, f"{COPY} cp {tmp_path}/a-1.zip $d")
    listed = {"g/a-1.zip": checksums.hash_file(tmp_path / "a-1.zip")}
    listed["g/a/"] = hashlib.sha256(f"{hashlib.sha256(b'x').hexdigest()}  com....x.jar\n".encode()).hexdigest()
    monkeypatch.setattr(checksums, "load", lambda *_: listed)
    folder = fetch.fetch(PLAN, [group], environment)["g"]
    assert (folder / "a" / "com....x.jar").read_text() == "x"
