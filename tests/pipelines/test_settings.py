"""Settings as they are read from the environment."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.settings import SettingsError, load

ENDPOINTS = {
    "kafka": "127.0.0.1:1",
    "catalog": "http://127.0.0.1:2",
    "flink": "http://127.0.0.1:3",
    "trino": "http://127.0.0.1:4",
    "warehouse": "file:///w",
    "checkpoints": "file:///c",
    "flink_lib": "/lib",
    "flink_conf": "/conf",
    "decoders": "/decoders",
}


def test_a_setting_is_a_variable_with_our_prefix() -> None:
    assert load({"DAYBOOK_PARTITIONS": "7", "PATH": "/bin"}).partitions == 7


def test_settings_of_the_local_stack_are_not_ours() -> None:
    assert load({"DAYBOOK_PORT_BASE": "22000", "DAYBOOK_CACHE": "/cache", "DAYBOOK_PORT_KAFKA": "1"}).partitions == 2


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("DAYBOOK_PARTITION", "7", "DAYBOOK_PARTITION: not a setting; pipelines/settings.py lists them"),
        ("DAYBOOK_PARTITIONS", "many", "DAYBOOK_PARTITIONS: Input should be a valid integer"),
        ("DAYBOOK_PARTITIONS", "0", "DAYBOOK_PARTITIONS: Input should be greater than or equal to 1"),
        ("DAYBOOK_CHECKPOINT_SECONDS", "0.1", "DAYBOOK_CHECKPOINT_SECONDS: Input should be greater"),
    ],
)
def test_a_wrong_setting_is_named(variable: str, value: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load({variable: value})


def test_without_a_stack_the_error_says_how_to_start_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"start the stack with `python -m deploy\.local up`"):
        _ = load({"DAYBOOK_HOME": str(tmp_path)}).endpoints


@pytest.mark.parametrize("text", ["{", "[]", '{"kafka": "127.0.0.1:1"}', "\\xff"])
def test_damaged_endpoints_are_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "endpoints.json").write_text(text)
    with pytest.raises(SettingsError, match=r"endpoints.json: damaged; `python -m deploy.local up` writes it anew"):
        _ = load({"DAYBOOK_HOME": str(tmp_path)}).endpoints


def test_endpoints_are_read_from_the_home(tmp_path: Path) -> None:
    (tmp_path / "endpoints.json").write_text(json.dumps({**ENDPOINTS, "registry": "http://127.0.0.1:5"}))
    assert load({"DAYBOOK_HOME": str(tmp_path)}).endpoints.kafka == "127.0.0.1:1"


def test_the_key_lies_in_the_home_unless_it_is_configured(tmp_path: Path) -> None:
    assert load({"DAYBOOK_HOME": str(tmp_path)}).key_file == tmp_path / "quarantine.key"
    assert load({"DAYBOOK_QUARANTINE_KEY_FILE": "/secret"}).key_file == Path("/secret")
