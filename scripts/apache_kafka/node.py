"""One Kafka broker with its own controller and log directory: its files and its command."""

from __future__ import annotations

import base64
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path

from scripts.apache_kafka.jars import HERE, KafkaUnavailable, fetch
from scripts.local.ports import free_port

# Small enough for a machine that runs everything else too, quick enough for tests of retention.
PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "auto.create.topics.enable": "false",
    "default.replication.factor": 1,
    "min.insync.replicas": 1,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "share.coordinator.state.topic.num.partitions": 1,
    "group.initial.rebalance.delay.ms": 0,
    "num.network.threads": 2,
    "num.io.threads": 2,
    "num.replica.fetchers": 1,
    "log.cleaner.dedupe.buffer.size": 4 << 20,
    "log.initial.task.delay.ms": 1_000,
    "log.retention.check.interval.ms": 1_000,
    # Generated events may be dated long ago, and would be deleted at once.
    "log.retention.ms": -1,
    "log.segment.delete.delay.ms": 1_000,
    "metadata.log.segment.bytes": 8 << 20,
}
BROKER_MEMORY = ("-Xms64m", "-Xmx512m")
FORMAT_MEMORY = ("-Xmx128m", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
FORMAT_SECONDS = 120


class Node:
    """A broker whose log is `data`/log. What is in it survives a stop, and so does its cluster."""

    def __init__(self, data: Path) -> None:
        self.data = data.absolute()
        self.properties = self.data / "server.properties"
        self.pid_file = self.data / "kafka.pid"
        self._log = self.data / "log"

    def prepare(self, port: int, cluster: str | None = None) -> tuple[str, ...]:
        """Make ready to listen on the loopback `port`; returns the command that runs the broker.

        A log that is new gets `cluster` as its cluster id, one of its own if None. Raises
        KafkaUnavailable if Kafka cannot run here or does not format the log.
        """
        jars = fetch()
        self.data.mkdir(parents=True, exist_ok=True)
        self.properties.write_text(_lines(self._properties(port)))
        if self.cluster() is None:
            self._format(jars, cluster or new_cluster())
        return (*_java(jars, BROKER_MEMORY), "kafka.Kafka", str(self.properties))

    def cluster(self) -> str | None:
        """The cluster id of the log, None before there is one."""
        return _read(self._log / "meta.properties").get("cluster.id")

    def address(self) -> str | None:
        """Where it listens, or did last."""
        listener = _read(self.properties).get("advertised.listeners")
        return listener and listener.removeprefix("PLAINTEXT://")

    def _properties(self, port: int) -> Mapping[str, object]:
        broker, controller = f"127.0.0.1:{port}", f"127.0.0.1:{free_port()}"
        return PROPERTIES | {
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{broker}",
            "log.dirs": self._log,
        }

    def _format(self, jars: Path, cluster: str) -> None:
        tool = (*_java(jars, FORMAT_MEMORY), "kafka.tools.StorageTool", "format")
        done = subprocess.run(  # noqa: S603
            (*tool, "--cluster-id", cluster, "--config", str(self.properties)),
            capture_output=True,
            text=True,
            check=False,
            timeout=FORMAT_SECONDS,
        )
        if done.returncode:
            said = (done.stdout + done.stderr).strip()
            raise KafkaUnavailable(f"Kafka did not format {self._log}: {said}")


def new_cluster() -> str:
    """A cluster id as Kafka makes them: 16 random bytes in the alphabet of URLs."""
    return base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")


def _java(jars: Path, memory: tuple[str, ...]) -> tuple[str, ...]:
    quiet = f"-Dlog4j2.configurationFile={HERE / 'log4j2.xml'}"
    return ("java", *memory, "-XX:+UseSerialGC", quiet, "-cp", f"{jars}/*")


def _lines(values: Mapping[str, object]) -> str:
    return "".join(f"{name}={value}\n" for name, value in values.items())


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}
