"""What the API's tests share: a learner that has really learnt, and an app that serves it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msgspec
from starlette.testclient import TestClient

from api.app import create_app
from api.events import example
from flows.learning.learner import Learner
from flows.projects import fraud
from flows.projects.spec import Project
from flows.settings import Settings
from flows.stores.live import Facts, LiveStore, Status, connect
from flows.streaming.messages import Publication
from flows.streaming.publisher import Publisher
from scripts import streams

LINEAGE = 1_700_000_000_000
LINE = "loyw3v28"  # the same in base 36, as versions name it


def teach(learner: Learner, count: int, seed: int = 0) -> Learner:
    """Let a learner see generated transactions with their labels."""
    for number, values in enumerate(streams.events("fraud", seed=seed, count=count)):
        learner.observe(msgspec.convert(values, learner.project.event), float(number))
    return learner


def learner_of(project: Project, count: int = 300) -> Learner:
    """A learner that has seen `count` transactions."""
    return teach(Learner.fresh(project, LINEAGE), count)


def publication(learner: Learner, settings: Settings, shard: int = 0) -> Publication:
    """What a flow would publish of a learner now."""
    return Publisher(learner.project, settings, shard).last_words(learner.state)


def until(condition: Callable[[], Any], what: str, seconds: float = 90) -> None:
    """Wait for something that another thread brings about."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come to be"
        time.sleep(0.02)


@dataclass
class Served:
    """A running app, the project it serves, and the store that a flow would write to."""

    client: TestClient
    project: Project
    settings: Settings
    store: LiveStore

    @property
    def url(self) -> str:
        return f"/projects/{self.project.slug}"

    def get(self, path: str = "") -> Any:
        return self.client.get(self.url + path)

    def predict(self, **changes: Any) -> Any:
        return self.client.post(f"{self.url}/predict", json=example(self.project) | changes)

    def publish(self, learner: Learner, shard: int = 0) -> Facts:
        """Publish a learner's model and wait until the app serves it."""
        made = publication(learner, self.settings, shard)
        assert self.store.publish(made.facts, made.model)
        until(lambda: self.version(shard) == made.facts.version, "the new version")
        return made.facts

    def version(self, shard: int = 0) -> str | None:
        model = self.get(f"?shard={shard}").json()["model"]
        return None if model is None else str(model["version"])

    def beat(self, **changes: Any) -> None:
        status = Status(time=time.time(), state="running", events_per_second=12.5, lag=3)
        self.store.beat(0, msgspec.structs.replace(status, **changes))

    def look(self) -> None:
        """Wait until the app has read everything in Redis once more."""
        for lag in (next(_lags), next(_lags)):
            self.beat(lag=lag)
            until(partial(self._has_read, lag), "another look at Redis")

    def _has_read(self, lag: int) -> bool:
        self.store._redis.publish(self.store.channel, 0)
        return bool(self.get().json()["lag"] == lag)


_lags = itertools.count(1_000)


@contextmanager
def serving(settings: Settings, slug: str, project: Project = fraud.PROJECT) -> Iterator[Served]:
    """Run an app that serves one project under a slug of its own."""
    project = replace(project, slug=slug)
    client = connect(settings.redis_url.get_secret_value())
    app = create_app(settings, {slug: project})
    with TestClient(app, raise_server_exceptions=False) as http:
        until(lambda: "not been asked" not in http.get("/readyz").text, "the first look at Redis")
        yield Served(http, project, settings, LiveStore(client, slug))
    client.close()


def local(redis_url: str, **changes: Any) -> Settings:
    """Settings for tests that need no server but Valkey."""
    nowhere = {"kafka_bootstrap": "127.0.0.1:1", "mlflow_uri": "http://127.0.0.1:1"}
    values = {**nowhere, "redis_url": redis_url, "signing_key": "a key for tests", **changes}
    return Settings(_env_file=None, **values)
