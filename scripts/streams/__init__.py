"""Generated event streams: one file per project and profile, listed here."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from flows.errors import ProjectError
from scripts.streams import fraud_reference
from scripts.streams.stream import EPOCH, Clock, Event, Stream, event_clock, wall_clock

__all__ = ["EPOCH", "STREAMS", "Clock", "Event", "Stream", "events", "get", "wall_clock"]

STREAMS: dict[str, dict[str, Stream]] = {"fraud": {"reference": fraud_reference.STREAM}}


def events(
    slug: str,
    *,
    profile: str = "reference",
    seed: int = 0,
    start: datetime | None = None,
    count: int | None = None,
    clock: Clock | None = None,
    **options: Any,
) -> Iterator[Event]:
    """Generate a project's events lazily, as JSON-ready dicts; without end unless `count` is given.

    The same arguments give the same events, ids and timestamps. Timestamps begin at `start`
    (`EPOCH` by default) and advance at the stream's own rate; a `clock` replaces both.
    `options` are the fields of the profile's options. Raises ProjectError for an unknown project
    or profile, SettingsError for options that cannot be used.
    """
    stream = get(slug, profile)
    rng = random.Random(f"{slug}/{profile}/{seed}")  # noqa: S311 - repeatable, not secret
    drawn = stream.generate(rng, clock or event_clock(start or EPOCH), stream.configure(options))
    return islice(drawn, count)


def get(slug: str, profile: str = "reference") -> Stream:
    """Look a stream up. Raises ProjectError with the known projects or profiles."""
    if slug not in STREAMS:
        raise ProjectError(f"no stream for project {slug!r}; known: {', '.join(STREAMS)}")
    if profile not in STREAMS[slug]:
        raise ProjectError(f"{slug} has no profile {profile!r}; known: {', '.join(STREAMS[slug])}")
    return STREAMS[slug][profile]
