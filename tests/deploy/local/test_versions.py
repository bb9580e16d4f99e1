"""The committed lists agree with each other."""

from pathlib import Path

import pytest

from deploy.local import checksums, versions
from deploy.local.versions import Artifact, Group

VERSIONS = versions.load()


def test_every_listed_artifact_has_a_checksum() -> None:
    wanted = {f"{group.name}/{artifact.file_name}" for group in VERSIONS.groups.values() for artifact in group.artifacts}
    assert wanted <= checksums.load().keys()


def test_every_checksum_belongs_to_a_group() -> None:
    assert {name.split("/")[0] for name in checksums.load()} == {*VERSIONS.groups, "pyflink"}


def test_every_engine_says_which_java_it_needs() -> None:
    assert VERSIONS.java.keys() == VERSIONS.groups.keys() - {"connect"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("g:a:1", Artifact("g", "a", "1", "jar", "")),
        ("g:a:1:zip", Artifact("g", "a", "1", "zip", "")),
        ("g:a:1:tar.gz:all", Artifact("g", "a", "1", "tar.gz", "all")),
    ],
)
def test_coordinates_may_leave_out_type_and_classifier(text: str, expected: Artifact) -> None:
    assert versions.parse_artifact(text) == expected


def test_a_change_of_version_is_another_folder_of_the_cache() -> None:
    older, newer = (Group("g", (versions.parse_artifact(f"g:a:{version}"),), transitive=False, optional=False) for version in "12")
    assert older.folder != newer.folder


def test_no_address_of_a_repository_is_written_down() -> None:
    assert "://" not in Path(versions.VERSIONS).read_text(encoding="utf-8")
