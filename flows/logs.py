"""What a part says while it runs: lines for people, or JSON lines for machines.

A line of JSON has `time`, `level`, `logger`, `message` and `part`, and where they are known
`project`, `worker`, `topic`, `partition`, `offset`, `request_id` and `exception`.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import msgspec
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from flows import measures
from flows.settings import Settings

TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
PLACE = ("topic", "partition", "offset")
"""What `extra=` may say of a line; all else in it is left out."""

_PLACE_OF_ERROR = "_realtime_place"

REQUEST: ContextVar[str | None] = ContextVar("request", default=None)
"""The id of the request that is being answered."""


class JsonLines(logging.Formatter):
    """Makes a line of JSON of a record; `facts` are in every one."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        super().__init__()
        self._facts = facts

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **self._facts,
            **_place(record),
        }
        if request := REQUEST.get():
            line["request_id"] = request
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


class Lines(logging.Handler, Collector):
    """Counts warnings and errors by level, for Prometheus."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._counts = Counter({"WARNING": 0, "ERROR": 0, "CRITICAL": 0})

    def emit(self, record: logging.LogRecord) -> None:
        """Count a record."""
        self._counts[record.levelname] += 1

    def collect(self) -> Iterator[Metric]:
        """The counts now."""
        family = measures.LOG_LINES.counted()
        for level, count in self._counts.items():
            family.add_metric([level], count)
        yield family


LINES = Lines()
"""Counts the lines of this process, once `configure` was called."""


def configure(settings: Settings, part: str, text: str = TEXT, **facts: Any) -> None:
    """Let this process write its lines to stderr as the settings say, and count them."""
    root = logging.getLogger()
    if settings.log_format == "json":
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonLines({"part": part, **facts}))
        logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    else:
        logging.basicConfig(level=settings.log_level, format=text)
    root.addHandler(LINES)


def mark(error: BaseException, topic: str, partition: int, offset: int) -> None:
    """Say of an error at which message it came, so that its line will."""
    setattr(error, _PLACE_OF_ERROR, {"topic": topic, "partition": partition, "offset": offset})


def _place(record: logging.LogRecord) -> dict[str, Any]:
    error = record.exc_info[1] if record.exc_info else None
    said = {name: getattr(record, name) for name in PLACE if hasattr(record, name)}
    return {**getattr(error, _PLACE_OF_ERROR, {}), **said}
