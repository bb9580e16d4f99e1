"""Compiles the strict decoder, the project's one Java source for Flink, against the Flink that is installed."""

import hashlib
import importlib.metadata
import subprocess
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from deploy.local.engines import flink_home
from deploy.local.failures import DeployError
from deploy.local.fetch import cache_directory
from deploy.local.toolchain import Java

SOURCE = Path(__file__).parents[2] / "connectors" / "flink" / "DaybookJson.java"
RELEASE = 17
_SERVICES = {"META-INF/services/org.apache.flink.table.factories.Factory": "daybook.DaybookJson$Factory\n"}


class DecoderError(DeployError):
    """The source does not compile."""


def folder(environment: Mapping[str, str]) -> Path:
    """Where the decoders lie that were compiled against the installed Flink, one jar per version of the source."""
    return cache_directory(environment) / "decoder" / f"flink-{importlib.metadata.version('apache-flink')}"


def build(java: Java, environment: Mapping[str, str], source: Path = SOURCE) -> Path:
    """Compile the source unless that was done already; returns the jar, which is named by the source's hash.

    May be repeated and interrupted: a jar appears complete or not at all. Raises DecoderError.
    """
    version = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    jar = folder(environment) / f"daybook-json-{version}.jar"
    if not jar.is_file():
        jar.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".decoder-", dir=jar.parent) as scratch:
            classes, finished = Path(scratch) / "classes", Path(scratch) / jar.name
            _compile(java, source, classes)
            _pack(classes, finished, version)
            finished.replace(jar)
    return jar


def _compile(java: Java, source: Path, classes: Path) -> None:
    compiler = str(java.home / "bin" / "javac")
    options = ("--release", str(RELEASE), "-encoding", "UTF-8", "-proc:none", "-cp", f"{flink_home()}/lib/*", "-d", str(classes))
    finished = subprocess.run((compiler, *options, str(source)), capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        first = (finished.stderr or finished.stdout).strip().partition("\n")[0]
        message = f"{source}: does not compile with {compiler} ({first})"
        raise DecoderError(message)


def _pack(classes: Path, jar: Path, version: str) -> None:
    manifest = {"META-INF/MANIFEST.MF": f"Manifest-Version: 1.0\nImplementation-Version: {version}\n"}
    compiled = {path.relative_to(classes).as_posix(): path.read_bytes() for path in sorted(classes.rglob("*.class"))}
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in (manifest | _SERVICES | compiled).items():
            # A ZipInfo has a fixed date, so that the same source is the same jar.
            file.writestr(zipfile.ZipInfo(name), content)
