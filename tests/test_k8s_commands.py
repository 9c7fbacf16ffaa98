"""The containers' commands as written, as processes: ready by their probes, ended by SIGTERM."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from deltalake import DeltaTable

from scripts.local.ports import free_port
from tests.flow_process import until
from tests.k8s_container import Container, Running
from tests.k8s_objects import Object, Pods, environment, pods
from tests.test_k8s_settings import SECRETS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PORTS = {
    "flow": ("metrics", "REALTIME_FLOW_METRICS_PORT"),
    "batch-worker": ("metrics", "REALTIME_BATCH_METRICS_PORT"),
    "producer": ("metrics", "REALTIME_PRODUCER_METRICS_PORT"),
    "api": ("http", "REALTIME_API_PORT"),
    "dashboard": ("http", "REALTIME_DASHBOARD_PORT"),
    "mlflow": ("http", ""),
}
RUNNING = ("mlflow", "batch-worker", "producer-fraud", "api", "dashboard", "flow-fraud")
CLUSTER = ("flow-interactions-0", "flow-interactions-1")
SLOW = 60.0
"""Seconds that an answer may take on a machine on which all of these run."""


@dataclass
class Kubelet:
    """Runs pods of an overlay as processes, with this session's servers for the stores."""

    home: Path
    broker: str
    redis_url: str
    api_port: int
    mlflow_port: int

    def container(
        self, overlay: str, name: str, told: Callable[[Pods], Object], place: str = "", **extra: str
    ) -> Container:
        [pod] = [one for one in pods(overlay) if one.owner["metadata"]["name"] == name]
        container, home = told(pod), self.home / f"{overlay}-{name}{place}"
        named, setting = PORTS.get(pod.labels["app.kubernetes.io/name"], ("", ""))
        port = {"api": self.api_port, "mlflow": self.mlflow_port}.get(name) or free_port()
        if setting:
            extra[setting] = str(port)
        if "bytewax" in pod.ports:
            extra["BYTEWAX_DATAFLOW_API_PORT"] = str(free_port())
            extra["BYTEWAX_DATAFLOW_API_CACHE_PATH"] = str(home / "volumes")
        places = self._places(environment(overlay, pod, container), port)
        return Container(overlay, pod, container, home, self.lake, places, extra, {named: port})

    @property
    def lake(self) -> Path:
        """What stands for the object store."""
        return self.home / "lake"

    def _places(self, told: dict[str, str], port: int) -> dict[str, str]:
        lake = self.lake
        lake.mkdir(exist_ok=True)
        stores = {
            told.get("REALTIME_KAFKA_BOOTSTRAP", "kafka:9092"): self.broker,
            told.get("REALTIME_REDIS_URL", "redis:"): self.redis_url,
            told.get("MLFLOW_BACKEND_STORE_URI", "postgresql:"): f"sqlite:///{lake}/mlflow.db",
            told.get("REALTIME_LAKE_URI", "s3://lake/realtime"): str(lake),
            "mlflow:5000": f"127.0.0.1:{self.mlflow_port}",
            "http://api:8000": f"http://127.0.0.1:{self.api_port}",
            "s3://mlflow": f"{lake}/artifacts",
        }
        return {**stores, "0.0.0.0": "127.0.0.1", "5000": str(port)}  # noqa: S104


def first(pod: Pods) -> Object:
    found: Object = pod.spec["containers"][0]
    return found


def preparing(number: int) -> Callable[[Pods], Object]:
    return lambda pod: pod.spec["initContainers"][number]


