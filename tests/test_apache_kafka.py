"""`./scripts/kafka` runs Apache Kafka, keeps its log, and says why where it cannot."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import psutil
import pytest
from confluent_kafka.admin import AdminClient

from flows.settings import Settings
from scripts.apache_kafka import __main__ as command
from scripts.apache_kafka import jars
from scripts.apache_kafka.node import Node, new_cluster
from scripts.kafka import Record
from scripts.local.ports import free_port
from scripts.topics import ensure_topics
from tests.examples import VISITS
from tests.flow_process import send
from tests.topic_reader import read_topic

ROOT = Path(__file__).parents[1]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Makes the only programs that are found: `programs("java", "exit 0")`."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))

    def make(name: str, script: str) -> None:
        (directory / name).write_text(f"#!/bin/sh\n{script}\n")
        (directory / name).chmod(0o755)

    return make


def java(version: str) -> str:
    return f"echo 'openjdk version \"{version}\" 2025-01-01' >&2"


@pytest.mark.usefixtures("programs")
def test_without_java_it_says_so(tmp_path: Path) -> None:
    assert jars.missing(tmp_path) == "there is no `java`; install Java 17 or later"


@pytest.mark.parametrize("version", ["11.0.2", "1.8.0_292"])
def test_an_old_java_is_named(
    programs: Callable[[str, str], None], tmp_path: Path, version: str
) -> None:
    programs("java", java(version))
    assert "Apache Kafka needs 17 or later" in (jars.missing(tmp_path) or "")


def test_maven_is_needed_only_until_the_jars_are_there(
    programs: Callable[[str, str], None], tmp_path: Path
) -> None:
    programs("java", java("21"))
    assert "no `mvn`" in (jars.missing(tmp_path) or "")
    (tmp_path / "pom.xml").write_text(jars.POM.read_text())
    assert jars.missing(tmp_path) is None
    assert jars.fetch(tmp_path) == tmp_path


def test_jars_of_another_version_are_fetched_anew(
    programs: Callable[[str, str], None], tmp_path: Path
) -> None:
    programs("java", java("17.0.1"))
    programs("mvn", 'for a; do case $a in -DoutputD*) /bin/mkdir "${a#*=}"; esac; done')
    lib = tmp_path / "lib"
    lib.mkdir()
    (lib / "pom.xml").write_text("<project/>")
    (lib / "kafka-0.8.jar").touch()
    jars.fetch(lib)
    assert [path.name for path in lib.iterdir()] == ["pom.xml"]
    assert (lib / "pom.xml").read_text() == jars.POM.read_text()


def test_a_failure_of_maven_is_shown(programs: Callable[[str, str], None], tmp_path: Path) -> None:
    programs("java", java("17"))
    programs("mvn", "echo no such artifact; exit 1")
    with pytest.raises(jars.KafkaUnavailable, match=r"(?s)Maven could not.*no such artifact"):
        jars.fetch(tmp_path / "lib")
    assert not (tmp_path / "lib").exists()


def test_versions_are_pinned_and_no_host_is_named() -> None:
    pom = ElementTree.parse(jars.POM)  # noqa: S314 - our own file
    versions = [element.text or "" for element in pom.iter("version")]
    assert len(versions) == 4
    assert all(version[0].isdigit() and "," not in version for version in versions)
    assert jars.kafka_version() in versions
    assert "://" not in jars.POM.read_text()


def test_cluster_ids_differ() -> None:
    assert len({new_cluster() for _ in range(10)}) == 10


def test_a_directory_that_nothing_runs_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("status", "stop"):
        assert command.main([name, "--data", str(tmp_path)]) == 1
        assert f"no Apache Kafka runs on {tmp_path}" in capsys.readouterr().out


def test_an_id_that_another_process_has_by_now_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with subprocess.Popen(("sleep", "60")) as other:
        (tmp_path / "kafka.pid").write_text(str(other.pid))
        assert command.main(["stop", "--data", str(tmp_path)]) == 1
        assert other.poll() is None
        other.kill()
    assert "no Apache Kafka runs" in capsys.readouterr().out


def test_a_taken_port_is_named(tmp_path: Path, redis_url: str) -> None:
    port = redis_url.rsplit(":", 1)[1].split("/")[0]
    done = kafka("start", tmp_path, "--port", port)
    assert done.returncode == 1
    assert f"port {port} is taken" in done.stderr


def kafka(name: str, data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ("./scripts/kafka", name, "--data", str(data), *arguments),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def started(data: Path) -> Iterator[Settings]:
    """A broker in the background, at another port each time; afterwards it has ended."""
    port = free_port()
    done = kafka("start", data, "--port", str(port))
    try:
        assert done.returncode == 0, done.stderr
        assert f"listens on 127.0.0.1:{port}, cluster {Node(data).cluster()}" in done.stdout
        process = psutil.Process(int(Node(data).pid_file.read_text()))
        yield Settings(_env_file=None, kafka_bootstrap=f"127.0.0.1:{port}")
    finally:
        ended = kafka("stop", data)
    assert ended.returncode == 0
    assert not process.is_running()


@pytest.mark.skipif(jars.missing() is not None, reason=f"no Apache Kafka: {jars.missing()}")
def test_what_was_sent_is_there_after_a_restart(tmp_path: Path) -> None:
    data, project = tmp_path / "kafka", replace(VISITS, topic="kept")
    with started(data) as first:
        ensure_topics(project, first)
        send(first, project.topic, [Record(b"key", b"one"), Record(b"key", b"two")])
        cluster = cluster_of(first)
        again = kafka("start", data)
        assert f"listens on {first.kafka_bootstrap}" in again.stdout
    with started(data) as second:
        assert cluster_of(second) == cluster
        assert ensure_topics(project, second) == []
        send(second, project.topic, [Record(b"key", b"three")])
        found = read_topic(second.kafka_bootstrap, project.topic, 3)
    assert [one.value() for one in found] == [b"one", b"two", b"three"]
    assert [one.offset() for one in found] == [0, 1, 2]


def cluster_of(settings: Settings) -> str:
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    return str(admin.list_topics(timeout=10).cluster_id)


def test_topics_are_not_made_by_asking_for_them(
    apache_broker: str, unique: Callable[[str], str]
) -> None:
    admin, topic = AdminClient({"bootstrap.servers": apache_broker}), unique("asked")
    admin.list_topics(topic, timeout=10)
    assert topic not in admin.list_topics(timeout=10).topics
