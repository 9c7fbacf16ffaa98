"""Java, and the jars of Apache Kafka that Maven fetches for `pom.xml`."""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.errors import RealtimeError

HERE = Path(__file__).parent
POM = HERE / "pom.xml"
JARS = HERE.parents[1] / "data" / "kafka" / "lib"
JAVA_NEEDED = 17
FETCH_SECONDS = 600


class KafkaUnavailable(RealtimeError):
    """Apache Kafka cannot run on this machine as it is."""


def missing(jars: Path = JARS) -> str | None:
    """Why Apache Kafka cannot be run here, or None: Java is needed, and Maven until jars are there.

    Runs `java -version`, a tenth of a second.
    """
    version = java_version()
    if version is None:
        return f"there is no `java`; install Java {JAVA_NEEDED} or later"
    if version < JAVA_NEEDED:
        return f"`java` is Java {version}; Apache Kafka needs {JAVA_NEEDED} or later"
    if not _fetched(jars) and shutil.which("mvn") is None:
        return "there is no `mvn` to fetch the jars with; install Maven"
    return None


def java_version() -> int | None:
    """The major version of `java`, None where there is none."""
    if shutil.which("java") is None:
        return None
    asked = subprocess.run(("java", "-version"), capture_output=True, text=True, check=False)  # noqa: S607
    found = re.search(r'version "(\d+)', asked.stderr)
    return int(found[1]) if found else None


def kafka_version() -> str:
    """The version of Apache Kafka that `pom.xml` pins."""
    found = re.search(r"<artifactId>kafka_2\.13</artifactId>\s*<version>(.*?)</version>", _pom())
    assert found is not None  # noqa: S101
    return found[1]


def fetch(jars: Path = JARS) -> Path:
    """Have Maven put the jars of `pom.xml` into `jars`, unless they are there; returns `jars`.

    The first time ever takes as long as 43 MB do, later ones seconds, as Maven keeps what it has
    fetched. Raises KafkaUnavailable if Java or Maven is missing, or Maven fails.
    """
    if reason := missing(jars):
        raise KafkaUnavailable(f"Apache Kafka cannot run here: {reason}")
    with _alone(jars):
        if not _fetched(jars):
            _fetch(jars)
    return jars


def _fetch(jars: Path) -> None:
    partial = jars.with_suffix(".partial")
    for old in (partial, jars):
        shutil.rmtree(old, ignore_errors=True)
    goal = ("dependency:copy-dependencies", "-DincludeScope=runtime")
    maven = ("mvn", "--batch-mode", "--quiet", "--file", str(POM), *goal)
    done = subprocess.run(  # noqa: S603
        (*maven, f"-DoutputDirectory={partial}"),
        capture_output=True,
        text=True,
        check=False,
        timeout=FETCH_SECONDS,
    )
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-10:])
        raise KafkaUnavailable(f"Maven could not fetch the jars of {POM}:\n{last}")
    (partial / POM.name).write_text(_pom())
    partial.rename(jars)


def _fetched(jars: Path) -> bool:
    stamp = jars / POM.name
    return stamp.exists() and stamp.read_text() == _pom()


def _pom() -> str:
    return POM.read_text(encoding="utf-8")


@contextmanager
def _alone(jars: Path) -> Iterator[None]:
    jars.parent.mkdir(parents=True, exist_ok=True)
    with jars.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
