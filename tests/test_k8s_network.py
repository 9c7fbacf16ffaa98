"""Who may speak to whom: what is needed and nothing else, as the network policies together say."""

from __future__ import annotations

import pytest

from tests.k8s_objects import OVERLAYS, Object, Pods, name, objects, pods, selects

EACH = pytest.mark.parametrize("overlay", OVERLAYS)
OUTSIDE = {"k3d": set(), "prod": {"kafka", "redis", "object-store", "postgresql"}}

FLOW, CLUSTER = "StatefulSet flow-fraud", "StatefulSet flow-interactions"
NEEDED = {
    (FLOW, "kafka", 9092),
    (FLOW, "redis", 6379),
    (FLOW, "mlflow", 5000),
    (FLOW, "object-store", 8333),
    ("Deployment api", "kafka", 9092),
    ("Deployment api", "redis", 6379),
    ("Deployment api", "mlflow", 5000),
    ("Deployment api", "object-store", 8333),
    ("Deployment dashboard", "api", 8000),
    ("Deployment mlflow", "postgresql", 5432),
    ("Deployment mlflow", "object-store", 8333),
    ("Deployment batch-worker", "redis", 6379),
    ("Deployment batch-worker", "mlflow", 5000),
    ("Deployment batch-worker", "object-store", 8333),
    ("CronJob lake-maintenance", "object-store", 8333),
    ("Deployment producer-fraud", "kafka", 9092),
    ("Deployment producer-fraud", "redis", 6379),
}
WATCHERS = ("monitoring", "logging")


def policies(overlay: str, pod: Pods, direction: str) -> list[Object]:
    """The rules of one direction for a pod; empty when nothing is allowed."""
    return [
        rule
        for one in objects(overlay, "NetworkPolicy")
        if direction in one["spec"]["policyTypes"]
        and selects(one["spec"]["podSelector"], pod.labels)
        for rule in one["spec"].get(direction.lower(), [])
    ]


def passes(rule: Object, side: str, peer: Pods, port: int, target: Pods) -> bool:
    peers, ports = rule.get(side), rule.get("ports")
    met = peers is None or any(
        "podSelector" in one
        and "namespaceSelector" not in one
        and selects(one["podSelector"], peer.labels)
        for one in peers
    )
    return met and (
        ports is None or any(target.ports.get(one["port"], one["port"]) == port for one in ports)
    )


def allowed(overlay: str, source: Pods, target: Pods, port: int) -> bool:
    leaves = policies(overlay, source, "Egress")
    enters = policies(overlay, target, "Ingress")
    return any(passes(one, "to", target, port, target) for one in leaves) and any(
        passes(one, "from", source, port, target) for one in enters
    )


def connections(overlay: str) -> set[tuple[str, str, int]]:
    """All that is allowed inside the namespace, but for those who watch."""
    every = pods(overlay)
    return {
        (source.name, target.owner["metadata"]["name"], port)
        for source in every
        for target in every
        for port in target.ports.values()
        if source.labels["app.kubernetes.io/component"] not in WATCHERS
        and target.labels["app.kubernetes.io/component"] not in WATCHERS
        if allowed(overlay, source, target, port)
    }


def like(name: str) -> str:
    """One flow and one producer stand for all of them."""
    for kind in ("flow", "producer"):
        if f" {kind}-" in name:
            return f"{name.split(' ')[0]} {kind}-fraud"
    return name


@EACH
def test_everybody_reaches_what_they_need_and_nobody_else(overlay: str) -> None:
    here = {one["metadata"]["name"] for one in objects(overlay)}
    sources = {pod.name for pod in pods(overlay)}
    expected = {one for one in NEEDED if one[0] in sources and one[1] in here}
    found = {(like(who), *what) for who, *what in connections(overlay) if what[1] != 2101}
    assert found == expected


def test_exporters_reach_what_they_tell_of_and_nothing_else() -> None:
    every = {pod.owner["metadata"]["name"]: pod for pod in pods("k3d")}
    stores = {
        "kafka": 9092,
        "redis": 6379,
        "postgresql": 5432,
        "mlflow": 5000,
        "object-store": 8333,
    }
    for told in ("kafka", "redis", "postgresql"):
        exporter = every[f"{told}-exporter"]
        reached = {
            store for store, port in stores.items() if allowed("k3d", exporter, every[store], port)
        }
        assert reached == {told}


@EACH
def test_nobody_speaks_without_being_named(overlay: str) -> None:
    every = [one for one in objects(overlay, "NetworkPolicy") if not one["spec"]["podSelector"]]
    denying = [one for one in every if not {"ingress", "egress"} & one["spec"].keys()]
    assert [sorted(one["spec"]["policyTypes"]) for one in denying] == [["Egress", "Ingress"]]


def test_only_a_clusters_own_processes_reach_its_port() -> None:
    """What comes there is unpickled."""
    found = {one for one in connections("prod") if one[2] == 2101}
    assert found == {(CLUSTER, "flow-interactions", 2101)}


@EACH
def test_a_policy_is_for_pods_that_are_there(overlay: str) -> None:
    for one in objects(overlay, "NetworkPolicy"):
        meant = [pod for pod in pods(overlay) if selects(one["spec"]["podSelector"], pod.labels)]
        assert meant, name(one)


@EACH
def test_peers_of_policies_are_there_with_their_ports(overlay: str) -> None:
    every = pods(overlay)
    for one in objects(overlay, "NetworkPolicy"):
        own = [pod for pod in every if selects(one["spec"]["podSelector"], pod.labels)]
        for side, direction in (("from", "ingress"), ("to", "egress")):
            for rule in one["spec"].get(direction, []):
                for peer in rule.get(side, []):
                    if "podSelector" not in peer or "namespaceSelector" in peer:
                        continue
                    met = [pod for pod in every if selects(peer["podSelector"], pod.labels)]
                    assert met, name(one)
                    targets = own if side == "from" else met
                    if one["metadata"]["name"].startswith("flow-"):
                        continue
                    for port in rule.get("ports", []):
                        assert any(
                            port["port"] in (*pod.ports, *pod.ports.values()) for pod in targets
                        ), name(one)


def test_ways_out_lead_to_stores_elsewhere_and_never_to_the_clouds_metadata() -> None:
    outside = {
        one["metadata"]["name"]: one["spec"]
        for one in objects("prod", "NetworkPolicy")
        if one["metadata"]["name"].startswith("external-")
    }
    assert {one.removeprefix("external-") for one in outside} == OUTSIDE["prod"]
    for spec in outside.values():
        for rule in spec["egress"]:
            assert rule["ports"]
            assert all("169.254.0.0/16" in to["ipBlock"]["except"] for to in rule["to"])


@EACH
def test_everybody_may_ask_for_names(overlay: str) -> None:
    for pod in pods(overlay):
        rules = policies(overlay, pod, "Egress")
        assert any({"port": 53, "protocol": "UDP"} in rule.get("ports", []) for rule in rules)


@EACH
def test_pages_and_api_are_reached_from_the_ingress(overlay: str) -> None:
    for pod in pods(overlay):
        open_to_ingress = any(
            "namespaceSelector" in peer
            for rule in policies(overlay, pod, "Ingress")
            for peer in rule.get("from", [])
        )
        served = pod.labels["app.kubernetes.io/name"] in ("api", "dashboard")
        watches = pod.labels["app.kubernetes.io/component"] in WATCHERS
        assert open_to_ingress == served or watches, pod.name
