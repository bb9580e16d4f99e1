"""What is missing is said in one sentence that tells what to do."""

from pathlib import Path

import pytest

from deploy.local.toolchain import ToolMissingError, find_java, find_maven


def install(root: Path, release: int, *, programs: tuple[str, ...] = ("java", "javac")) -> Path:
    home = root / f"jdk-{release}"
    (home / "bin").mkdir(parents=True)
    (home / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{release}.0.1"\n', encoding="utf-8")
    for program in programs:
        (home / "bin" / program).touch(mode=0o755)
    return home


def test_a_missing_java_is_one_sentence_with_the_variable_to_set() -> None:
    with pytest.raises(ToolMissingError) as caught:
        find_java(25, "trino", {"PATH": ""}, ())
    assert str(caught.value) == "trino needs a Java 25 or newer development kit and none was found: install one, or set JAVA25_HOME to its folder"
    assert caught.value.exit_code == 2


def test_a_missing_maven_is_one_sentence_with_the_variable_to_set() -> None:
    with pytest.raises(ToolMissingError, match="no `mvn` was found: install it, or set MAVEN_HOME"):
        find_maven({"PATH": ""})


def test_a_release_that_is_too_old_does_not_count(tmp_path: Path) -> None:
    with pytest.raises(ToolMissingError):
        find_java(17, "kafka", {"JAVA_HOME": str(install(tmp_path, 11)), "PATH": ""}, ())


def test_a_runtime_without_a_compiler_does_not_count(tmp_path: Path) -> None:
    with pytest.raises(ToolMissingError):
        find_java(17, "catalog", {"JAVA_HOME": str(install(tmp_path, 17, programs=("java",))), "PATH": ""}, ())


def test_the_lowest_sufficient_release_is_taken_of_those_installed(tmp_path: Path) -> None:
    for release in (25, 11, 21, 17):
        install(tmp_path, release)
    assert find_java(17, "kafka", {"PATH": ""}, (tmp_path,)).release == 17


def test_the_variable_of_the_release_goes_before_java_home(tmp_path: Path) -> None:
    environment = {"JAVA_HOME": str(install(tmp_path, 26)), "JAVA25_HOME": str(install(tmp_path, 25)), "PATH": ""}
    assert find_java(25, "trino", environment, ()).release == 25


def test_the_java_on_the_path_is_followed_through_its_link(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").symlink_to(install(tmp_path, 17) / "bin" / "java")
    assert find_java(17, "kafka", {"PATH": str(tmp_path / "bin")}, ()).home == tmp_path / "jdk-17"
