"""The templates of all engines."""

from pathlib import Path

import pytest

from deploy.local import configuration, ports

NAMES = ("root", "config", "data", "scratch", "warehouse", "checkpoints", "stock_java_options")


@pytest.fixture
def rendered(tmp_path: Path) -> dict[str, str]:
    values: dict[str, object] = {name: f"/{name}" for name in NAMES}
    configuration.render(tmp_path, {**values, **ports.from_environment({})})
    return {path.relative_to(tmp_path).as_posix(): path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.*")}


def test_every_template_is_rendered_with_the_known_names(rendered: dict[str, str]) -> None:
    assert {"kafka/server.properties", "flink/config.yaml", "trino/config.properties", "trino/catalog/lake.properties"} <= rendered.keys()


def test_no_engine_listens_beyond_the_loopback_address(rendered: dict[str, str]) -> None:
    assert "listeners=PLAINTEXT://127.0.0.1:21000,CONTROLLER://127.0.0.1:21001\n" in rendered["kafka/server.properties"]
    assert "node.bind-ip=127.0.0.1\n" in rendered["trino/config.properties"]
    for name in ("jobmanager.bind-host", "taskmanager.bind-host", "rest.bind-address"):
        assert f"{name}: 127.0.0.1\n" in rendered["flink/config.yaml"]


def test_an_unknown_name_in_a_template_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        configuration.render(tmp_path, {})
