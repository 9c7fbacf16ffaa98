"""`./scripts/kafka start|stop|status`: a local Apache Kafka in the background."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from flows.errors import RealtimeError
from scripts.apache_kafka.jars import KafkaUnavailable, kafka_version
from scripts.apache_kafka.node import Node
from scripts.apache_kafka.serving import is_serving
from scripts.local.ports import is_free

READY_SECONDS = 120.0
STOP_SECONDS = 15.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code, which for `status` is 1 when nothing runs."""
    asked = _parser().parse_args(arguments)
    node = Node(asked.data)
    try:
        if asked.command == "run":
            run(node, asked.port, asked.cluster)
        commands = {"start": lambda: start(node, asked.port), "stop": lambda: stop(node)}
        return commands.get(asked.command, lambda: status(node))()
    except RealtimeError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1


def run(node: Node, port: int, cluster: str | None) -> None:
    """Become the broker: this process goes on as Java, under the same id."""
    command = node.prepare(port, cluster)
    node.pid_file.write_text(str(os.getpid()))
    os.execvp(command[0], command)  # noqa: S606


def start(node: Node, port: int) -> int:
    """Start a broker in the background, and return when it serves."""
    if _running(node):
        return status(node)
    if not is_free(port):
        raise KafkaUnavailable(f"port {port} is taken by another process: choose a --port")
    node.data.mkdir(parents=True, exist_ok=True)
    log = node.data / "kafka.log"
    itself = (sys.executable, "-m", "scripts.apache_kafka", "run", "--data", str(node.data))
    with log.open("w") as output:
        process = subprocess.Popen(  # noqa: S603
            (*itself, "--port", str(port)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    _until_serving(process, port, log)
    return status(node)


def stop(node: Node) -> int:
    """End the broker, gently if it lets itself."""
    process = _running(node)
    if process is None:
        return status(node)
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait()
    _say(f"Apache Kafka with process {process.pid} has ended; its log stays in {node.data}")
    return 0


def status(node: Node) -> int:
    """Tell whether a broker runs on the directory, and where."""
    process = _running(node)
    if process is None:
        _say(f"no Apache Kafka runs on {node.data}")
        return 1
    megabytes = process.memory_info().rss >> 20
    _say(
        f"Apache Kafka {kafka_version()} listens on {node.address()}, cluster {node.cluster()},"
        f" process {process.pid}, {megabytes} MB, state in {node.data}"
    )
    return 0


def _until_serving(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not is_serving(port):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise KafkaUnavailable(f"Apache Kafka did not start: {log.read_text()[-2_000:]}")
        time.sleep(0.2)


def _running(node: Node) -> psutil.Process | None:
    """The broker of this directory; the id alone may belong to another process by now."""
    try:
        process = psutil.Process(int(node.pid_file.read_text()))
        return process if str(node.properties) in process.cmdline() else None
    except (FileNotFoundError, ValueError, psutil.Error):
        return None


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./scripts/kafka", description="A local Apache Kafka in the background."
    )
    parser.add_argument(
        "command", choices=("start", "stop", "status", "run"), help="`run` stays in the foreground"
    )
    parser.add_argument("--port", type=int, default=9092, help="where it listens (9092)")
    parser.add_argument(
        "--data", type=Path, default=Path("data/kafka"), help="its directory (data/kafka)"
    )
    parser.add_argument("--cluster", help="with `run`: the cluster id that a new log gets")
    return parser


if __name__ == "__main__":
    sys.exit(main())
