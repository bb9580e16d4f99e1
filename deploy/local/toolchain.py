"""Finds the Java releases and Maven on this machine, or says in one sentence what is missing."""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.failures import SetupError

INSTALLED = (Path("/usr/lib/jvm"), Path("/opt/java"), Path.home() / ".sdkman" / "candidates" / "java")


class ToolMissingError(SetupError):
    """A program that the stack needs is not installed, or not where it was looked for."""


@dataclass(frozen=True)
class Java:
    """One installed Java development kit."""

    home: Path
    release: int

    @property
    def executable(self) -> str:
        """Path of the `java` program."""
        return str(self.home / "bin" / "java")


def find_java(minimum: int, purpose: str, environment: Mapping[str, str], installed: tuple[Path, ...] = INSTALLED) -> Java:
    """The first Java development kit of at least `minimum`, wherever the user pointed to first.

    Looks at JAVA<minimum>_HOME, JAVA_HOME, PATH, then the usual folders (lowest release first).
    Raises ToolMissingError when there is none.
    """
    for java in _candidates(minimum, environment, installed):
        if java.release >= minimum:
            return java
    message = f"{purpose} needs a Java {minimum} or newer development kit and none was found: install one, or set JAVA{minimum}_HOME to its folder"
    raise ToolMissingError(message)


def find_maven(environment: Mapping[str, str]) -> str:
    """Path of Maven's `mvn`, from MAVEN_HOME or PATH. Raises ToolMissingError when there is none."""
    folder = environment.get("MAVEN_HOME")
    found = shutil.which("mvn", path=f"{folder}/bin" if folder else environment.get("PATH", ""))
    if found is None:
        message = "fetching the engines needs Maven and no `mvn` was found: install it, or set MAVEN_HOME to its folder"
        raise ToolMissingError(message)
    return found


def _candidates(minimum: int, environment: Mapping[str, str], installed: tuple[Path, ...]) -> Iterator[Java]:
    named = [environment.get(f"JAVA{minimum}_HOME"), environment.get("JAVA_HOME")]
    found = [_inspect(Path(folder)) for folder in named if folder]
    on_path = shutil.which("java", path=environment.get("PATH", ""))
    if on_path:
        found.append(_inspect(Path(os.path.realpath(on_path)).parents[1]))
    yield from filter(None, found)
    folders = [folder for root in installed if root.is_dir() for folder in sorted(root.iterdir())]
    yield from sorted(filter(None, map(_inspect, folders)), key=lambda java: java.release)


def _inspect(folder: Path) -> Java | None:
    """Read the release from the kit's own file: cheaper than starting it, and free of side effects."""
    # Without a compiler it is a runtime only, which cannot start the catalog from its source.
    if not all(os.access(folder / "bin" / program, os.X_OK) for program in ("java", "javac")):
        return None
    try:
        text = (folder / "release").read_text(encoding="utf-8")
    except OSError:
        return None
    match = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', text, re.MULTILINE)
    return Java(folder, int(match[1])) if match else None
