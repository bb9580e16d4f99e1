"""Brings the engines into the per-user cache, one folder per group, complete or not at all."""

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

from deploy.local import checksums, maven
from deploy.local.versions import Artifact, Group, Versions

_NOT_INSTALLED = "nothing was installed (after a change of versions, `fetch --record` rewrites the list)"


def cache_directory(environment: Mapping[str, str]) -> Path:
    """The folder of all engines, shared by all stacks of a user."""
    root = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "daybook" / "engines"


def chosen_groups(versions: Versions, extra: Iterable[str]) -> list[Group]:
    """The groups that every stack needs, and the optional ones asked for."""
    return [group for group in versions.groups.values() if not group.optional or group.name in extra]


def fetch(versions: Versions, groups: Iterable[Group], environment: Mapping[str, str]) -> dict[str, Path]:
    """Make sure that the groups are in the cache and return the folder of each.

    May be repeated and interrupted: a group appears under its final name only when it is complete.
    Every file is compared with the committed checksums, on every call. Raises ChecksumError,
    FetchError or ToolMissingError.
    """
    cache = cache_directory(environment)
    cache.mkdir(parents=True, exist_ok=True)
    folders = {}
    for group in groups:
        folder = cache / group.folder
        if not folder.exists():
            with _locked(cache / f"{group.name}.lock"):
                if not folder.exists():
                    _install(group, folder, versions, environment)
        checksums.verify(checksums.measure(folder, group.name), f"delete {folder} and fetch it again")
        folders[group.name] = folder
    return folders


def record(versions: Versions, groups: Iterable[Group], environment: Mapping[str, str]) -> None:
    """Resolve the groups anew and write what arrives into the list of checksums; the cache stays as it is."""
    for group in groups:
        with tempfile.TemporaryDirectory(prefix=f"daybook-{group.name}-") as scratch:
            files = Path(scratch) / "files"
            maven.resolve(group, files, versions, environment)
            archives = checksums.measure(files, group.name)
            _unpack_all(group, files)
            checksums.record({**archives, **checksums.measure(files, group.name)}, group.name)


def _install(group: Group, folder: Path, versions: Versions, environment: Mapping[str, str]) -> None:
    with tempfile.TemporaryDirectory(prefix=f".{group.name}-", dir=folder.parent) as scratch:
        files = Path(scratch) / "files"
        maven.resolve(group, files, versions, environment)
        # Before anything is unpacked: an archive is input too.
        checksums.verify(checksums.measure(files, group.name), _NOT_INSTALLED)
        _unpack_all(group, files)
        files.rename(folder)


def _unpack_all(group: Group, files: Path) -> None:
    for artifact in group.artifacts:
        if artifact.is_archive:
            _unpack(files, artifact)


def _unpack(files: Path, artifact: Artifact) -> None:
    """Replace an archive by a folder with its artifact's name, without the single top folder many have."""
    archive, opened = files / artifact.file_name, files / ".opened"
    if artifact.type == "zip":
        # Not unpack_archive: it leaves out, silently, every name with two dots in a row.
        with zipfile.ZipFile(archive) as zipped:
            zipped.extractall(opened)
    else:
        shutil.unpack_archive(archive, opened)
    inside = list(opened.iterdir())
    (inside[0] if len(inside) == 1 else opened).rename(files / artifact.name)
    shutil.rmtree(opened, ignore_errors=True)
    archive.unlink()


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Two first starts at once download once."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        flock(descriptor, LOCK_EX)
        yield
    finally:
        os.close(descriptor)
