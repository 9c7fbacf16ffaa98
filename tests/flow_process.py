"""A flow as the process that it is in production, and what its neighbours hold."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import msgspec
import polars as pl
from bytewax.recovery import init_db_dir
from confluent_kafka import Consumer, Message, TopicPartition
from deltalake import DeltaTable

from flows.learning import codec
from flows.projects import fraud
from flows.projects.spec import Project
from flows.settings import Settings
from flows.stores.live import Facts, LiveStore, connect
from scripts.kafka import Record, Sender
from scripts.local.environment import environment
from scripts.local.parts import entry
from scripts.stop import Stop
from tests.examples import fraud_values
from tests.log_ending import ending

PATIENCE_SECONDS = 90.0

T = TypeVar("T")


class FlowProcess:
    """`python -m bytewax.run flows.<slug>` with its own recovery directory and log file."""

    def __init__(
        self, settings: Settings, recovery: Path, slug: str = "fraud", arguments: Sequence[str] = ()
    ) -> None:
        if not recovery.exists():
            recovery.mkdir(parents=True)
            init_db_dir(recovery, 1)
        self.log = recovery.with_suffix(f".{time.monotonic_ns()}.log")
        every = ("-r", str(recovery), "-s", "1", "-b", "0")
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                (sys.executable, "-m", "bytewax.run", entry(slug), *every, *arguments),
                env=environment(settings),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """End it at once, whatever it is doing."""
        self._process.kill()
        self._process.wait()

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.send_signal(signal.SIGTERM)

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        self.terminate()
        return self.wait()

    def wait(self) -> int:
        """Wait for its end, and return its exit code."""
        return self._process.wait(PATIENCE_SECONDS)

    def until(self, ask: Callable[[], T]) -> T:
        """Ask again and again until the answer is true. Fails when the flow ends before."""

        def ask_while_it_runs() -> T:
            assert self._process.poll() is None, f"the flow ended: {ending(self.log)}"
            return ask()

        return until(ask_while_it_runs, lambda: ending(self.log))

    def output(self) -> str:
        return self.log.read_text()


def until(ask: Callable[[], T], explain: Callable[[], str] = str) -> T:
    """Ask again and again until the answer is true; fails after PATIENCE_SECONDS."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (answer := ask()):
        assert time.monotonic() < deadline, f"waited too long; {explain()}"
        time.sleep(0.05)
    return answer


def fraud_records(count: int, *, seed: int = 0, labelled: bool = True) -> list[Record]:
    """Keyed messages of fraud events."""
    records = []
    for value in fraud_values(count, seed=seed):
        if not labelled:
            del value["is_fraud"]
        records.append(Record(value["user_id"].encode(), msgspec.json.encode(value)))
    return records


def send(settings: Settings, topic: str, records: Iterable[Record]) -> None:
    """Produce, and return when the broker has confirmed all."""
    sender = Sender(settings, Stop())
    for record in records:
        sender.send(topic, record)
    sender.finish()


def read_topic(settings: Settings, topic: str, count: int, partition: int = 0) -> list[Message]:
    """The first `count` messages of a partition."""
    consumer = Consumer({"bootstrap.servers": settings.kafka_bootstrap, "group.id": "tests"})
    try:
        consumer.assign([TopicPartition(topic, partition, 0)])
        found: list[Message] = []
        while len(found) < count:
            found += until(lambda: consumer.consume(count, 0.5))
        assert all(message.error() is None for message in found)
        return found
    finally:
        consumer.close()


def live(settings: Settings, project: Project = fraud.PROJECT) -> LiveStore:
    return LiveStore(connect(settings.redis_url.get_secret_value()), project.slug)


def seen(store: LiveStore, shard: int = 0) -> int:
    """How many events the live model's learner has taken in."""
    facts = store.facts(shard)
    return 0 if facts is None else facts.counts["events"]


def published(settings: Settings, shard: int = 0) -> tuple[Facts, Any]:
    """The live model with its facts."""
    found = live(settings).model(shard)
    assert found is not None
    facts, frame = found
    return facts, codec.loads(frame, settings.signing_key.get_secret_value().encode())


def rows(settings: Settings, table: str) -> pl.DataFrame:
    """All rows of a table, by the order of their messages; none before it is made."""
    uri = os.path.join(settings.lake_uri, table)  # noqa: PTH118 - may be a URI
    if not DeltaTable.is_deltatable(uri):
        return pl.DataFrame({"kafka_offset": []})
    frame = pl.DataFrame(DeltaTable(uri).to_pyarrow_table())
    return frame.sort("kafka_topic", "kafka_partition", "kafka_offset")
