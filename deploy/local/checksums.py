"""The committed list of SHA-256 checksums, and its comparison with files in the cache.

An unpacked archive has one line, whose path ends in a slash: the checksum of the sorted list of its files.
"""

import hashlib
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.local.failures import DeployError

CHECKSUMS = Path(__file__).with_name("checksums.txt")


class ChecksumError(DeployError):
    """A file is not the one that was recorded."""


def load(path: Path = CHECKSUMS) -> dict[str, str]:
    """Checksum by path, as `sha256sum` would list them; empty when there is no list."""
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {name: checksum for checksum, name in (line.split("  ", 1) for line in lines)}


def record(measured: Mapping[str, str], group: str, path: Path = CHECKSUMS) -> None:
    """Replace the lines of a group by `measured`; other groups keep theirs."""
    kept = {name: checksum for name, checksum in load(path).items() if not name.startswith(f"{group}/")}
    lines = [f"{checksum}  {name}\n" for name, checksum in sorted({**kept, **measured}.items())]
    path.write_text("".join(lines), encoding="utf-8")


def verify(measured: Mapping[str, str], remedy: str, path: Path = CHECKSUMS) -> None:
    """Raise ChecksumError, with the remedy, for the first file that differs from, or is not in, the list."""
    expected = load(path)
    for name, checksum in measured.items():
        if expected.get(name) != checksum:
            reason = "is not in the list of checksums" if name not in expected else "differs from its checksum"
            message = f"{name}: {reason}; {remedy}"
            raise ChecksumError(message)


def measure(folder: Path, group: str) -> dict[str, str]:
    """Checksum of every file and every unpacked archive directly below a group's folder."""
    trees = {entry: sorted(_files(entry)) for entry in sorted(folder.iterdir())}
    paths = [path for tree in trees.values() for path in tree]
    # Hashing releases the interpreter's lock: two threads use two cores.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        hashed = dict(zip(paths, pool.map(hash_file, paths), strict=True))
    measured = {}
    for entry, tree in trees.items():
        if entry.is_dir():
            listing = "".join(f"{hashed[path]}  {path.relative_to(entry).as_posix()}\n" for path in tree)
            measured[f"{group}/{entry.name}/"] = hashlib.sha256(listing.encode()).hexdigest()
        else:
            measured[f"{group}/{entry.name}"] = hashed[entry]
    return measured


def hash_file(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(entry: Path) -> list[Path]:
    return [path for path in entry.rglob("*") if path.is_file()] if entry.is_dir() else [entry]
