"""What the overlays build, and what its objects say of pods, for tests of the manifests."""

from __future__ import annotations

import atexit
import base64
import functools
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
K8S = ROOT / "k8s"
OVERLAYS = ("k3d", "prod")
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job")
OWN = "coelho-realtime/"

Object = dict[str, Any]


def kustomize() -> tuple[str, ...]:
    """The command that builds a kustomization; skips where there is none."""
    here = Path(sys.executable).parent / "kustomize"
    if found := shutil.which("kustomize") or (str(here) if here.exists() else None):
        return (found, "build")
    if found := shutil.which("kubectl"):
        return (found, "kustomize")
    pytest.skip("neither kustomize nor kubectl; install one")


@functools.cache
def folder() -> Path:
    """A copy of k8s/ and what it needs, with secrets such as ./scripts/k3d makes."""
    copy = Path(tempfile.mkdtemp(prefix="k8s-"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    kept = shutil.ignore_patterns("*.env", "__pycache__")
    shutil.copytree(K8S / "overlays" / "k3d" / "secrets", copy / "examples", ignore=kept)
    shutil.copytree(K8S, copy / "k8s")
    (copy / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "k3d", copy / "scripts")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for old in (copy / "k8s/overlays/k3d/secrets").glob("*.env"):
        old.unlink()
    subprocess.run([copy / "scripts/k3d", "secrets"], check=True, capture_output=True)
    return copy


@functools.cache
def text_of(overlay: str) -> str:
    """What kustomize prints of an overlay."""
    built = subprocess.run(
        [*kustomize(), str(folder() / "k8s/overlays" / overlay)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return built.stdout


@functools.cache
def _objects(overlay: str) -> tuple[Object, ...]:
    return tuple(yaml.load_all(text_of(overlay), Loader=yaml.CSafeLoader))


def objects(overlay: str, *kinds: str) -> list[Object]:
    """All objects of an overlay, or those of some kinds."""
    return [one for one in _objects(overlay) if not kinds or one["kind"] in kinds]


def name(one: Object) -> str:
    return f"{one['kind']} {one['metadata']['name']}"


def plain(text: str) -> str:
    """A generated object's name without its hash."""
    return re.sub(r"-[a-z0-9]{10}$", "", text)


@dataclass(frozen=True)
class Pods:
    """The pods of a workload: their labels and annotations, and what is in them."""

    owner: Object
    labels: dict[str, str]
    annotations: dict[str, str]
    spec: Object

    @property
    def name(self) -> str:
        return name(self.owner)

    @property
    def containers(self) -> list[Object]:
        """Those that run, then those that prepare."""
        return [*self.spec["containers"], *self.spec.get("initContainers", [])]

    @property
    def ours(self) -> bool:
        """Kafka's image is made by us, what runs in it is not."""
        images = [container["image"] for container in self.spec["containers"]]
        return any(OWN in image and f"{OWN}kafka:" not in image for image in images)

    @property
    def volumes(self) -> dict[str, Object]:
        """By name, claims of a StatefulSet included."""
        claims = self.owner["spec"].get("volumeClaimTemplates", [])
        found = {one["name"]: one for one in self.spec.get("volumes", [])}
        return found | {one["metadata"]["name"]: {"claim": one["spec"]} for one in claims}

    @property
    def ports(self) -> dict[str, int]:
        """By name."""
        return {
            port["name"]: port["containerPort"]
            for container in self.spec["containers"]
            for port in container.get("ports", [])
        }


def pods(overlay: str) -> list[Pods]:
    """The pods of every workload."""
    return [_pods(one) for one in objects(overlay, *WORKLOADS)]


def _pods(one: Object) -> Pods:
    spec = one["spec"]["jobTemplate"]["spec"] if one["kind"] == "CronJob" else one["spec"]
    metadata, found = spec["template"]["metadata"], spec["template"]["spec"]
    return Pods(one, metadata["labels"], metadata.get("annotations", {}), found)


def selects(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a label selector means pods with these labels; an empty one means all."""
    exact: bool = selector.get("matchLabels", {}).items() <= labels.items()
    return exact and all(_expression(one, labels) for one in selector.get("matchExpressions", []))


def _expression(one: Object, labels: dict[str, str]) -> bool:
    value, operator = labels.get(one["key"]), one["operator"]
    if operator in ("Exists", "DoesNotExist"):
        return (value is not None) is (operator == "Exists")
    return (value in one["values"]) is (operator == "In")


def references(value: Any) -> Iterator[tuple[str, str, str]]:
    """Each mention of a ConfigMap or Secret below a value: kind, name, and its key or nothing."""
    if isinstance(value, list):
        for one in value:
            yield from references(one)
    if not isinstance(value, dict):
        return
    for field, kind in REFERENCES.items():
        if isinstance(found := value.get(field), dict):
            named = found.get("name") or found.get("secretName") or ""
            yield kind, str(named), str(found.get("key", ""))
    for one in value.values():
        yield from references(one)


REFERENCES = {
    "configMapRef": "ConfigMap",
    "configMapKeyRef": "ConfigMap",
    "configMap": "ConfigMap",
    "secretRef": "Secret",
    "secretKeyRef": "Secret",
    "secret": "Secret",
}


def environment(overlay: str, pod: Pods, container: Object) -> dict[str, str]:
    """What a container's environment will be; an unknown Secret gives nothing."""
    data = {(one["kind"], one["metadata"]["name"]): one for one in objects(overlay)}
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        for kind, which, _ in references(source):
            found |= contents(data.get((kind, which), {}))
    for one in container.get("env", []):
        found[one["name"]] = one["value"] if "value" in one else _from(one, pod, data)
    return found


def contents(one: Object) -> dict[str, str]:
    """A ConfigMap's or Secret's values in the clear."""
    if one.get("kind") == "Secret":
        return {key: base64.b64decode(value).decode() for key, value in one["data"].items()}
    return dict(one.get("data", {}))


def _from(one: Object, pod: Pods, data: dict[tuple[str, str], Object]) -> str:
    source = one["valueFrom"]
    if field := source.get("fieldRef"):
        labels = pod.labels | {"apps.kubernetes.io/pod-index": "0"}
        label = re.fullmatch(r"metadata\.labels\['(.+)'\]", field["fieldPath"])
        return labels[label[1]] if label else f"<{field['fieldPath']}>"
    [(kind, which, key)] = references(source)
    return contents(data.get((kind, which), {})).get(key, "")
