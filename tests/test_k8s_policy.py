"""What every pod owes: least rights, true probes, limits, pinned images, time to end in order."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from flows.streaming.signals import GRACE_SECONDS
from scripts.local.parts import SNAPSHOT_SECONDS
from tests.k8s_objects import K8S, OVERLAYS, OWN, ROOT, Object, Pods, name, objects, pods, selects

PINNED = re.compile(r"[\w./:-]+:v?\d[\w.-]*(@sha256:[0-9a-f]{64})?")
QUANTITY = re.compile(r"(\d+(?:\.\d+)?)(m|Ki|Mi|Gi)?")
UNITS = {None: 1.0, "m": 0.001, "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30}
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
# What asks the cluster's own API, and so needs a token: who discovers pods, and who reads logs.
ASK_THE_CLUSTER = {"prometheus", "alloy", "kube-state-metrics", "grafana-alloy", "vector"}

EACH = pytest.mark.parametrize("overlay", OVERLAYS)


def amount(text: object) -> float:
    """A quantity as a number."""
    found = QUANTITY.fullmatch(str(text))
    assert found, text
    return float(found[1]) * UNITS[found[2]]


@EACH
def test_pods_are_restricted(overlay: str) -> None:
    """The restricted pod security standard, and a root file system that nobody writes to."""
    for pod in pods(overlay):
        context: Any = pod.spec["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] >= 1
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not any(pod.spec.get(field) for field in ("hostNetwork", "hostPID", "hostIPC"))
        kinds = {"configMap", "emptyDir", "secret", "claim", "persistentVolumeClaim", "projected"}
        assert all(set(volume) - {"name"} <= kinds for volume in pod.volumes.values())
        for container in pod.containers:
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False
            assert own["readOnlyRootFilesystem"] is True
            assert own["capabilities"] == {"drop": ["ALL"]}
            assert not own.get("privileged") and own.get("runAsNonRoot", True)


@EACH
def test_workloads_carry_the_labels_by_which_people_choose_their_pods(overlay: str) -> None:
    for pod in pods(overlay):
        own = pod.owner["metadata"]["labels"]
        asked = {key for key in pod.labels if key.startswith("app.kubernetes.io/")}
        assert {key.split("/")[1] for key in asked} == {"name", "component", "part-of"}, pod.name
        for key in asked | ({"project"} & pod.labels.keys()):
            assert own.get(key) == pod.labels[key], pod.name


@EACH
def test_pods_have_no_token_they_do_not_need(overlay: str) -> None:
    for pod in pods(overlay):
        if pod.labels["app.kubernetes.io/name"] not in ASK_THE_CLUSTER:
            assert pod.spec["automountServiceAccountToken"] is False


@EACH
def test_containers_ask_for_what_they_may_use_at_most(overlay: str) -> None:
    for pod in pods(overlay):
        for container in pod.containers:
            requests, limits = container["resources"]["requests"], container["resources"]["limits"]
            for kind in ("cpu", "memory"):
                assert 0 < amount(requests[kind]) <= amount(limits[kind]), container["name"]


def asked(pod: Pods, kind: str) -> float:
    """What all pods of a workload ask for: their containers together, or the greediest before."""
    wanted = [amount(one["resources"]["requests"][kind]) for one in pod.spec["containers"]]
    before = [
        amount(one["resources"]["requests"][kind]) for one in pod.spec.get("initContainers", [])
    ]
    return max(sum(wanted), *before, 0.0) * float(pod.owner["spec"].get("replicas", 1))


def test_the_local_cluster_fits_into_what_the_readme_asks_for() -> None:
    """Beside k3s itself, which takes about a gigabyte and half a core."""
    [told] = re.findall(r"(\d+) GB and (two|four) cores", (K8S / "README.md").read_text())
    running = [pod for pod in pods("k3d") if pod.owner["kind"] != "CronJob"]
    assert sum(asked(pod, "memory") for pod in running) < (float(told[0]) - 1) * 10**9
    cores = {"two": 2, "four": 4}[told[1]]
    assert sum(asked(pod, "cpu") for pod in running) < cores - 0.5


@EACH
def test_images_are_pinned(overlay: str) -> None:
    for pod in pods(overlay):
        for container in pod.containers:
            image = container["image"]
            assert PINNED.fullmatch(image), image
            if OWN in image:
                assert image.endswith(f":{VERSION}"), image


@EACH
def test_what_runs_for_ever_is_probed(overlay: str) -> None:
    """Readiness and liveness differ in what they ask, or in their patience."""
    for pod in pods(overlay):
        if pod.owner["kind"] in ("CronJob", "Job"):
            continue
        for container in pod.spec["containers"]:
            ready, alive = container["readinessProbe"], container["livenessProbe"]
            assert ready != alive, container["name"]
            assert patience(ready) < patience(alive), container["name"]
            ports = {port["name"] for port in container["ports"]}
            for probe in (ready, alive, container["startupProbe"]):
                kind = next(kind for kind in ("httpGet", "exec", "tcpSocket") if kind in probe)
                assert kind == "exec" or probe[kind]["port"] in ports


def patience(probe: Object) -> int:
    """Seconds of failing before a probe has failed."""
    return int(probe["periodSeconds"]) * int(probe.get("failureThreshold", 3))


@EACH
def test_our_own_are_asked_over_http(overlay: str) -> None:
    """A port that is open says nothing of work that is done."""
    for pod in pods(overlay):
        if not pod.ours or pod.owner["kind"] == "CronJob":
            continue
        [container] = pod.spec["containers"]
        assert all(
            "httpGet" in container[f"{what}Probe"] for what in ("startup", "readiness", "liveness")
        )


@EACH
def test_a_flow_is_alive_by_its_epochs(overlay: str) -> None:
    flows = [pod for pod in pods(overlay) if pod.labels["app.kubernetes.io/name"] == "flow"]
    for pod in flows:
        [container] = pod.spec["containers"]
        assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "metrics"}
        assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "metrics"}
        assert patience(container["startupProbe"]) > 90 + 2 * SNAPSHOT_SECONDS
        # A cluster that starts its processes again, after at most 30 s, is not ended meanwhile.
        assert patience(container["livenessProbe"]) > 45
    assert flows


@EACH
def test_flows_have_time_to_end_in_order(overlay: str) -> None:
    for pod in pods(overlay):
        if pod.labels["app.kubernetes.io/name"] == "flow":
            grace = pod.spec["terminationGracePeriodSeconds"]
            assert grace > max(GRACE_SECONDS, SNAPSHOT_SECONDS) + 10


@EACH
def test_everybody_has_time_to_end(overlay: str) -> None:
    for pod in pods(overlay):
        if pod.owner["kind"] not in ("CronJob", "Job"):
            assert pod.spec["terminationGracePeriodSeconds"] >= 15 or pod.ours is False
        if pod.labels["app.kubernetes.io/name"] == "api":
            assert pod.spec["terminationGracePeriodSeconds"] > 10 + 5


@EACH
def test_what_has_several_pods_keeps_some_while_nodes_are_drained(overlay: str) -> None:
    budgets = [one["spec"] for one in objects(overlay, "PodDisruptionBudget")]
    scaled = {
        one["spec"]["scaleTargetRef"]["name"] for one in objects(overlay, "HorizontalPodAutoscaler")
    }
    for pod in pods(overlay):
        several = pod.owner["spec"].get("replicas", 1) > 1
        if not several and pod.owner["metadata"]["name"] not in scaled:
            continue
        kept = [b for b in budgets if b["selector"]["matchLabels"].items() <= pod.labels.items()]
        assert len(kept) == 1, pod.name
        assert kept[0]["maxUnavailable"] == 1


def test_production_has_several_of_what_serves() -> None:
    targets = {
        one["metadata"]["name"]: one["spec"] for one in objects("prod", "HorizontalPodAutoscaler")
    }
    assert targets.keys() == {"api", "dashboard"}
    assert all(2 <= one["minReplicas"] < one["maxReplicas"] for one in targets.values())
    deployments = {one["metadata"]["name"]: one["spec"] for one in objects("prod", "Deployment")}
    assert all("replicas" not in deployments[one] for one in targets), (
        "apply would undo the scaling"
    )


@EACH
def test_several_pods_of_what_serves_are_on_several_nodes(overlay: str) -> None:
    by_name = {pod.owner["metadata"]["name"]: pod for pod in pods(overlay)}
    for serving in ("api", "dashboard"):
        [spread] = by_name[serving].spec["topologySpreadConstraints"]
        assert spread["topologyKey"] == "kubernetes.io/hostname"
        # Of two nodes that are full one may have both: better than none.
        assert spread["whenUnsatisfiable"] == "ScheduleAnyway"
        assert selects(spread["labelSelector"], by_name[serving].labels)


@EACH
def test_the_namespace_refuses_what_is_not_restricted(overlay: str) -> None:
    [one] = objects(overlay, "Namespace")
    assert one["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@EACH
def test_nobody_may_ask_the_cluster_for_secrets_or_for_everything(overlay: str) -> None:
    for one in objects(overlay, "Role", "ClusterRole"):
        for rule in one["rules"]:
            assert "*" not in [*rule.get("resources", []), *rule["verbs"]], name(one)
            assert "secrets" not in rule.get("resources", []), name(one)
            assert {*rule["verbs"]} <= {"get", "list", "watch"}, name(one)
