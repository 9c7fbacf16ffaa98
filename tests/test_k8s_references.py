"""What the manifests name is there, and what is there is named: settings files, volumes, ports."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.k8s_objects import (
    K8S,
    OVERLAYS,
    Pods,
    environment,
    name,
    objects,
    plain,
    pods,
    references,
    selects,
)

EACH = pytest.mark.parametrize("overlay", OVERLAYS)
HASHED = re.compile(r".+-[a-z0-9]{10}")


def found(overlay: str, kind: str) -> set[str]:
    return {one["metadata"]["name"] for one in objects(overlay, kind)}


def mentioned(overlay: str, kind: str) -> set[str]:
    """Names of ConfigMaps or Secrets that pods and ingresses mention."""
    named = {which for one in pods(overlay) for k, which, _ in references(one.spec) if k == kind}
    for one in objects(overlay, "Ingress"):
        if kind == "Secret":
            named |= {tls["secretName"] for tls in one["spec"].get("tls", [])}
    return named


@EACH
def test_selectors_mean_their_own_pods_and_no_others(overlay: str) -> None:
    every = pods(overlay)
    for pod in every:
        if "selector" not in pod.owner["spec"]:
            continue
        selector = pod.owner["spec"]["selector"]
        assert [one.name for one in every if selects(selector, one.labels)] == [pod.name]


@EACH
def test_pods_are_named_after_what_they_are(overlay: str) -> None:
    components = set(re.findall(r"`([a-z]+)`", (K8S / "README.md").read_text()))
    for pod in pods(overlay):
        assert pod.owner["metadata"]["name"].startswith(pod.labels["app.kubernetes.io/name"])
        assert pod.labels["app.kubernetes.io/component"] in components


@EACH
def test_services_reach_a_port_of_one_workload(overlay: str) -> None:
    for service in objects(overlay, "Service"):
        selector = {"matchLabels": service["spec"]["selector"]}
        reached = [pod for pod in pods(overlay) if selects(selector, pod.labels)]
        assert len(reached) == 1, name(service)
        for port in service["spec"]["ports"]:
            assert port["targetPort"] in reached[0].ports, name(service)


@EACH
def test_the_names_of_a_stateful_sets_pods_come_from_a_service(overlay: str) -> None:
    services = {one["metadata"]["name"]: one["spec"] for one in objects(overlay, "Service")}
    for one in objects(overlay, "StatefulSet"):
        service = services[one["spec"]["serviceName"]]
        assert service["selector"].items() <= one["spec"]["template"]["metadata"]["labels"].items()
        if one["metadata"]["name"].startswith("flow-"):
            # A cluster's processes find each other before any of them is ready.
            assert service["clusterIP"] == "None"
            assert service["publishNotReadyAddresses"] is True


@EACH
def test_config_maps_are_there_hashed_and_used(overlay: str) -> None:
    """A change of one has another name, and so starts its pods anew."""
    assert mentioned(overlay, "ConfigMap") == found(overlay, "ConfigMap")
    assert all(HASHED.fullmatch(one) for one in found(overlay, "ConfigMap"))


def test_secrets_of_the_local_cluster_are_there_hashed_and_used() -> None:
    assert mentioned("k3d", "Secret") == found("k3d", "Secret")
    assert all(HASHED.fullmatch(one) for one in found("k3d", "Secret"))


def test_production_names_its_secrets_and_the_readme_tells_of_them() -> None:
    assert found("prod", "Secret") == set()
    told = re.findall(r"^\| `([a-z-]+)` \|", (K8S / "README.md").read_text(), re.MULTILINE)
    assert mentioned("prod", "Secret") <= set(told)


def test_every_example_of_a_secret_is_used() -> None:
    examples = {
        path.name.split(".")[0] for path in (K8S / "overlays/k3d/secrets").glob("*.example")
    }
    assert examples == {plain(one) for one in found("k3d", "Secret")}


@EACH
def test_volumes_are_there_and_mounted(overlay: str) -> None:
    for pod in pods(overlay):
        mounts = [one for c in pod.containers for one in c.get("volumeMounts", [])]
        assert {one["name"] for one in mounts} == set(pod.volumes), pod.name
        for container in pod.containers:
            paths = [one["mountPath"] for one in container.get("volumeMounts", [])]
            assert len(paths) == len(set(paths)), pod.name


@EACH
def test_claims_are_made_by_those_who_mount_them(overlay: str) -> None:
    claims = found(overlay, "PersistentVolumeClaim")
    mounted = {
        volume["persistentVolumeClaim"]["claimName"]
        for pod in pods(overlay)
        for volume in pod.volumes.values()
        if "persistentVolumeClaim" in volume
    }
    assert mounted == claims


@EACH
def test_volumes_of_the_node_are_bounded(overlay: str) -> None:
    for pod in pods(overlay):
        for volume in pod.volumes.values():
            assert "emptyDir" not in volume or volume["emptyDir"].get("sizeLimit"), pod.name


@EACH
def test_service_accounts_are_there_and_used(overlay: str) -> None:
    named = {pod.spec.get("serviceAccountName", "default") for pod in pods(overlay)} - {"default"}
    assert named == found(overlay, "ServiceAccount")


@EACH
def test_what_is_scaled_is_there(overlay: str) -> None:
    for one in objects(overlay, "HorizontalPodAutoscaler"):
        target = one["spec"]["scaleTargetRef"]
        assert target["name"] in found(overlay, target["kind"])


@EACH
def test_budgets_are_for_one_workload(overlay: str) -> None:
    for one in objects(overlay, "PodDisruptionBudget"):
        meant = [pod for pod in pods(overlay) if selects(one["spec"]["selector"], pod.labels)]
        assert len(meant) == 1, name(one)


@EACH
def test_ingresses_lead_to_services(overlay: str) -> None:
    services = {one["metadata"]["name"]: one["spec"] for one in objects(overlay, "Service")}
    for one in objects(overlay, "Ingress"):
        for rule in one["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                service = path["backend"]["service"]
                ports = {port["name"] for port in services[service["name"]]["ports"]}
                assert service["port"]["name"] in ports


@EACH
def test_what_prometheus_is_told_to_read_is_a_port_of_the_pod(overlay: str) -> None:
    for pod in pods(overlay):
        if pod.annotations.get("prometheus.io/scrape") == "true":
            assert int(pod.annotations["prometheus.io/port"]) in pod.ports.values(), pod.name
            assert pod.annotations["prometheus.io/path"].startswith("/")


@EACH
def test_bytewax_tells_of_itself_and_notes_its_steps_where_it_may_write(overlay: str) -> None:
    for pod in flows(overlay):
        [container] = pod.spec["containers"]
        told = {one["name"]: one.get("value", "") for one in container["env"]}
        assert told["BYTEWAX_DATAFLOW_API_ENABLED"]
        assert int(told["BYTEWAX_DATAFLOW_API_PORT"]) == pod.ports["bytewax"]
        mounted = {one["mountPath"] for one in container["volumeMounts"]}
        assert told["BYTEWAX_DATAFLOW_API_CACHE_PATH"] in mounted


@EACH
def test_what_an_argument_takes_from_the_environment_is_there(overlay: str) -> None:
    """What is not is left as it is written, brackets and all."""
    for pod in pods(overlay):
        for container in pod.containers:
            words = [*container.get("command", []), *container.get("args", [])]
            asked = set(re.findall(r"\$\((\w+)\)", " ".join(words)))
            assert asked <= environment(overlay, pod, container).keys(), pod.name


def shards(overlay: str) -> int:
    [one] = [
        one for one in objects(overlay, "ConfigMap") if plain(one["metadata"]["name"]) == "realtime"
    ]
    return int(one["data"]["REALTIME_SHARDS"])


def flows(overlay: str) -> Iterator[Pods]:
    for pod in pods(overlay):
        if pod.labels["app.kubernetes.io/name"] == "flow":
            yield pod


@EACH
def test_a_flow_has_a_pod_for_each_shard(overlay: str) -> None:
    """A cluster's processes share the shards: there are not more processes than those."""
    for pod in flows(overlay):
        replicas = pod.owner["spec"]["replicas"]
        [container] = pod.spec["containers"]
        told = {one["name"]: one for one in container["env"]}
        if "REALTIME_SHARD" in told:
            assert replicas == shards(overlay), pod.name
            path = told["REALTIME_SHARD"]["valueFrom"]["fieldRef"]["fieldPath"]
            assert path == "metadata.labels['apps.kubernetes.io/pod-index']"
        else:
            assert 1 < replicas <= shards(overlay), pod.name
            assert int(told["PROCESSES"]["value"]) == replicas


def test_a_cluster_lives_and_dies_as_one() -> None:
    [pod] = [pod for pod in flows("prod") if pod.labels["project"] == "interactions"]
    spec = pod.owner["spec"]
    assert spec["podManagementPolicy"] == "Parallel"
    assert spec["updateStrategy"] == {"type": "OnDelete"}
    [container] = pod.spec["containers"]
    assert container["command"][:3] == ["python", "-m", "scripts.flow"]
    # Its keeper makes the recovery state, on the first pod's volume only.
    assert [one["name"] for one in pod.spec["initContainers"]] == ["topics"]
    service = pod.owner["spec"]["serviceName"]
    hosts = container["args"][container["args"].index("--hosts") + 1]
    host, port = hosts.replace("$(PROJECT)", "interactions").split(":")
    assert host == f"{pod.owner['metadata']['name']}-{{}}.{service}"
    assert int(port) == pod.ports["cluster"]
