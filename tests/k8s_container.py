"""Containers of the manifests as processes here: their command, environment and files as written.

Where the machine lets us, a process is alone in its process namespace (so that it gets no signal
that it does not handle), has no capabilities, and can write to its volumes only, as in a cluster.
"""

from __future__ import annotations

import functools
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx2
import psutil

from tests.k8s_objects import K8S, ROOT, Object, Pods, environment
from tests.log_ending import ending

PATIENCE_SECONDS = 280.0
PROGRAMS = Path(sys.executable).parent
CONTAIN = """
set -e
mount --make-rprivate /
mount -o remount,bind,ro /
for place in "$0" "$1"; do
  mount --bind "$place" "$place"
  mount -o remount,bind,rw "$place"
done
shift
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
"""


def contain(volumes: Path, outside: Path) -> tuple[str, ...]:
    """What confines a command to its volumes, and to what stands for a store."""
    alone = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    return (*alone, "sh", "-c", CONTAIN, str(volumes), str(outside))


@functools.cache
def containable() -> bool:
    """May we, and does Python run like that?"""
    place = Path(tempfile.gettempdir())
    probe = (*contain(place, place), sys.executable, "-c", "import pydantic")
    try:
        return subprocess.run(probe, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@functools.cache
def dockerfile() -> list[tuple[str, str]]:
    """Instructions and what they are told, in order."""
    joined = re.sub(r"\\\n\s*", " ", (K8S / "Dockerfile").read_text())
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    return [(word, rest.strip()) for word, rest in (line.split(maxsplit=1) for line in lines)]


def stages() -> dict[str, list[tuple[str, str]]]:
    """The instructions of each stage by its name, those of the stages it is made from first."""
    found: dict[str, list[tuple[str, str]]] = {}
    name = ""
    for word, rest in dockerfile():
        if word == "FROM":
            image, _, name = rest.split()
            found[name] = list(found.get(image, []))
        found[name].append((word, rest))
    return found


def unpack(target: str, folder: Path) -> dict[str, str]:
    """Lay out an image's working directory, and return the environment that the image sets."""
    variables: dict[str, str] = {}
    folder.mkdir(parents=True, exist_ok=True)
    for word, rest in stages()[target]:
        if word == "COPY" and "--from" not in rest:
            source, place = rest.split()
            ignored = shutil.ignore_patterns("__pycache__", "screenshots")
            shutil.copytree(ROOT / source, folder / place, ignore=ignored, dirs_exist_ok=True)
        if word == "ENV":
            variables |= dict(pair.split("=", 1) for pair in rest.split())
    return variables


@dataclass
class Container:
    """One container of a pod. `places` are texts of the manifests with what they are here."""

    overlay: str
    pod: Pods
    told: Object
    home: Path
    outside: Path
    places: Mapping[str, str]
    extra: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)

    @property
    def volumes(self) -> Path:
        return self.home / "volumes"

    def here(self, text: str) -> str:
        """A text of the manifests with this machine's places."""
        for old, new in self.places.items():
            text = text.replace(old, new)
        return text.replace("/var/lib/realtime", str(self.volumes / "state"))

    def environment(self) -> dict[str, str]:
        """The image's and the pod's, and nothing of ours but where Python is."""
        image = unpack(self.told["image"].split("/")[-1].split(":")[0], self.home / "image")
        path = f"{PROGRAMS}:/usr/local/bin:/usr/bin:/bin"
        folders = {"PATH": path, "HOME": str(self.volumes), "TMPDIR": str(self.volumes)}
        found = environment(self.overlay, self.pod, self.told)
        given = {name: self.here(value) for name, value in {**found, **self.extra}.items()}
        return {**image, **folders, **given}

    def command(self) -> list[str]:
        """What is executed, with $(NAME) filled in as Kubernetes does."""
        known = {**environment(self.overlay, self.pod, self.told), **self.extra}
        written: list[str] = [*self.told["command"], *self.told.get("args", [])]
        program, *words = written
        filled = [re.sub(r"\$\((\w+)\)", lambda name: known[name[1]], word) for word in words]
        return [str(PROGRAMS / program), *map(self.here, filled)]

    def run(self) -> subprocess.CompletedProcess[str]:
        """Run to the end, as the kubelet does with those that prepare, and with jobs."""
        started = self.start()
        return started.finish()

    def start(self) -> Running:
        """Start it. Its output goes to a file."""
        (self.volumes / "state").mkdir(parents=True, exist_ok=True)
        return Running(self, PATIENCE_SECONDS)


class Running:
    """A container that runs."""

    def __init__(self, container: Container, patience: float) -> None:
        self.container = container
        self._patience = patience
        self.log = container.home / f"{container.told['name']}.{time.monotonic_ns()}.log"
        confined = contain(container.volumes, container.outside) if containable() else ()
        environment = container.environment()
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [*confined, *container.command()],
                cwd=container.home / "image",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def output(self) -> str:
        return self.log.read_text()

    def probe(self, which: str) -> tuple[int, str]:
        """Ask as the kubelet does; status 0 when nobody answers."""
        ask: Any = self.container.told[f"{which}Probe"]["httpGet"]
        url = f"http://127.0.0.1:{self.container.ports[ask['port']]}{ask['path']}"
        try:
            answer = httpx2.get(url, timeout=10)
        except httpx2.TransportError as error:
            return 0, str(error)
        return answer.status_code, answer.text

    def until_ready(self) -> None:
        """Wait for the startup probe and then for readiness."""
        deadline = time.monotonic() + self._patience
        for which in ("startup", "readiness"):
            while (said := self.probe(which))[0] != 200:
                assert self._process.poll() is None, ending(self.log)
                assert time.monotonic() < deadline, f"{which}: {said}\n{ending(self.log)}"
                time.sleep(0.2)

    def terminate(self) -> None:
        """SIGTERM to the container's first process, even where that is number 1."""
        first = psutil.Process(self._process.pid)
        if containable():
            [first] = first.children()
        first.send_signal(signal.SIGTERM)

    def finish(self) -> subprocess.CompletedProcess[str]:
        """Wait for its end."""
        code = self._process.wait(self._patience)
        return subprocess.CompletedProcess(self.container.command(), code, self.output())

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.terminate()
        return self.finish().returncode
