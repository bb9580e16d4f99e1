"""Lets Maven resolve a group of artifacts, so that no address of a repository stands in this project."""

import re
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from deploy.local.failures import DeployError
from deploy.local.toolchain import find_java, find_maven
from deploy.local.versions import Artifact, Group, Versions

MAVEN_JAVA = 17

_PROJECT = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>daybook</groupId>
  <artifactId>{name}</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>{dependencies}
  </dependencies>
</project>
"""
_DEPENDENCY = """
    <dependency>
      <groupId>{group}</groupId>
      <artifactId>{name}</artifactId>
      <version>{version}</version>
      <type>{type}</type>{classifier}{exclusions}
    </dependency>"""
_WITHOUT_DEPENDENCIES = """
      <exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"""
# The file with its size and rate, without the address it came from.
_DOWNLOADED = re.compile(r"Downloaded from \S+ \S+/(\S+ \(.+\))")
_REMINDER_SECONDS = 15.0


class FetchError(DeployError):
    """Maven could not resolve or download an artifact."""


def resolve(group: Group, target: Path, versions: Versions, environment: Mapping[str, str]) -> None:
    """Copy a group's files into `target`, telling on standard output what arrives.

    Maven's own settings (mirrors, proxies, its local repository) apply. Raises FetchError with
    Maven's last error, or ToolMissingError.
    """
    java = find_java(MAVEN_JAVA, "Maven", environment)
    program = find_maven(environment)
    with tempfile.TemporaryDirectory(prefix="daybook-maven-") as folder:
        project = Path(folder) / "pom.xml"
        project.write_text(render_project(group), encoding="utf-8")
        goal = f"{versions.maven_plugin}:copy-dependencies"
        command = [program, "--batch-mode", "--file", str(project), goal, f"-DoutputDirectory={target}"]
        process = subprocess.Popen(
            [*command, "-DincludeScope=runtime"],
            env={**environment, "JAVA_HOME": str(java.home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        errors = _follow(process, group)
    if process.returncode != 0:
        message = f"{group.name}: Maven could not fetch it ({errors[0] if errors else 'no reason given'})"
        raise FetchError(message)


def render_project(group: Group) -> str:
    """The smallest Maven project that depends on a group's artifacts."""
    dependencies = "".join(_render_dependency(artifact, group) for artifact in group.artifacts)
    return _PROJECT.format(name=group.name, dependencies=dependencies)


def _render_dependency(artifact: Artifact, group: Group) -> str:
    classifier = f"\n      <classifier>{escape(artifact.classifier)}</classifier>" if artifact.classifier else ""
    return _DEPENDENCY.format(
        group=escape(artifact.group),
        name=escape(artifact.name),
        version=escape(artifact.version),
        type=escape(artifact.type),
        classifier=classifier,
        exclusions="" if group.transitive else _WITHOUT_DEPENDENCIES,
    )


def _follow(process: subprocess.Popen[str], group: Group) -> list[str]:
    """Print a line per downloaded file, and one now and then without; return Maven's errors."""
    label = f"fetch {group.name:<10}"
    print(f"{label} resolving {', '.join(artifact.file_name for artifact in group.artifacts)}")
    started = time.monotonic()
    done = threading.Event()
    threading.Thread(target=_remind, args=(label, done), daemon=True).start()
    errors: list[str] = []
    for line in process.stdout or ():
        if line.startswith("[ERROR]"):
            errors.append(line.removeprefix("[ERROR]").strip())
        if (match := _DOWNLOADED.search(line)) and ".pom " not in line:
            print(f"{label} {match[1]}")
    process.wait()
    done.set()
    print(f"{label} done in {time.monotonic() - started:.0f} s")
    return errors


def _remind(label: str, done: threading.Event) -> None:
    started = time.monotonic()
    while not done.wait(_REMINDER_SECONDS):
        print(f"{label} still at it ({time.monotonic() - started:.0f} s)")
