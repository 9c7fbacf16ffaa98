"""./scripts/k3d as far as it goes without Docker: its secrets, its images, and what it says."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.k8s_objects import K8S, OWN, ROOT, name, objects, pods, selects

SECRETS = "k8s/overlays/k3d/secrets"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the script reads."""
    ignored = shutil.ignore_patterns("*.env")
    shutil.copytree(ROOT / SECRETS, tmp_path / SECRETS, ignore=ignored)
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "k3d", tmp_path / "scripts")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def k3d(
    project: Path, *arguments: str, path: str = "/usr/bin:/bin"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", project / "scripts/k3d", *arguments],
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def values(project: Path) -> dict[str, dict[str, str]]:
    """What each file of secrets says."""
    return {
        path.stem: dict(
            line.split("=", 1) for line in path.read_text().splitlines() if line[:1] != "#"
        )
        for path in (project / SECRETS).glob("*.env")
    }


def test_every_secret_is_made_from_its_example(project: Path) -> None:
    assert k3d(project, "secrets").returncode == 0
    made = values(project)
    assert set(made) == {path.name.split(".")[0] for path in (ROOT / SECRETS).glob("*.example")}
    for one in made.values():
        assert not re.search(r"\{(sha256:)?[a-z_]+\}", " ".join(one.values()))
    assert len(made["realtime"]["REALTIME_SIGNING_KEY"]) == 48


def test_the_same_word_is_the_same_everywhere_and_another_each_time(project: Path) -> None:
    k3d(project, "secrets")
    made = values(project)
    assert made["redis"]["REDIS_PASSWORD"] in made["realtime"]["REALTIME_REDIS_URL"]
    assert made["postgresql"]["POSTGRES_PASSWORD"] in made["mlflow"]["MLFLOW_BACKEND_STORE_URI"]
    options = json.loads(made["realtime"]["REALTIME_LAKE_OPTIONS"])
    assert options["aws_secret_access_key"] == made["object-store"]["AWS_SECRET_ACCESS_KEY"]
    key = made["dashboard"]["REALTIME_API_KEY"]
    [known] = json.loads(made["api"]["REALTIME_API_KEYS"])
    assert known["hash"] == hashlib.sha256(key.encode()).hexdigest()
    secret = {made["redis"]["REDIS_PASSWORD"], key, made["postgresql"]["POSTGRES_PASSWORD"]}
    assert len(secret) == 3


def test_secrets_are_for_their_owner_only(project: Path) -> None:
    k3d(project, "secrets")
    for path in (project / SECRETS).glob("*.env"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_secrets_that_are_there_are_kept(project: Path) -> None:
    """The stores have them: others would lock everybody out."""
    k3d(project, "secrets")
    before = values(project)
    again = k3d(project, "secrets")
    assert "kept" in again.stdout
    assert values(project) == before


@pytest.mark.parametrize("command", ["up", "load", "down"])
def test_a_tool_that_is_missing_is_named(project: Path, command: str, tmp_path: Path) -> None:
    """Before anything is made."""
    few = tmp_path / "bin"
    few.mkdir()
    for tool in ("dirname", "sed", "head", "od", "tr"):
        (few / tool).symlink_to(shutil.which(tool) or f"/usr/bin/{tool}")
    done = k3d(project, command, path=str(few))
    assert done.returncode == 1
    assert re.search(r"error: (docker|k3d) is needed", done.stderr)
    assert values(project) == {}


def test_without_a_command_it_says_what_there_is(project: Path) -> None:
    done = k3d(project)
    assert done.returncode == 2
    assert {"up", "down", "load", "secrets"} <= set(done.stdout.split())


def test_it_makes_every_image_that_the_cluster_pulls() -> None:
    text = (ROOT / "scripts" / "k3d").read_text()
    [made] = re.findall(r"^images=\((.+)\)$", text, re.MULTILINE)
    [registry] = re.findall(r"registry=(\S+)", text)
    pulled = {
        container["image"].rsplit(":", 1)[0]
        for pod in pods("k3d")
        for container in pod.containers
        if OWN in container["image"]
    }
    assert pulled == {f"{registry}/{OWN}{name}" for name in made.split()}


def test_new_images_start_the_pods_that_run_them() -> None:
    text = (ROOT / "scripts" / "k3d").read_text()
    [(key, chosen)] = re.findall(r"rollout restart \S+ --selector '(\S+) in \((.+)\)'", text)
    ours = {
        name(pod.owner)
        for pod in pods("k3d")
        if OWN in pod.spec["containers"][0]["image"] and pod.owner["kind"] != "CronJob"
    }
    expression = {"key": key, "operator": "In", "values": chosen.split(",")}
    workloads = objects("k3d", "Deployment", "StatefulSet")
    found = {
        name(one)
        for one in workloads
        if selects({"matchExpressions": [expression]}, one["metadata"]["labels"])
    }
    assert found == ours


def test_the_cluster_has_that_registry_and_the_pages_their_port() -> None:
    found = yaml.safe_load((K8S / "k3d.yaml").read_text())
    registry = found["registries"]["create"]
    assert (
        f"registry={registry['name']}:{registry['hostPort']}" in (ROOT / "scripts/k3d").read_text()
    )
    assert found["ports"][0]["port"].split(":")[:2] == ["127.0.0.1", "8080"]
    assert re.fullmatch(r"rancher/k3s:v1\.3\d\.\d+-k3s\d", found["image"])
    assert found["metadata"]["name"] in "cluster=realtime"
