"""Generated event streams: one module `<slug>_<profile>.py` each, found by its name."""

from __future__ import annotations

import importlib
import pkgutil
import random
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any

from flows.errors import ProjectError
from scripts.streams.controls import Change, Controls
from scripts.streams.drift import Drift
from scripts.streams.scenario import Scenario
from scripts.streams.stream import EPOCH, Clock, Event, Stream, Truth, event_clock, wall_clock

__all__ = [
    "EPOCH",
    "Change",
    "Clock",
    "Controls",
    "Drift",
    "Event",
    "Scenario",
    "Stream",
    "Truth",
    "default_profile",
    "drawn",
    "events",
    "get",
    "known",
    "profiles",
    "wall_clock",
]

TRUTH = "_truth"


def events(slug: str, **arguments: Any) -> Iterator[Event]:
    """Generate a project's events lazily, as JSON-ready dicts. Takes what `drawn` takes."""
    return (event for event, _ in drawn(slug, **arguments))


def drawn(
    slug: str,
    *,
    profile: str = "reference",
    seed: int = 0,
    start: datetime | None = None,
    count: int | None = None,
    clock: Clock | None = None,
    drifts: Sequence[Drift] = (),
    scenarios: Sequence[Scenario] = (),
    anomaly_rate: float = 0.0,
    controls: Controls | None = None,
    **options: Any,
) -> Iterator[tuple[Event, Truth]]:
    """Generate events, each with what is true of it; without end unless `count` is given.

    The same arguments give the same events, ids and timestamps. Timestamps begin at `start`
    (the stream's own by default) and advance by its own clock; a `clock` replaces both. `controls`
    of the caller's own replace `drifts`, `scenarios` and `anomaly_rate`. `options` are the fields
    of the profile's options. Raises ProjectError for an unknown project or profile, SettingsError
    for options that cannot be used and for scenarios that the stream does not have.
    """
    stream = get(slug, profile)
    rng = random.Random(f"{slug}/{profile}/{seed}")  # noqa: S311 - repeatable, not secret
    controls = controls or stream.controls(drifts, scenarios, anomaly_rate)
    made = stream.generate(
        rng,
        clock or event_clock(start or stream.start, stream.speed),
        stream.configure(options),
        controls,
    )
    return islice(_with_truth(made, controls), count)


def _with_truth(made: Iterator[Event], controls: Controls) -> Iterator[tuple[Event, Truth]]:
    for event in made:
        truth = event.pop(TRUTH, {})
        controls.advance()
        yield event, truth


def get(slug: str, profile: str = "reference") -> Stream:
    """Look a stream up. Raises ProjectError with the known projects or profiles."""
    found = profiles(slug)
    if not found:
        raise ProjectError(f"no stream for project {slug!r}; known: {', '.join(known())}")
    if profile not in found:
        raise ProjectError(f"{slug} has no profile {profile!r}; known: {', '.join(found)}")
    return found[profile]


def default_profile(slug: str) -> str:
    """`living` where there is one, else whatever there is. Raises ProjectError for no stream."""
    found = profiles(slug)
    return "living" if "living" in found or not found else next(iter(found))


def known() -> dict[str, dict[str, Stream]]:
    """Every stream by project and profile."""
    slugs = dict.fromkeys(name.rpartition("_")[0] for name in _modules())
    return {slug: found for slug in slugs if (found := profiles(slug))}


@cache
def profiles(slug: str) -> dict[str, Stream]:
    """The streams of a project by profile; none for a project that nobody draws."""
    named = {
        profile: importlib.import_module(f"{__name__}.{name}")
        for name in _modules()
        for stem, _, profile in [name.rpartition("_")]
        if stem == slug
    }
    return {
        profile: module.STREAM for profile, module in named.items() if hasattr(module, "STREAM")
    }


@cache
def _modules() -> tuple[str, ...]:
    """Modules of this package that may be streams."""
    names = (name for _, name, _ in pkgutil.iter_modules(__path__))
    return tuple(name for name in names if "_" in name and not name.startswith("_"))
