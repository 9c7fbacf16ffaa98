"""Prometheus reads of the cluster's pods what it should, by the configuration that is deployed.

Debian's Prometheus is built without Kubernetes' service discovery: it is told by file what that
would have told it of the overlays' pods.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.local.ports import free_port
from tests.alerting import has_prometheus, running, until
from tests.k8s_objects import OVERLAYS, Object, Pods, objects, plain, pods
from tests.scraping import Prometheus
from tests.test_k8s_network import allowed

EACH = pytest.mark.parametrize("overlay", OVERLAYS)
NOBODY = "192.0.2.1"
NODE = f"{NOBODY}:10250"
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"

pytestmark = has_prometheus


def config_map(overlay: str, name: str) -> dict[str, str]:
    """The files of a ConfigMap."""
    [found] = [
        one for one in objects(overlay, "ConfigMap") if plain(one["metadata"]["name"]) == name
    ]
    return dict(found["data"])


def word(text: str) -> str:
    """A label's or annotation's name as a part of Prometheus' own."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", text)


def discovered(overlay: str) -> Iterator[Object]:
    """What Kubernetes' service discovery tells of running pods: a target for each port."""
    for pod in pods(overlay):
        if pod.owner["kind"] == "CronJob":
            continue
        told = {
            "__meta_kubernetes_namespace": "coelho-realtime",
            "__meta_kubernetes_pod_name": f"{pod.owner['metadata']['name']}-0",
            "__meta_kubernetes_pod_phase": "Running",
        }
        for name, value in pod.labels.items():
            told[f"__meta_kubernetes_pod_label_{word(name)}"] = value
        for name, value in pod.annotations.items():
            told[f"__meta_kubernetes_pod_annotation_{word(name)}"] = value
        for container in pod.containers:
            yield from _ports(container, told)


def _ports(container: Object, told: dict[str, str]) -> Iterator[Object]:
    for port in container.get("ports", []) or [{}]:
        number = str(port.get("containerPort", ""))
        labels = {
            "__meta_kubernetes_pod_container_name": container["name"],
            "__meta_kubernetes_pod_container_port_name": port.get("name", ""),
            "__meta_kubernetes_pod_container_port_number": number,
        }
        yield {"targets": [f"{NOBODY}:{number or 80}"], "labels": told | labels}


def local(config: dict[str, Any], overlay: str, folder: Path) -> dict[str, Any]:
    """The configuration with files in place of what only a pod has."""
    found = {"pod": list(discovered(overlay)), "node": [{"targets": [NODE]}]}
    for job in config["scrape_configs"]:
        for one in job.pop("kubernetes_sd_configs", []):
            file = folder / f"{one['role']}.json"
            file.write_text(json.dumps(found[one["role"]]))
            job["file_sd_configs"] = [{"files": [str(file)]}]
    (folder / "token").touch()
    here: dict[str, Any] = yaml.safe_load(
        yaml.safe_dump(config)
        .replace(f"{ACCOUNT}/token", str(folder / "token"))
        .replace(f"  ca_file: {ACCOUNT}/ca.crt\n", "")
        .replace("/etc/prometheus", str(folder))
    )
    return here


@pytest.fixture(scope="module", params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> str:
    """Each of them."""
    return str(request.param)


@pytest.fixture(scope="module")
def config(overlay: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The configuration that an overlay deploys, with its rules beside it."""
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "rules").mkdir()
    for name, text in config_map(overlay, "prometheus-rules").items():
        (folder / "rules" / name).write_text(text)
    told = yaml.safe_load(config_map(overlay, "prometheus")["prometheus.yml"])
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(local(told, overlay, folder)))
    return path


@pytest.fixture(scope="module")
def targets(config: Path) -> Iterator[list[dict[str, str]]]:
    """What a Prometheus with that configuration would scrape: URLs and labels."""
    address = f"127.0.0.1:{free_port()}"
    command = [
        *("prometheus", f"--config.file={config}", f"--web.listen-address={address}"),
        f"--storage.tsdb.path={config.parent / 'data'}",
    ]
    with running(command, f"http://{address}", config.parent / "prometheus.log") as url:
        prometheus = Prometheus(url)
        until(prometheus.targets, "targets")
        yield [
            {"url": one["scrapeUrl"], "scheme": one["scrapeUrl"].split(":")[0], **one["labels"]}
            for one in prometheus.targets()
        ]


def scraped(overlay: str) -> list[Pods]:
    """The pods that ask for it."""
    return [one for one in pods(overlay) if one.annotations.get("prometheus.io/scrape") == "true"]


def test_promtool_finds_nothing_wrong(config: Path) -> None:
    done = subprocess.run(["promtool", "check", "config", config], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_pod_that_asks_for_it_is_one_target(
    overlay: str, targets: list[dict[str, str]]
) -> None:
    """At its port and path, under its own name, once, whatever other ports it has."""
    found = sorted(
        (one["job"], one["pod"], one["url"])
        for one in targets
        if one["job"] != "bytewax" and "pod" in one
    )
    assert found == sorted(
        (
            pod.labels["app.kubernetes.io/name"],
            f"{pod.owner['metadata']['name']}-0",
            f"http://{NOBODY}:{pod.annotations['prometheus.io/port']}"
            + pod.annotations["prometheus.io/path"],
        )
        for pod in scraped(overlay)
    )


def test_every_flow_tells_of_its_engine_too(overlay: str, targets: list[dict[str, str]]) -> None:
    found = sorted(
        (one["pod"], one["project"], one["url"]) for one in targets if one["job"] == "bytewax"
    )
    assert found == sorted(
        (f"flow-{slug}-0", slug, f"http://{NOBODY}:3030/metrics")
        for slug in (
            pod.labels["project"]
            for pod in pods(overlay)
            if pod.labels["app.kubernetes.io/name"] == "flow"
        )
    )


def test_nodes_are_read_in_the_clear_by_nobody(targets: list[dict[str, str]]) -> None:
    found = {(one["job"], one["url"]) for one in targets if one["instance"] == NODE}
    assert found == {
        ("kubelet", f"https://{NODE}/metrics"),
        ("cadvisor", f"https://{NODE}/metrics/cadvisor"),
    }


@EACH
def test_policies_let_prometheus_reach_what_it_reads_and_nothing_else(overlay: str) -> None:
    every = pods(overlay)
    [prometheus] = [one for one in every if one.labels["app.kubernetes.io/name"] == "prometheus"]
    for pod in every:
        reached = {
            name for name, port in pod.ports.items() if allowed(overlay, prometheus, pod, port)
        }
        assert reached <= {"metrics", "http", "bytewax"}, pod.name
        asked = pod.annotations.get("prometheus.io/port")
        if asked and pod is not prometheus:
            assert int(asked) in {pod.ports[name] for name in reached}, pod.name
        assert ("bytewax" in reached) == (pod.labels["app.kubernetes.io/name"] == "flow")


@EACH
def test_jobs_that_are_named_are_services_here(overlay: str) -> None:
    services = {one["metadata"]["name"]: one["spec"] for one in objects(overlay, "Service")}
    told = yaml.safe_load(config_map(overlay, "prometheus")["prometheus.yml"])
    named = [
        target
        for job in (*told["scrape_configs"], *told["alerting"]["alertmanagers"])
        for static in job.get("static_configs", [])
        for target in static["targets"]
    ]
    assert named
    for target in named:
        name, port = target.split(":")
        assert int(port) in {one["port"] for one in services[name]["ports"]}
