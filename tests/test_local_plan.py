"""What a start consists of, and what it refuses before anything is started."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import SettingsError
from flows.projects import PROJECTS
from flows.settings import ApiKey, Settings
from scripts.local.__main__ import main, welcome
from scripts.local.child import Part
from scripts.local.environment import environment, variables
from scripts.local.plan import LASTING, Plan, complete, signing_key
from tests import phishing

PLAN = Plan(slugs=("fraud",), cluster="c1")


@pytest.fixture
def current() -> Settings:
    return Settings(_env_file=None)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def _named(plan: Plan, settings: Settings) -> dict[str, Part]:
    return {part.name: part for part in plan.parts(settings)}


def test_parts_come_before_those_that_need_them(current: Settings) -> None:
    names: list[str] = []
    for part in PLAN.parts(current):
        assert {*part.needs} <= {*names}
        names.append(part.name)
    assert names[0] == "broker"
    assert names[-1] == "fraud-producer"


def test_every_project_has_its_parts(current: Settings) -> None:
    names = set(_named(Plan(), current))
    kinds = ("topics", "recovery", "flow", "producer")
    assert {f"{slug}-{kind}" for slug in PROJECTS for kind in kinds} <= names


def test_a_project_without_a_stream_has_no_producer(
    current: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PROJECTS, "phishing", phishing.PROJECT)
    names = set(_named(Plan(("phishing",)), current))
    assert "phishing-flow" in names
    assert "phishing-producer" not in names


def test_every_listening_part_names_the_setting_that_moves_it(current: Settings) -> None:
    listening = [part for part in PLAN.parts(current) if part.port]
    assert [part.name for part in listening] == ["broker", "valkey", "mlflow", "dashboard", "api"]
    for part in listening:
        assert part.setting is not None
        assert part.setting in variables(current)


def test_ports_are_those_of_the_settings() -> None:
    moved = Settings(
        _env_file=None,
        kafka_bootstrap="localhost:1111",
        redis_url="redis://127.0.0.1:2222/3",
        mlflow_uri="http://127.0.0.1:3333",
        api_port=4444,
        dashboard_port=5555,
    )
    found = {part.name: part.port for part in PLAN.parts(moved) if part.port}
    expected = {"broker": 1111, "valkey": 2222, "mlflow": 3333, "dashboard": 5555, "api": 4444}
    assert found == expected


def test_server_on_another_machine_is_not_started_here() -> None:
    elsewhere = Settings(
        _env_file=None,
        kafka_bootstrap="kafka-1.example:9092,kafka-2.example:9092",
        redis_url="rediss://:secret@redis.example/0",
        mlflow_uri="https://mlflow.example",
    )
    found = _named(PLAN, elsewhere)
    assert not {"broker", "valkey", "mlflow"} & set(found)
    assert found["fraud-flow"].needs == ("fraud-topics", "fraud-recovery")


def test_part_left_out_is_not_waited_for(current: Settings) -> None:
    assert "valkey" in _named(PLAN, current)["fraud-flow"].needs
    found = _named(dataclasses.replace(PLAN, without=frozenset({"valkey"})), current)
    assert "valkey" not in found
    assert "valkey" not in found["fraud-flow"].needs


def test_leaving_out_an_unknown_part_names_the_known_ones(current: Settings) -> None:
    plan = dataclasses.replace(PLAN, without=frozenset({"spark"}))
    with pytest.raises(SettingsError, match=r"no part spark .* broker, .*valkey"):
        plan.parts(current)


def test_recovery_of_an_embedded_broker_is_per_start(current: Settings) -> None:
    assert Plan().recovery(current) != Plan().recovery(current)


@pytest.mark.parametrize("without", [frozenset(), frozenset({"broker"})])
def test_recovery_of_a_lasting_broker_lasts(without: frozenset[str]) -> None:
    bootstrap = "127.0.0.1:9092" if without else "kafka.example:9092"
    lasting = Settings(_env_file=None, kafka_bootstrap=bootstrap)
    assert Plan(without=without).recovery(lasting).name == LASTING


def test_preparing_removes_only_recovery_of_logs_that_are_gone(
    current: Settings, tmp_path: Path
) -> None:
    old, now = (Plan(("fraud",), data=tmp_path, cluster=name) for name in ("old", "now"))
    old.prepare(current)
    (tmp_path / "lake").mkdir()
    now.prepare(current)
    assert not old.recovery(current).exists()
    assert (now.recovery(current) / "fraud").is_dir()
    assert (tmp_path / "lake").is_dir()


def test_apache_kafka_takes_the_place_of_the_embedded_broker(current: Settings) -> None:
    plan = dataclasses.replace(PLAN, broker="apache")
    embedded, apache = (_named(one, current)["broker"] for one in (PLAN, plan))
    assert (apache.port, apache.setting) == (embedded.port, embedded.setting)
    assert "scripts.apache_kafka" in apache.argv
    assert str(PLAN.data / "kafka") in apache.argv


def test_recovery_of_a_log_that_is_kept_is_kept(current: Settings, tmp_path: Path) -> None:
    apache = Plan(("fraud",), data=tmp_path, broker="apache")
    apache.prepare(current)
    assert apache.recovery(current) == Plan(data=tmp_path, broker="apache").recovery(current)
    Plan(("fraud",), data=tmp_path).prepare(current)
    assert (apache.recovery(current) / "fraud").is_dir()


def test_preparing_again_keeps_recovery(current: Settings, tmp_path: Path) -> None:
    plan = Plan(("fraud",), data=tmp_path, cluster="now")
    plan.prepare(current)
    kept = plan.recovery(current) / "fraud" / "part-0.sqlite3"
    kept.touch()
    plan.prepare(current)
    assert kept.exists()


def test_a_second_start_makes_no_recovery_anew(current: Settings, tmp_path: Path) -> None:
    plan = Plan(("fraud",), data=tmp_path, broker="apache")
    plan.prepare(current)
    first = _named(plan, current)
    subprocess.run(first["fraud-recovery"].argv, check=True, capture_output=True)
    second = _named(plan, current)
    assert first.keys() - second.keys() == {"fraud-recovery"}
    assert {*first["fraud-flow"].needs} - {*second["fraud-flow"].needs} == {"fraud-recovery"}
    again = subprocess.run(first["fraud-recovery"].argv, check=False, capture_output=True)
    assert again.returncode, "Bytewax makes it again by now: make it at every start"


def test_events_differ_from_start_to_start(current: Settings) -> None:
    first, second = (_named(Plan(("fraud",)), current)["fraud-producer"].argv for _ in range(2))
    assert first != second


def test_flows_get_metrics_ports_of_their_own() -> None:
    settings = Settings(_env_file=None, flow_metrics_port=9100)
    flows = [part for part in Plan().parts(settings) if part.name.endswith("-flow")]
    found = [part.env["REALTIME_FLOW_METRICS_PORT"] for part in flows]
    assert found == [str(9100 + index) for index in range(len(PROJECTS))]


def test_signing_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "signing.key"
    key = signing_key(path)
    assert len(key) == 64
    assert signing_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_completing_keeps_what_was_set(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, signing_key="k", api_url="http://a", lake_uri="s3://lake")
    found = complete(settings, tmp_path)
    assert found.signing_key.get_secret_value() == "k"
    assert (found.api_url, found.lake_uri) == ("http://a", "s3://lake")
    assert list(tmp_path.iterdir()) == []


def test_completing_follows_the_port_of_the_api(tmp_path: Path) -> None:
    found = complete(Settings(_env_file=None, api_port=8123), tmp_path)
    assert found.api_url == "http://127.0.0.1:8123"


def test_keys_are_handed_on_as_they_are_read() -> None:
    key = ApiKey(name="page", hash="0" * 64, scopes=frozenset({"read"}))
    text = variables(Settings(_env_file=None, api_keys=[key]))["REALTIME_API_KEYS"]
    assert Settings(_env_file=None, api_keys=json.loads(text)).api_keys == [key]


@given(
    bootstrap=st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1),
    options=st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3),
    seconds=st.floats(0.001, 1e9),
    secret=st.text(st.characters(codec="utf-8", exclude_characters="\0")),
)
def test_settings_read_back_from_the_environment_are_equal(
    bootstrap: str, options: dict[str, str], seconds: float, secret: str
) -> None:
    settings = Settings(
        _env_file=None,
        kafka_bootstrap=bootstrap,
        kafka_options=options,
        lake_options=options,
        publish_seconds=seconds,
        signing_key=secret,
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables(settings).items():
            patch.setenv(name, value)
        assert Settings(_env_file=None) == settings


def test_children_tell_nobody_and_stay_small(current: Settings) -> None:
    found = environment(current)
    assert found["MLFLOW_DISABLE_TELEMETRY"] == found["DO_NOT_TRACK"] == "true"
    assert found["OMP_NUM_THREADS"] == "1"


def test_taken_port_stops_everything_before_it_starts(
    taken_port: int,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REALTIME_API_PORT", str(taken_port))
    before = psutil.Process().children()
    assert main(["--data", str(tmp_path)]) == 1
    assert f"port {taken_port} for api is taken" in capsys.readouterr().err
    assert not (tmp_path / "recovery").exists()
    assert not (tmp_path / "logs").exists()
    assert psutil.Process().children() == before


def test_unknown_project_names_the_known_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--data", str(tmp_path), "--only", "fraud,weather"]) == 1
    assert "no project 'weather'; known: eta, fraud" in capsys.readouterr().err


def test_second_start_on_the_same_state_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (tmp_path / "up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert main(["--data", str(tmp_path)]) == 1
    assert "another ./scripts/up uses" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--rate=0", "--rate=nan", "--seconds=-1", "--rate=many"])
def test_number_that_makes_no_sense_is_refused(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([option])
    assert option[: option.index("=")] in capsys.readouterr().err


def test_table_shows_addresses_without_secrets() -> None:
    settings = Settings(_env_file=None, redis_url="redis://:secret@127.0.0.1:6379/2")
    text = welcome(PLAN, settings)
    assert "redis://127.0.0.1:6379/2" in text
    assert "http://127.0.0.1:5006" in text
    assert "secret" not in text


def test_environment_is_json_where_a_setting_is_a_mapping() -> None:
    settings = Settings(_env_file=None, kafka_options={"a.b": "c"})
    assert json.loads(variables(settings)["REALTIME_KAFKA_OPTIONS"]) == {"a.b": "c"}
