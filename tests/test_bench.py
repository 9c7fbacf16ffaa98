"""The loops that flows are measured against."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from flows import projects
from flows.learning.learner import Learner
from scripts import bench, streams

EVENTS = 200


def drawn(slug: str) -> list[bytes]:
    """Events as a broker has them."""
    profile = streams.default_profile(slug)
    events = streams.events(slug, profile=profile, seed=0, count=EVENTS)
    return [msgspec.json.encode(event) for event in events]


@pytest.mark.parametrize("slug", list(projects.PROJECTS))
def test_both_loops_take_every_event(slug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    project, seen = projects.get(slug), list[Any]()
    observe, features = Learner.observe, project.features

    def watched(self: Learner, event: Any, time: float) -> Any:
        seen.append(("learner", time))
        return observe(self, event, time)

    def counted(event: Any) -> Any:
        seen.append(("bare", 0.0))
        return features(event)

    monkeypatch.setattr(Learner, "observe", watched)
    assert bench.learner_rate(project, drawn(slug)) > 0
    times = [time for _, time in seen]
    assert len(times) == EVENTS and times == sorted(times)
    seen.clear()
    values = {field: getattr(project, field) for field in project.__dataclass_fields__}
    assert bench.bare_rate(type(project)(**values | {"features": counted}), drawn(slug)) > 0
    assert len(seen) == EVENTS


def test_the_warm_up_is_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock that goes on by a second with each event."""
    clock = [0.0]

    def take(_: Any) -> None:
        clock[0] += 1.0

    monkeypatch.setattr("scripts.bench.time.perf_counter", lambda: clock[0])
    assert bench._rate([None] * 400, take) == 1.0
    assert clock[0] == 400.0
