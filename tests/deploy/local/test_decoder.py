"""The strict decoder is compiled once per version of its source, complete or not at all."""

import importlib.metadata
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from deploy.local import decoder
from deploy.local.decoder import DecoderError
from deploy.local.engines import flink_home
from deploy.local.toolchain import Java, find_java


@pytest.fixture(scope="module")
def java() -> Java:
    return find_java(decoder.RELEASE, "the decoder", os.environ)


@pytest.fixture
def cache(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CACHE_HOME": str(tmp_path)}


def write(tmp_path: Path, body: str) -> Path:
    source = tmp_path / "DaybookJson.java"
    source.write_text(f"package daybook;\npublic final class DaybookJson {{ {body} }}\n")
    return source


def test_the_jar_tells_the_version_that_its_name_has(java: Java, cache: dict[str, str], tmp_path: Path) -> None:
    jar = decoder.build(java, cache, write(tmp_path, ""))
    with zipfile.ZipFile(jar) as file:
        manifest = file.read("META-INF/MANIFEST.MF").decode()
    assert f"Implementation-Version: {jar.stem.removeprefix('daybook-json-')}\n" in manifest


def test_flink_is_told_of_the_format(java: Java, cache: dict[str, str], tmp_path: Path) -> None:
    with zipfile.ZipFile(decoder.build(java, cache, write(tmp_path, ""))) as file:
        assert file.read("META-INF/services/org.apache.flink.table.factories.Factory") == b"daybook.DaybookJson$Factory\n"


def test_a_version_is_compiled_once(java: Java, cache: dict[str, str], tmp_path: Path) -> None:
    source = write(tmp_path, "")
    first = decoder.build(java, cache, source)
    written = first.stat().st_mtime_ns
    assert decoder.build(java, cache, source) == first
    assert first.stat().st_mtime_ns == written


def test_a_changed_source_is_another_jar(java: Java, cache: dict[str, str], tmp_path: Path) -> None:
    assert decoder.build(java, cache, write(tmp_path, "")) != decoder.build(java, cache, write(tmp_path, "int changed;"))


def test_a_source_that_does_not_compile_is_one_sentence_and_no_jar(java: Java, cache: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(DecoderError, match=r"DaybookJson\.java: does not compile with .*javac \(.*\)$"):
        decoder.build(java, cache, write(tmp_path, "int = 1;"))
    assert list(decoder.folder(cache).iterdir()) == []


def test_the_source_compiles_without_a_warning(java: Java, tmp_path: Path) -> None:
    command = (str(java.home / "bin" / "javac"), "--release", str(decoder.RELEASE), "-Xlint:all", "-Werror", "-cp", f"{flink_home()}/lib/*")
    finished = subprocess.run((*command, "-d", str(tmp_path), str(decoder.SOURCE)), capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stdout, finished.stderr) == (0, "", "")


def test_another_flink_is_another_jar(java: Java, cache: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path, "")
    first = decoder.build(java, cache, source)
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "9.9.9")
    assert decoder.build(java, cache, source) != first
