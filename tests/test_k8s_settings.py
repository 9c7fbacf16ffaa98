"""Settings in the manifests: each exists, each can be read, and none is forgotten."""

from __future__ import annotations

import hashlib
import re

import pytest
from pydantic import SecretStr

from flows.settings import Settings
from scripts.local.parts import SNAPSHOT_SECONDS
from tests.k8s_objects import OVERLAYS, Pods, environment, folder, objects, pods

EACH = pytest.mark.parametrize("overlay", OVERLAYS)
NAMES = {f"REALTIME_{name.upper()}" for name in Settings.model_fields}

LEFT_ALONE = {
    "REALTIME_LOG_LEVEL": "INFO is right until something is looked for",
    "REALTIME_KAFKA_OPTIONS": "a secret of production; the local cluster's Kafka asks for nothing",
    "REALTIME_PROJECTS": "for projects of one's own, which bring their own image",
    "REALTIME_START_FROM": "goes on from the champion; another choice is for one start",
    "REALTIME_PUBLISH_SECONDS": "the default suits",
    "REALTIME_VERSION_SECONDS": "the default suits",
    "REALTIME_FLOW_STALL_SECONDS": "the default is longer than any epoch that gets on",
    "REALTIME_FAULT_SEED": "for tests of recovery",
    "REALTIME_FAULT_RATE": "for tests of recovery",
    "REALTIME_PRODUCER_RATE": "each stream has its own",
    "REALTIME_PRODUCER_PROFILE": "the living stream is the default",
    "REALTIME_PRODUCER_LABEL_DELAY": "labels come with their events",
    "REALTIME_PRODUCER_LABEL_MISSING": "labels come with their events",
    "REALTIME_PRODUCER_ANOMALIES": "told to a running producer",
    "REALTIME_PRODUCER_DRIFT": "told to a running producer",
    "REALTIME_PRODUCER_SCENARIO": "told to a running producer",
    "REALTIME_API_PORT": "the container's port is the default",
    "REALTIME_API_RATE": "production has a limit of its own",
    "REALTIME_API_METRICS_OPEN": "a network policy says who reads them",
    "REALTIME_API_CORS_ORIGINS": "the dashboard asks from its server, not from the browser",
    "REALTIME_SQL_SECONDS": "the default suits",
    "REALTIME_SQL_MEMORY_MB": "the default suits the API's limit",
    "REALTIME_SQL_TEMP_MB": "the default suits the size of /tmp",
    "REALTIME_SQL_THREADS": "the default suits the API's limit",
    "REALTIME_SQL_WORKERS": "the default suits the API's limit",
    "REALTIME_SQL_WAITING": "the default suits",
    "REALTIME_SQL_ROWS": "the default suits",
    "REALTIME_ANALYTICS_SECONDS": "the default suits",
    "REALTIME_DASHBOARD_LINKS": "an installation knows what it has beside",
    "REALTIME_DASHBOARD_TILES": "an installation knows whose map tiles it may use",
    "REALTIME_DASHBOARD_PORT": "the container's port is the default",
}

# What production takes from Secrets that are made outside git.
SECRETS = {
    "REALTIME_REDIS_URL": "rediss://:secret@redis.example.com:6379/0",
    "REALTIME_SIGNING_KEY": "secret",
    "REALTIME_KAFKA_OPTIONS": '{"security.protocol": "SASL_SSL"}',
    "REALTIME_LAKE_OPTIONS": '{"aws_region": "eu-central-1"}',
}


def told(overlay: str, pod: Pods) -> dict[str, str]:
    """The settings of a pod's first container."""
    found = environment(overlay, pod, pod.spec["containers"][0])
    return {name: value for name, value in found.items() if name.startswith("REALTIME_")}