@pytest.fixture(scope="module")
def kubelet(
    embedded_broker: str, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Kubelet:
    home = tmp_path_factory.mktemp("nodes")
    return Kubelet(home, embedded_broker, valkey_url, free_port(), free_port())


@pytest.fixture(scope="module")
def platform(kubelet: Kubelet) -> Iterator[dict[str, Running]]:
    """A pod of each kind, prepared twice as after a restart, and those of production's cluster."""
    others = [name for name in RUNNING if name != "flow-fraud"]
    found = {name: kubelet.container("k3d", name, first).start() for name in others}
    for number in (0, 1, 1):
        done = kubelet.container("k3d", "flow-fraud", preparing(number)).run()
        assert done.returncode == 0, done.stdout
    found["flow-fraud"] = kubelet.container("k3d", "flow-fraud", first).start()
    found |= cluster(kubelet)
    yield found
    for running in found.values():
        running.__exit__()


def cluster(kubelet: Kubelet) -> dict[str, Running]:
    """The processes of a flow that is one cluster, each with a volume of its own."""
    name, ports, secrets = (
        "flow-interactions",
        neighbours(),
        {**SECRETS, "REALTIME_KAFKA_OPTIONS": "{}"},
    )
    done = kubelet.container("prod", name, preparing(0), **secrets).run()
    assert done.returncode == 0, done.stdout
    found = {}
    for one, index in zip(CLUSTER, ("0", "1"), strict=True):
        container = kubelet.container("prod", name, first, f"-{index}", INDEX=index, **secrets)
        hosts = container.told["args"][-1].replace("$(PROJECT)", "interactions")
        container.places = {hosts: f"127.0.0.1:{ports}{{}}", **container.places}
        found[one] = container.start()
    return found


@pytest.mark.parametrize("name", [*RUNNING, *CLUSTER])
def test_it_becomes_ready_by_its_own_probes(platform: dict[str, Running], name: str) -> None:
    platform[name].until_ready()
    assert platform[name].probe("liveness")[0] == 200


def test_the_parts_work_together(platform: dict[str, Running]) -> None:
    """The producer's events reach the flow, and its model the API, which the dashboard may ask."""
    dashboard = platform["dashboard"].container
    key = dashboard.environment()["REALTIME_API_KEY"]
    url = f"http://127.0.0.1:{platform['api'].container.ports['http']}/projects/fraud"
    assert httpx2.get(url, timeout=SLOW).status_code == 401

    def learned() -> bool:
        answer = httpx2.get(
            f"{url}/metrics", headers={"Authorization": f"Bearer {key}"}, timeout=SLOW
        )
        assert answer.status_code in (200, 503), answer.text
        return answer.status_code == 200 and answer.json()["events_learned"] > 0

    until(learned, platform["flow-fraud"].output)


def test_prometheus_reads_where_it_is_told_to(platform: dict[str, Running]) -> None:
    for name, text in {"flow-fraud": "realtime_events_total", "api": "http"}.items():
        container = platform[name].container
        told = container.pod.annotations
        [port] = [
            here
            for which, here in container.ports.items()
            if container.pod.ports[which] == int(told["prometheus.io/port"])
        ]
        found = httpx2.get(
            f"http://127.0.0.1:{port}{told['prometheus.io/path']}", timeout=SLOW
        ).text
        assert re.search(rf"^{text}", found, re.MULTILINE), name


@pytest.mark.parametrize("name", ["flow-fraud", *CLUSTER])
def test_bytewax_tells_of_itself(platform: dict[str, Running], name: str) -> None:
    port = platform[name].container.extra["BYTEWAX_DATAFLOW_API_PORT"]
    found = httpx2.get(f"http://127.0.0.1:{port}/metrics", timeout=SLOW).text
    assert re.search(r"^bytewax_item_inp_count_total", found, re.MULTILINE)


def test_the_lake_is_kept(kubelet: Kubelet, platform: dict[str, Running]) -> None:
    """The job, beside a flow that has written."""
    table = str(kubelet.lake / "transaction_fraud_detection")
    until(lambda: DeltaTable.is_deltatable(table), platform["flow-fraud"].output)
    done = kubelet.container("k3d", "lake-maintenance", first).run()
    assert done.returncode == 0, done.stdout
    assert "transaction_fraud_detection" in done.stdout


def test_a_cluster_keeps_all_its_state_on_the_first_pod(platform: dict[str, Running]) -> None:
    kept = [any((platform[one].container.volumes / "state").iterdir()) for one in CLUSTER]
    assert kept == [True, False]


def test_processes_of_a_cluster_end_together(platform: dict[str, Running]) -> None:
    for one in CLUSTER:
        platform[one].terminate()
    codes = [platform[one].finish().returncode for one in CLUSTER]
    assert codes == [0, 0], platform[CLUSTER[0]].output()


@pytest.mark.parametrize("name", RUNNING[::-1])
def test_sigterm_ends_it_in_order(platform: dict[str, Running], name: str) -> None:
    assert platform[name].stop() == 0, platform[name].output()


def neighbours() -> int:
    """What two free ports begin with: their last digits are 0 and 1."""
    return (free_port(11) + 9) // 10
