"""Compiles the Python part of versions.toml into hash-pinned requirements without any address: `make lock`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERSIONS = Path(__file__).with_name("versions.toml")
OPTIONS = ("--generate-hashes", "--no-emit-index-url", "--no-annotate", "--no-header", "--python-version", "3.11", "--quiet")


def main() -> int:
    """Write requirements/runtime.txt and requirements/dev.txt; the first holds a subset of the second, same versions."""
    python = tomllib.loads(VERSIONS.read_text("utf-8"))["python"]
    runtime, dev = python["runtime"], python["dev"]
    with tempfile.TemporaryDirectory() as folder:
        overrides = _write(Path(folder) / "overrides.txt", runtime["overrides"])
        both = _write(Path(folder) / "dev.in", [*runtime["requires"], *dev["requires"]])
        code = _compile(both, ROOT / "requirements" / "dev.txt", "--override", str(overrides))
        pinned = [line.split(" ")[0] for line in (ROOT / "requirements" / "dev.txt").read_text("utf-8").splitlines() if "==" in line]
        limits = _write(Path(folder) / "limits.txt", pinned)
        only = _write(Path(folder) / "runtime.in", runtime["requires"])
        return code or _compile(only, ROOT / "requirements" / "runtime.txt", "--override", str(overrides), "--constraint", str(limits))


def _compile(source: Path, target: Path, *options: str) -> int:
    uv = Path(sys.executable).with_name("uv")
    return subprocess.run([uv, "pip", "compile", *OPTIONS, *options, "--output-file", target, source], check=False, stdout=subprocess.DEVNULL).returncode


def _write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


if __name__ == "__main__":
    sys.exit(main())
