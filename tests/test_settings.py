"""Settings: read from the environment, complete in production, explained when they are wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.errors import SettingsError
from flows.settings import REQUIRED_IN_PROD, Settings, load

ROOT = Path(__file__).parents[1]
IN_PROD = {
    "REALTIME_PROFILE": "prod",
    "REALTIME_KAFKA_BOOTSTRAP": "kafka:9092",
    "REALTIME_REDIS_URL": "redis://redis:6379/0",
    "REALTIME_MLFLOW_URI": "http://mlflow:5000",
    "REALTIME_LAKE_URI": "s3://lake/realtime",
    "REALTIME_SIGNING_KEY": "a secret key",
}


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine that runs the tests, and no .env file."""
    for name in os.environ:
        if name.startswith("REALTIME_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def problem() -> str:
    with pytest.raises(SettingsError) as caught:
        load()
    return str(caught.value)


def test_without_settings_everything_is_local() -> None:
    found = load()
    assert found.profile == "local"
    assert found.kafka_bootstrap.startswith("127.0.0.1:")
    assert found.shards == 1


def test_production_names_all_that_is_missing_in_one_message(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REALTIME_PROFILE", "prod")
    message = problem()
    for name in REQUIRED_IN_PROD:
        assert f"REALTIME_{name.upper()}" in message
    assert message.count("REALTIME_KAFKA_BOOTSTRAP") == 1


@pytest.mark.parametrize("missing", sorted(IN_PROD.keys() - {"REALTIME_PROFILE"}))
def test_production_names_only_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name, value in IN_PROD.items():
        if name != missing:
            monkeypatch.setenv(name, value)
    message = problem()
    assert [name for name in IN_PROD if name in message] == [missing]


def test_a_complete_production_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in IN_PROD.items():
        monkeypatch.setenv(name, value)
    found = load()
    assert found.lake_uri == "s3://lake/realtime"
    assert found.signing_key.get_secret_value() == "a secret key"


@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_setting_counts_as_missing_in_production(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    for name, given in IN_PROD.items():
        monkeypatch.setenv(name, given)
    monkeypatch.setenv("REALTIME_SIGNING_KEY", value)
    assert "REALTIME_SIGNING_KEY" in problem()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REALTIME_API_PORT", "eighty"),
        ("REALTIME_PROFILE", "production"),
        ("REALTIME_LOG_LEVEL", "LOUD"),
        ("REALTIME_START_FROM", "yesterday"),
        ("REALTIME_API_KEYS", '[{"name": "a", "hash": "short", "scopes": ["read"]}]'),
        ("REALTIME_API_RATE", "0"),
        ("REALTIME_SHARDS", "0"),
        ("REALTIME_SHARDS", "1.5"),
        ("REALTIME_SHARD", "-1"),
        ("REALTIME_SHARD", "1"),
        ("REALTIME_FLOW_STALL_SECONDS", "0"),
        ("REALTIME_DASHBOARD_ORIGINS", '"all"'),
        ("REALTIME_DASHBOARD_TILES", "https://tiles.example/{Z}/{X}.png"),
        ("REALTIME_PUBLISH_SECONDS", "soon"),
        ("REALTIME_KAFKA_OPTIONS", '{"acks": {"no": "text"}}'),
    ],
)
def test_a_bad_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    assert problem().startswith(name)


def test_options_that_are_no_json_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REALTIME_KAFKA_OPTIONS", "acks=all")
    assert "KAFKA_OPTIONS" in problem().upper()


def test_all_bad_values_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REALTIME_API_PORT", "eighty")
    monkeypatch.setenv("REALTIME_SHARDS", "many")
    message = problem()
    assert "REALTIME_API_PORT" in message
    assert "REALTIME_SHARDS" in message


def test_options_are_json_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REALTIME_KAFKA_OPTIONS", '{"security.protocol": "SSL"}')
    monkeypatch.setenv("REALTIME_LAKE_OPTIONS", '{"AWS_SECRET_ACCESS_KEY": "hidden"}')
    found = load()
    assert found.kafka_options == {"security.protocol": "SSL"}
    assert found.lake_options["AWS_SECRET_ACCESS_KEY"].get_secret_value() == "hidden"


def test_a_process_learns_all_shards_or_the_one_that_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REALTIME_SHARDS", "3")
    assert list(load().own_shards) == [0, 1, 2]
    monkeypatch.setenv("REALTIME_SHARD", "2")
    assert list(load().own_shards) == [2]


def test_a_shard_that_does_not_exist_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REALTIME_SHARDS", "2")
    monkeypatch.setenv("REALTIME_SHARD", "2")
    assert "REALTIME_SHARD is 2, but REALTIME_SHARDS is 2: shards are counted from 0" in problem()


def test_a_file_named_env_is_read(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("REALTIME_SHARDS=3\n")
    assert load().shards == 3


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REALTIME_SIGNING_KEY", "very secret")
    monkeypatch.setenv("REALTIME_REDIS_URL", "redis://:very secret@host/0")
    monkeypatch.setenv("REALTIME_LAKE_OPTIONS", '{"key": "very secret"}')
    assert "very secret" not in repr(Settings())


def test_a_flow_without_its_settings_ends_with_one_message(tmp_path: Path) -> None:
    ended = subprocess.run(
        (sys.executable, "-m", "bytewax.run", "flows.fraud"),
        env={
            **os.environ,
            "REALTIME_PROFILE": "prod",
            "PYTHONPATH": str(Path(__file__).parents[1]),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode != 0
    last_words = ended.stderr.splitlines()[-1]
    assert all(f"REALTIME_{name.upper()}" in last_words for name in REQUIRED_IN_PROD)
