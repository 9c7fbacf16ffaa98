"""`python -m scripts.topics fraud`: make the topics of projects, where they are missing."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Sequence

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic

from flows import projects, settings
from flows.errors import BrokerError, RealtimeError
from flows.projects.spec import Project
from flows.settings import Settings
from scripts.kafka import connect

TIMEOUT_SECONDS = 10.0

log = logging.getLogger("topics")


def topic_names(project: Project) -> tuple[str, ...]:
    """The topics of a project: events, labels if any, dead letters."""
    return *project.topics, project.dead_letters_topic


def ensure_topics(
    project: Project,
    settings: Settings,
    replication: int | None = None,
    others: Sequence[str] = (),
    grow: bool = False,
) -> list[str]:
    """Make the topics that are missing, with one partition a shard, and return their names.

    `others` are topics beside the project's own. `replication` None means 1 in the local profile
    and the broker's own default elsewhere. `grow` adds partitions to topics that have fewer: keys
    then move between shards, and flows that run end in order.
    Raises BrokerError if Kafka cannot be reached, refuses, or has a topic with other partitions.
    """
    admin = connect(AdminClient, settings, {"log_level": 2})
    names = (*topic_names(project), *others)
    missing = [name for name in names if name not in _partitions(admin, settings)]
    if replication is None:
        replication = 1 if settings.profile == "local" else -1
    _create(admin, [NewTopic(name, settings.shards, replication) for name in missing])
    found = _wait(admin, settings, names)
    if grow:
        _grow(admin, [name for name in names if found[name] < settings.shards], settings.shards)
        found = _wait(admin, settings, names, settings.shards)
    _check(found, settings.shards)
    return missing


def _partitions(admin: AdminClient, settings: Settings) -> dict[str, int]:
    """Partitions of every topic; asking for all of them creates none."""
    try:
        topics = admin.list_topics(timeout=TIMEOUT_SECONDS).topics
    except KafkaException as error:
        raise BrokerError(
            f"no Kafka at {settings.kafka_bootstrap} ({error.args[0].str()});"
            " start it or set REALTIME_KAFKA_BOOTSTRAP"
        ) from None
    return {name: len(topic.partitions) for name, topic in topics.items()}


def _create(admin: AdminClient, topics: list[NewTopic]) -> None:
    answers = admin.create_topics(topics, request_timeout=TIMEOUT_SECONDS) if topics else {}
    for name, answer in answers.items():
        try:
            answer.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                reason = error.args[0].str()
                raise BrokerError(f"cannot make topic {name}: {reason}; make it by hand") from None


def _grow(admin: AdminClient, names: list[str], shards: int) -> None:
    wanted = [NewPartitions(name, shards) for name in names]
    answers = admin.create_partitions(wanted, request_timeout=TIMEOUT_SECONDS) if wanted else {}
    for name, answer in answers.items():
        try:
            answer.result()
        except KafkaException as error:
            # Somebody else may have been quicker.
            log.warning("%s: %s", name, error.args[0].str())


def _wait(
    admin: AdminClient, settings: Settings, names: Sequence[str], partitions: int = 1
) -> dict[str, int]:
    """Wait until the broker lists every topic; a change is known a moment after it was made."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        found = _partitions(admin, settings)
        missing = [name for name in names if found.get(name, 0) < partitions]
        if not missing:
            return {name: found[name] for name in names}
        if time.monotonic() > deadline:
            raise BrokerError(
                f"the broker does not list {', '.join(missing)} with {partitions} partitions or"
                " more; look at its log"
            )
        time.sleep(0.1)


def _check(partitions: dict[str, int], shards: int) -> None:
    for name, count in partitions.items():
        if count != shards:
            raise BrokerError(
                f"topic {name} has {count} partitions but REALTIME_SHARDS is {shards};"
                f" set REALTIME_SHARDS={count}, or delete the topic"
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.topics", description=__doc__)
    parser.add_argument("project", nargs="+", choices=sorted(projects.PROJECTS))
    parser.add_argument("--replication", type=int, help="copies of each partition")
    parser.add_argument("--grow", action="store_true", help="add partitions that are missing")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    try:
        for slug in options.project:
            _ensure_and_tell(slug, options.replication, options.grow)
    except RealtimeError as error:
        log.error("%s", error)
        return 1
    return 0


def _ensure_and_tell(slug: str, replication: int | None, grow: bool) -> None:
    project = projects.get(slug)
    made = ensure_topics(project, settings.load(), replication, grow=grow)
    for name in topic_names(project):
        log.info("%s %s", name, "made" if name in made else "was there")


if __name__ == "__main__":
    sys.exit(main())