def settings(overlay: str, pod: Pods, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """What the program in the pod will read."""
    secrets = SECRETS if overlay == "prod" else {}
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    for name, value in {**secrets, **told(overlay, pod)}.items():
        monkeypatch.setenv(name, value)
    return Settings(_env_file=None)


def ours(overlay: str) -> list[Pods]:
    return [
        pod
        for pod in pods(overlay)
        if pod.ours and pod.labels["app.kubernetes.io/name"] != "mlflow"
    ]


@EACH
def test_every_setting_exists(overlay: str) -> None:
    for pod in pods(overlay):
        for container in pod.containers:
            found = environment(overlay, pod, container)
            assert {one for one in found if one.startswith("REALTIME_")} <= NAMES, pod.name


def test_no_setting_is_forgotten() -> None:
    """Each is set somewhere, or there is a reason why not."""
    written = " ".join(
        path.read_text()
        for path in (folder() / "k8s").rglob("*")
        if path.is_file() and path.suffix in (".yaml", ".env", ".example")
    )
    used = set(re.findall(r"REALTIME_[A-Z_]+", written))
    assert used | LEFT_ALONE.keys() >= NAMES, sorted(NAMES - used - LEFT_ALONE.keys())
    assert LEFT_ALONE.keys() <= NAMES
    assert used & LEFT_ALONE.keys() == set(), "it is set: no reason is needed"


@EACH
def test_every_pod_can_read_its_settings(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for pod in ours(overlay):
        found = settings(overlay, pod, monkeypatch)
        assert found.profile == (
            "local"
            if "mlflow-client" not in pod.labels and pod.owner["kind"] != "CronJob"
            else "prod"
        ), pod.name


@EACH
def test_all_agree_on_the_shards_and_the_stores(
    overlay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = [
        settings(overlay, pod, monkeypatch) for pod in ours(overlay) if "kafka-client" in pod.labels
    ]
    assert (
        len({(one.shards, one.kafka_bootstrap, one.mlflow_uri, one.lake_uri) for one in read}) == 1
    )
    assert len({one.redis_url.get_secret_value() for one in read}) == 1


@EACH
def test_servers_listen_where_others_reach_them(
    overlay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_name = {pod.labels["app.kubernetes.io/name"]: pod for pod in ours(overlay)}
    api = settings(overlay, by_name["api"], monkeypatch)
    assert (api.api_host, api.api_port) == ("0.0.0.0", by_name["api"].ports["http"])  # noqa: S104
    dashboard = settings(overlay, by_name["dashboard"], monkeypatch)
    host, port = dashboard.dashboard_host, dashboard.dashboard_port
    assert (host, port) == ("0.0.0.0", by_name["dashboard"].ports["http"])  # noqa: S104
    assert dashboard.api_url == f"http://api:{api.api_port}"
    flow = settings(overlay, by_name["flow"], monkeypatch)
    assert flow.flow_metrics_host == "0.0.0.0"  # noqa: S104
    assert flow.flow_metrics_port == by_name["flow"].ports["metrics"]


@EACH
def test_pages_are_served_to_the_ingress_hosts(
    overlay: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A browser's web socket is refused where its page's address is not expected."""
    hosts = {
        rule["host"]
        for one in objects(overlay, "Ingress")
        if one["metadata"]["name"] == "dashboard"
        for rule in one["spec"]["rules"]
    }
    [pod] = [one for one in ours(overlay) if one.labels["app.kubernetes.io/name"] == "dashboard"]
    found = settings(overlay, pod, monkeypatch)
    assert {origin.split(":")[0] for origin in found.dashboard_origins} == hosts


def test_the_local_clusters_dashboard_shows_a_key_that_the_api_knows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    by_name = {pod.labels["app.kubernetes.io/name"]: pod for pod in ours("k3d")}
    key = settings("k3d", by_name["dashboard"], monkeypatch).api_key.get_secret_value()
    [known] = settings("k3d", by_name["api"], monkeypatch).api_keys
    assert known.hash == hashlib.sha256(key.encode()).hexdigest()
    assert known.scopes == {"read", "write", "admin"}


SIGNERS = {"api", "batch-worker", "flow", "lake-maintenance"}


def test_only_who_needs_them_has_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    unset = SecretStr("for-local-use-only")
    for pod in ours("k3d"):
        found = settings("k3d", pod, monkeypatch)
        signs = pod.labels["app.kubernetes.io/name"] in SIGNERS
        assert (found.signing_key != unset) == signs, pod.name
        assert bool(found.api_keys) == (pod.labels["app.kubernetes.io/name"] == "api")


@EACH
def test_snapshots_are_as_often_as_everywhere(overlay: str) -> None:
    for pod in pods(overlay):
        args = pod.spec["containers"][0].get("args", [])
        if "-s" in args:
            assert args[args.index("-s") + 1] == str(SNAPSHOT_SECONDS)
