"""What an API server refuses though its schemas allow it: names, doubles, and what excludes what.

After the validation of Kubernetes 1.34 (`pkg/apis/*/validation`) and of server-side apply, whose
lists have keys that must not come twice.
"""

from __future__ import annotations

import ipaddress
import re
import zoneinfo
from collections.abc import Iterator
from typing import Any

import pytest

from tests.k8s_objects import OVERLAYS, WORKLOADS, Object, contents, name, objects, pods

EACH = pytest.mark.parametrize("overlay", OVERLAYS)
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
PORT_NAME = re.compile(r"(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*")
LABEL_VALUE = re.compile(r"(?=.{0,63}$)([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
LABEL_KEY = re.compile(rf"({SUBDOMAIN.pattern}/)?(?=[^/]{{1,63}}$)[A-Za-z0-9]([-\w.]*[A-Za-z0-9])?")
DATA_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
MOST_BYTES = 1 << 20
# Names of pods and of revisions are longer than those of whom they belong to.
LONGEST = {"CronJob": 52, "StatefulSet": 52, "Deployment": 47, "Service": 63, "ServiceAccount": 253}
KEYS = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
}


def within(value: Any, field: str = "") -> Iterator[tuple[str, Any]]:
    """Every field below a value, with its name."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield key, one
            yield from within(one, key)
    if isinstance(value, list):
        for one in value:
            yield from within(one, field)


def doubles(entries: list[Object], keys: tuple[str, ...]) -> bool:
    found = [str([one.get(key, "TCP") for key in keys]) for one in entries]
    return len(found) != len(set(found))


@EACH
def test_names_are_those_of_hosts_and_not_too_long(overlay: str) -> None:
    for one in objects(overlay):
        told = one["metadata"]["name"]
        assert SUBDOMAIN.fullmatch(told), name(one)
        assert len(told) <= LONGEST.get(one["kind"], 253), name(one)
        if one["kind"] == "Service":
            assert DNS_LABEL.fullmatch(told), name(one)


@EACH
def test_labels_are_words(overlay: str) -> None:
    for one in objects(overlay):
        for field, value in within(one):
            if field not in ("labels", "matchLabels", "annotations") or not isinstance(value, dict):
                continue
            for key, text in value.items():
                assert LABEL_KEY.fullmatch(key), f"{name(one)}: {key}"
                assert isinstance(text, str), f"{name(one)}: {key}"
                assert field == "annotations" or LABEL_VALUE.fullmatch(text), f"{name(one)}: {text}"


@EACH
def test_nothing_is_in_a_list_twice(overlay: str) -> None:
    """Server-side apply refuses what comes twice under the same key."""
    for one in objects(overlay, *WORKLOADS):
        for field, value in within(one):
            if field in KEYS:
                assert not doubles(value, KEYS[field]), f"{name(one)}: {field}"
            if field == "ports":
                assert not doubles(value, ("containerPort", "protocol")), name(one)
    for one in objects(overlay, "Service"):
        assert not doubles(one["spec"]["ports"], ("port", "protocol")), name(one)
        assert not doubles(one["spec"]["ports"], ("name",)), name(one)


@EACH
def test_names_within_a_pod_are_its_own(overlay: str) -> None:
    for pod in pods(overlay):
        names = [one["name"] for one in pod.containers]
        assert len(names) == len(set(names)), pod.name
        ports = [port["name"] for one in pod.containers for port in one.get("ports", [])]
        assert len(ports) == len(set(ports)), pod.name
        assert all(PORT_NAME.fullmatch(port) for port in ports), pod.name
        for container in pod.containers:
            variables = [one["name"] for one in container.get("env", [])]
            assert all(VARIABLE.fullmatch(one) for one in variables), pod.name
            mounts = [one["mountPath"] for one in container.get("volumeMounts", [])]
            assert all(":" not in path for path in mounts), pod.name


@EACH
def test_a_variable_has_a_value_or_a_source(overlay: str) -> None:
    for pod in pods(overlay):
        for container in pod.containers:
            for one in container.get("env", []):
                assert ("value" in one) != ("valueFrom" in one), f"{pod.name}: {one['name']}"
                assert isinstance(one.get("value", ""), str), f"{pod.name}: {one['name']}"


@EACH
def test_probes_ask_one_thing_and_are_for_what_runs_on(overlay: str) -> None:
    for pod in pods(overlay):
        for container in pod.spec.get("initContainers", []):
            assert not {"livenessProbe", "readinessProbe", "startupProbe"} & container.keys()
        for container in pod.spec["containers"]:
            for which in ("livenessProbe", "startupProbe", "readinessProbe"):
                if probe := container.get(which):
                    kinds = {"httpGet", "exec", "tcpSocket", "grpc"} & probe.keys()
                    assert len(kinds) == 1, pod.name
                    assert probe.get("successThreshold", 1) == 1, pod.name


@EACH
def test_a_pod_starts_again_as_its_owner_may(overlay: str) -> None:
    for pod in pods(overlay):
        policy = pod.spec.get("restartPolicy", "Always")
        once = pod.owner["kind"] in ("CronJob", "Job")
        assert policy in (("Never", "OnFailure") if once else ("Always",)), pod.name


@EACH
def test_updates_are_of_one_kind(overlay: str) -> None:
    for one in objects(overlay, "Deployment", "StatefulSet"):
        strategy = one["spec"].get("strategy") or one["spec"].get("updateStrategy") or {}
        if strategy.get("type") in ("Recreate", "OnDelete"):
            assert not strategy.get("rollingUpdate"), name(one)
        rolling = strategy.get("rollingUpdate") or {}
        assert (rolling.get("maxUnavailable"), rolling.get("maxSurge")) != (0, 0), name(one)


@EACH
def test_files_have_names_and_fit(overlay: str) -> None:
    for one in objects(overlay, "ConfigMap", "Secret"):
        found = contents(one)
        assert all(DATA_KEY.fullmatch(key) for key in found), name(one)
        assert sum(len(text.encode()) for text in found.values()) < MOST_BYTES, name(one)


@EACH
def test_schedules_can_be_kept(overlay: str) -> None:
    for one in objects(overlay, "CronJob"):
        assert one["spec"]["timeZone"] in zoneinfo.available_timezones(), name(one)
        assert re.fullmatch(r"([\d*/,-]+ ){4}[\d*/,-]+", one["spec"]["schedule"]), name(one)


@EACH
def test_budgets_and_scalings_say_one_thing(overlay: str) -> None:
    for one in objects(overlay, "PodDisruptionBudget"):
        assert len({"minAvailable", "maxUnavailable"} & one["spec"].keys()) == 1, name(one)
    owners = {pod.owner["metadata"]["name"]: pod for pod in pods(overlay)}
    for one in objects(overlay, "HorizontalPodAutoscaler"):
        pod = owners[one["spec"]["scaleTargetRef"]["name"]]
        for metric in one["spec"]["metrics"]:
            kind = metric["resource"]["name"]
            assert all(kind in c["resources"]["requests"] for c in pod.spec["containers"])


@EACH
def test_policies_name_ports_and_networks_that_can_be(overlay: str) -> None:
    for one in objects(overlay, "NetworkPolicy"):
        spec = one["spec"]
        assert {kind for kind in ("Ingress", "Egress") if kind.lower() in spec} <= {
            *spec["policyTypes"]
        }, name(one)
        for field, value in within(spec):
            if field == "port":
                assert (
                    value in range(1, 65536)
                    if isinstance(value, int)
                    else (PORT_NAME.fullmatch(value))
                ), name(one)
            if field == "ipBlock":
                outer = ipaddress.ip_network(value["cidr"])
                inner = [ipaddress.ip_network(text) for text in value.get("except", [])]
                assert all(net.subnet_of(outer) and net != outer for net in inner)  # type: ignore[arg-type]


@EACH
def test_rights_are_of_roles_and_accounts_that_are_there(overlay: str) -> None:
    here = {(one["kind"], one["metadata"]["name"]) for one in objects(overlay)}
    for one in objects(overlay, "RoleBinding", "ClusterRoleBinding"):
        assert (one["roleRef"]["kind"], one["roleRef"]["name"]) in here, name(one)
        for subject in one["subjects"]:
            assert (subject["kind"], subject["name"]) in here, name(one)
            assert subject["namespace"] == "coelho-realtime", name(one)


def test_a_double_would_be_found() -> None:
    assert doubles([{"name": "a"}, {"name": "b"}, {"name": "a"}], ("name",))
    twice: list[Object] = [{"containerPort": 1}, {"containerPort": 1, "protocol": "TCP"}]
    assert doubles(twice, ("containerPort", "protocol"))
    assert not doubles([{"containerPort": 1}, {"containerPort": 2}], ("containerPort", "protocol"))


@pytest.mark.parametrize("told", ["Api", "-a", "a_b", "a" * 16, "1", "a--b", ""])
def test_a_port_that_is_not_named_like_one_would_be_found(told: str) -> None:
    assert not PORT_NAME.fullmatch(told)
