"""Everything one running app holds: a served project each, the label sender, the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import redis

from api.analytics.kept import Kept
from api.batch_models import BatchReader
from api.comparison import Comparer
from api.drawing import Drawer
from api.events import EventReader
from api.labels import LabelSender
from api.registered import RegistryReader
from api.served_predictions import ServedPredictions
from api.serving import Follower
from api.sql.offer import pool
from api.streams import Streams
from api.tensors import Tensors
from api.versions import VersionReader
from flows.errors import ProjectError
from flows.projects.spec import Project
from flows.settings import Settings
from flows.stores.commands import CommandStore
from flows.stores.jobs import JobStore
from flows.stores.live import LiveStore, connect
from flows.stores.production import ProductionStore
from flows.stores.registry import Registry


@dataclass(frozen=True, slots=True)
class Served:
    """One project with what answers for it."""

    project: Project
    reader: EventReader
    tensors: Tensors
    store: LiveStore
    commands: CommandStore
    follower: Follower
    production: ProductionStore


class Platform:
    """Clients and live models; `start` and `stop` bound the life of its threads."""

    def __init__(self, settings: Settings, projects: Mapping[str, Project]) -> None:
        self.settings = settings
        self.labels = LabelSender(settings)
        self.sql = pool(settings, projects)
        self.drawer = Drawer()
        self.figures = Kept()
        self._redis = connect(settings.redis_url.get_secret_value())
        key = settings.signing_key.get_secret_value().encode()
        self.served = {
            slug: _serve(project, self._redis, key, settings.shards)
            for slug, project in projects.items()
        }
        registries = [
            (follower, Registry.of(follower.project, settings.mlflow_uri))
            for follower in self.followers
        ]
        self.registry = RegistryReader(registries, key)
        self.kept = ServedPredictions(self._redis, projects, key)
        self.versions = VersionReader(
            {follower.project.slug: registry for follower, registry in registries}, key
        )
        self.comparer = Comparer(settings)
        self.jobs = JobStore(self._redis)
        self.batch = BatchReader(projects, settings, self.registry)
        self.streams = Streams()

    @property
    def followers(self) -> list[Follower]:
        """Every project's follower."""
        return [served.follower for served in self.served.values()]

    def get(self, slug: str) -> Served:
        """Look a project up. Raises ProjectError with the known slugs."""
        try:
            return self.served[slug]
        except KeyError:
            known = ", ".join(self.served)
            raise ProjectError(f"no project {slug!r}; known: {known}") from None

    def start(self) -> None:
        """Begin to follow the live models."""
        for follower in self.followers:
            follower.start()
        self.registry.start()
        self.versions.start()
        self.kept.start()

    def stop(self) -> None:
        """End all threads and connections; takes about a second."""
        self.sql.stop()
        self.drawer.stop()
        self.streams.leave()
        self.registry.stop()
        self.versions.stop()
        for follower in self.followers:
            follower.stop()
        for follower in self.followers:
            follower.join()
        self.kept.stop()
        self.labels.close()
        self._redis.close()


def _serve(project: Project, client: redis.Redis, key: bytes, shards: int) -> Served:
    store = LiveStore(client, project.slug)
    follower = Follower(project, store, key, shards)
    production = ProductionStore(client, project.slug)
    reader = EventReader(project)
    commands = CommandStore(client, project.slug)
    tensors = Tensors(project, reader)
    return Served(project, reader, tensors, store, commands, follower, production)
