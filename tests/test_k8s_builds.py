"""The manifests: every overlay builds, from one definition of each thing, into valid objects."""

from __future__ import annotations

import re
from collections import Counter

import kubernetes_validate
import pytest
import yaml

from flows.projects import PROJECTS
from tests.k8s_objects import K8S, OVERLAYS, WORKLOADS, Object, name, objects, text_of

BUILT_IN = re.compile(r"v1|(apps|batch|policy|autoscaling)/v\d|[a-z.]+\.k8s\.io/v\d")
LONGEST_FILE = 45
LONGEST_PROJECT = 10
MANIFESTS = [path for path in sorted(K8S.rglob("*.yaml")) if path.name != "k3d.yaml"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_builds_objects_that_are_there_once(overlay: str) -> None:
    found = Counter(name(one) for one in objects(overlay))
    assert {one for one, count in found.items() if count > 1} == set()
    assert {"StatefulSet flow-fraud", "Deployment api", "Deployment dashboard"} <= found.keys()


@pytest.mark.parametrize("version", ["1.30.0", "1.34.0", "1.37.0"])
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_object_is_valid(overlay: str, version: str) -> None:
    """Against Kubernetes' own schemas, with no field that they do not know."""
    wrong = {}
    for one in objects(overlay):
        try:
            kubernetes_validate.validate(one, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            wrong[name(one)] = error.message
    assert wrong == {}


def test_a_field_that_no_schema_knows_would_be_found() -> None:
    [api] = [one for one in objects("prod", "Deployment") if one["metadata"]["name"] == "api"]
    odd: Object = yaml.safe_load(yaml.safe_dump(api))
    odd["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readynessProbe"):
        kubernetes_validate.validate(odd, "1.34.0", strict=True)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_needs_a_definition_of_its_own(overlay: str) -> None:
    assert [
        name(one) for one in objects(overlay) if not BUILT_IN.fullmatch(one["apiVersion"])
    ] == []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_everything_is_in_one_namespace_and_carries_the_common_labels(overlay: str) -> None:
    cluster_wide = {"Namespace", "ClusterRole", "ClusterRoleBinding"}
    for one in objects(overlay):
        labels = one["metadata"].get("labels", {})
        assert labels.get("app.kubernetes.io/part-of") == "coelho-realtime", name(one)
        if one["kind"] not in cluster_wide:
            assert one["metadata"]["namespace"] == "coelho-realtime", name(one)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_project_has_a_flow(overlay: str) -> None:
    flows = {one["metadata"]["name"] for one in objects(overlay, "StatefulSet")}
    assert {one for one in flows if one.startswith("flow-")} == {f"flow-{s}" for s in PROJECTS}


def test_every_project_has_a_producer_where_events_are_generated() -> None:
    producers = {one["metadata"]["name"] for one in objects("k3d", "Deployment")}
    assert {one for one in producers if one.startswith("producer-")} == {
        f"producer-{slug}" for slug in PROJECTS
    }
    assert "kind: Deployment\nmetadata:\n  name: producer" not in text_of("prod")


@pytest.mark.parametrize("kind", ["flows", "producers"])
def test_a_projects_manifest_is_its_name_and_nothing_else(kind: str) -> None:
    """Short, and the same for all but for the name: everything else is in one definition."""
    texts = {
        slug: (K8S / "base" / kind / slug / "kustomization.yaml").read_text() for slug in PROJECTS
    }
    assert all(len(text.splitlines()) <= LONGEST_PROJECT for text in texts.values())
    assert len({re.sub(rf"\b{slug}\b", "SLUG", text) for slug, text in texts.items()}) == 1


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: str(path.relative_to(K8S)))
def test_a_manifest_is_short(path: object) -> None:
    lines = path.read_text().splitlines()  # type: ignore[attr-defined]
    assert len(lines) <= LONGEST_FILE
    assert max(map(len, lines)) <= 160


def test_overlays_define_no_workload_of_their_own() -> None:
    for path in (K8S / "overlays").rglob("*.yaml"):
        kinds = {one.get("kind") for one in yaml.safe_load_all(path.read_text())}
        assert not kinds & {*WORKLOADS, "Service", "ConfigMap", "Secret"}, path


def test_no_secret_is_in_git() -> None:
    """Examples name what there is, and each secret in them is a word, filled in elsewhere."""
    ignored = (K8S.parent / ".gitignore").read_text().splitlines()
    assert "k8s/overlays/*/secrets/*.env" in ignored
    for path in K8S.rglob("*.example"):
        for line in path.read_text().splitlines():
            secret = re.search(r"(PASSWORD|SECRET|KEY|KEYS|URL|URI|OPTIONS)=", line)
            harmless = "AWS_ACCESS_KEY_ID=realtime", "MLFLOW_S3_ENDPOINT_URL=http://object-store"
            if secret and not line.startswith(("#", *harmless)):
                assert re.search(r"\{(sha256:)?[a-z_]+\}", line), f"{path.name}: {line}"
