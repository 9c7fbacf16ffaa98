"""The images: what the Dockerfile does, without a daemon to do it."""

from __future__ import annotations

import fnmatch
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator

import pytest

from scripts.apache_kafka.jars import kafka_version
from tests.k8s_container import dockerfile, stages
from tests.k8s_objects import K8S, OVERLAYS, OWN, ROOT, pods
from tests.test_k8s_policy import PINNED

PROGRAMMED = {"flow", "api", "dashboard", "producer", "mlflow"}
TARGETS = {*PROGRAMMED, "kafka"}
PROGRAMS = (
    *("flows.streaming.dataflow", "scripts.flow", "scripts.topics", "scripts.lake"),
    *("scripts.produce", "api.app", "dashboard.app", "mlflow.server", "boto3", "psycopg2"),
)
# Imports modules where the packages of standard input are not there.
IMPORTED = """
import importlib, importlib.abc, re, sys
from importlib.metadata import packages_distributions

absent = set(sys.stdin.read().split())
names = {
    top for top, owners in packages_distributions().items()
    if {re.sub(r"[-_.]+", "-", one).lower() for one in owners} <= absent
}

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in names:
            raise ModuleNotFoundError(name, name=name)

assert "pytest" in names and "redis" not in names
sys.meta_path.insert(0, Absent())
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def told(stage: str, word: str) -> list[str]:
    return [rest for found, rest in stages()[stage] if found == word]


def instructions(word: str) -> Iterator[str]:
    return (rest for found, rest in dockerfile() if found == word)


def test_there_is_a_target_for_each_image_that_the_manifests_name() -> None:
    named = {
        container["image"].split(OWN)[1].split(":")[0]
        for overlay in OVERLAYS
        for pod in pods(overlay)
        for container in pod.containers
        if OWN in container["image"]
    }
    assert named == TARGETS == stages().keys() - {"packages", "base", "agent"}


def test_images_begin_with_one_pinned_python() -> None:
    own = stages().keys()
    bases = {image for image, *_ in map(str.split, instructions("FROM")) if image not in own}
    [base] = [one for one in bases if one.startswith("python:")]
    version = re.fullmatch(r"python:(3\.\d+)\.\d+-slim-\w+", base)
    assert version
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert version[1] in ("3.11", "3.12") and required == ">=3.11,<3.13"


def test_kafka_is_the_one_of_the_tests_with_an_agent_that_is_what_it_was() -> None:
    found = [rest.split() for rest in instructions("FROM")]
    assert [f"apache/kafka:{kafka_version()}", "AS", "kafka"] in found
    assert all(PINNED.fullmatch(image) for image, *_ in found if image not in stages())
    [fetch] = told("agent", "RUN")
    assert re.search(r"jmx_prometheus_javaagent:\d+\.\d+\.\d+ ", fetch)
    assert re.search(r"[0-9a-f]{64}  /agent/\S+\.jar\" \| sha256sum --check$", fetch)
    [kafka] = [pod for pod in pods("k3d") if pod.name == "StatefulSet kafka"]
    [container] = kafka.spec["containers"]
    options = {one["name"]: one["value"] for one in container["env"]}["KAFKA_OPTS"]
    port = kafka.annotations["prometheus.io/port"]
    where = "/opt/agent/jmx_prometheus_javaagent.jar"
    assert options == f"-javaagent:{where}={port}:/etc/realtime/agent.yml"
    assert kafka.ports["metrics"] == int(port)


@pytest.mark.parametrize("target", sorted(PROGRAMMED))
def test_nobody_is_root_and_everything_is_exec(target: str) -> None:
    """A command as a list has no shell before it that would keep signals to itself."""
    uid = told(target, "USER")[-1]
    assert uid == "10001:10001"
    users = {
        pod.spec["securityContext"]["runAsUser"]
        for pod in pods("k3d")
        if f"/{target}:" in pod.spec["containers"][0]["image"]
    }
    assert users == {10001}
    assert all(command.startswith("[") for command in told(target, "CMD"))
    words = [word for word, _ in stages()[target]]
    assert words.index("USER") < words.index("CMD")
    assert "ADD" not in words


def test_packages_are_those_of_the_lock_by_their_hashes() -> None:
    [install] = [run for run in told("packages", "RUN") if "pip install" in run]
    assert {"--require-hashes", "--no-deps"} <= set(install.split())
    assert "--requirement /build/requirements.lock" in install
    assert "apt-get" not in " ".join(instructions("RUN"))


def test_what_is_copied_is_there_and_not_kept_away() -> None:
    kept = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in kept
    sources = [
        source
        for rest in instructions("COPY")
        if "--from" not in rest
        for source in rest.split()[:-1]
    ]
    for source in sources:
        assert (ROOT / source).exists()
        assert f"!{source}" in kept
    assert {line[1:] for line in kept if line.startswith("!")} == set(sources)


@pytest.mark.parametrize(
    "name", [".git", ".env", "data", "k8s/overlays/k3d/secrets/api.env", ".venv"]
)
def test_what_is_private_stays_out(name: str) -> None:
    allowed = [
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    ]
    assert not any(fnmatch.fnmatch(name, f"{one}*") for one in allowed)


def test_commands_in_the_manifests_run_what_is_in_their_image() -> None:
    for overlay in OVERLAYS:
        for pod in pods(overlay):
            for container in pod.containers:
                if OWN not in container["image"] or container["command"][0] != "python":
                    continue
                target = container["image"].split(OWN)[1].split(":")[0]
                module = container["command"][2]
                folders = {rest.split()[0] for rest in told(target, "COPY") if "--from" not in rest}
                assert module.split(".")[0] in folders | {"bytewax"}, pod.name


@pytest.fixture(scope="module")
def pruned() -> set[str]:
    """The packages that images do without."""
    command = (sys.executable, K8S / "prune.py", ROOT / "pyproject.toml")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_images_do_without_what_only_tests_need(pruned: set[str]) -> None:
    assert {"pytest", "mypy", "playwright", "hypothesis", "kubernetes-validate"} <= pruned
    assert not pruned & {"bytewax", "river", "fastapi", "panel", "mlflow", "boto3", "numpy", "pip"}


@pytest.mark.slow
def test_images_hold_all_that_their_programs_import(pruned: set[str]) -> None:
    """What is imported, by us or by others, does without the packages that images do without."""
    done = subprocess.run(
        (sys.executable, "-c", IMPORTED, *PROGRAMS),
        cwd=ROOT,
        input=" ".join(pruned),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
