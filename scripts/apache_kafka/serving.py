"""When a Kafka broker counts as ready: it is part of its cluster, and can make topics."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

if TYPE_CHECKING:  # the command starts in a moment: it loads neither stores nor models
    from scripts.local.ready import Running

PROBE_SECONDS = 2.0


def is_serving(port: int) -> bool:
    """Whether the broker on the loopback `port` takes part in its cluster; it listens before."""
    try:
        socket.create_connection(("127.0.0.1", port), PROBE_SECONDS).close()
        admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{port}", "log_level": 0})
        return bool(admin.list_topics(timeout=PROBE_SECONDS).brokers)
    except (OSError, KafkaException):
        return False


@dataclass(frozen=True, slots=True)
class Serves:
    """Ready once the broker on the loopback `port` takes part in its cluster."""

    port: int

    async def __call__(self, _process: Running, /) -> bool:
        return await asyncio.to_thread(is_serving, self.port)
