"""Which parts a start consists of, from the settings and the command line."""

from __future__ import annotations

import dataclasses
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

from flows.errors import SettingsError
from flows.projects import PROJECTS
from flows.settings import Settings
from scripts import streams
from scripts.local import parts
from scripts.local.child import Part
from scripts.local.environment import environment

HERE = ("127.0.0.1", "localhost")
LASTING = "external"
APACHE = "apache"


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for: projects, events per second, parts left out, and where state is kept.

    `broker` is "embedded", which forgets its log when it ends, or "apache", which keeps it. A
    broker, Redis or MLflow whose setting names another machine is used there, not started here.
    A project without a generated stream has no producer: its events come from elsewhere.
    The seed is new at each start: a model that goes on from the last one has seen those events,
    and would ignore them as duplicates.
    """

    slugs: tuple[str, ...] = dataclasses.field(default_factory=lambda: tuple(PROJECTS))
    rate: float = 100.0
    seed: int = dataclasses.field(default_factory=lambda: secrets.randbelow(1 << 31))
    without: frozenset[str] = frozenset()
    data: Path = Path("data")
    cluster: str = dataclasses.field(default_factory=lambda: secrets.token_hex(8))
    broker: str = "embedded"

    def parts(self, settings: Settings) -> tuple[Part, ...]:
        """The parts in order. Raises SettingsError if a part to leave out does not exist."""
        every = (*self._servers(settings), *self._projects(settings))
        names = {part.name for part in every}
        if unknown := self.without - names:
            raise SettingsError(
                f"no part {', '.join(unknown)} to leave out; there are {', '.join(sorted(names))}"
            )
        return tuple(
            dataclasses.replace(part, needs=self._kept(part.needs, names))
            for part in every
            if part.name not in self.without
        )

    def recovery(self, settings: Settings) -> Path:
        """Where flows keep their recovery: per broker log, and the embedded one's is always new."""
        ours = _is_here(settings.kafka_bootstrap) and "broker" not in self.without
        log = {"apache": APACHE, "embedded": self.cluster}[self.broker] if ours else LASTING
        return self.data / "recovery" / log

    def prepare(self, settings: Settings) -> None:
        """Make the recovery directories and remove those of logs that are gone."""
        current = self.recovery(settings)
        for old in current.parent.glob("*"):
            if old != current and old.name != APACHE:
                shutil.rmtree(old)
        for slug in self.slugs:
            (current / slug).mkdir(parents=True, exist_ok=True)

    def _kept(self, needs: tuple[str, ...], names: set[str]) -> tuple[str, ...]:
        return tuple(name for name in needs if name in names - self.without)

    def _servers(self, settings: Settings) -> Iterator[Part]:
        env = environment(settings)
        redis = settings.redis_url.get_secret_value()
        if _is_here(settings.kafka_bootstrap):
            yield self._broker(_port(settings.kafka_bootstrap, 9092), env)
        if _is_here(redis):
            yield parts.valkey(_port(redis, 6379), env)
        if _is_here(settings.mlflow_uri):
            yield parts.mlflow(_port(settings.mlflow_uri, 80), self.data / "mlflow", env)
        yield parts.dashboard(settings.dashboard_host, settings.dashboard_port, env)
        yield parts.api(settings.api_host, settings.api_port, env)
        yield parts.batch_worker(env)

    def _broker(self, port: int, env: dict[str, str]) -> Part:
        if self.broker == "apache":
            return parts.apache_kafka(port, self.data / "kafka", self.cluster, env)
        return parts.broker(port, self.cluster, env)

    def _projects(self, settings: Settings) -> Iterator[Part]:
        for index, slug in enumerate(self.slugs):
            env = environment(_own_metrics(settings, index))
            directory = self.recovery(settings) / slug
            yield parts.topics(slug, env)
            if not parts.has_recovery(directory):
                yield parts.recovery(slug, directory, env)
            yield parts.flow(slug, directory, settings.redis_url, env)
            if streams.profiles(slug):
                yield parts.producer(slug, self.rate, self.seed, env)


def complete(settings: Settings, data: Path) -> Settings:
    """Fill in what was not set: a signing key of this machine's own, the lake, the API's URL."""
    found: dict[str, object] = {}
    if "signing_key" not in settings.model_fields_set:
        found["signing_key"] = SecretStr(signing_key(data / "signing.key"))
    if "lake_uri" not in settings.model_fields_set:
        found["lake_uri"] = str(data / "lake")
    if "api_url" not in settings.model_fields_set:
        found["api_url"] = f"http://127.0.0.1:{settings.api_port}"
    return settings.model_copy(update=found)


def signing_key(path: Path) -> str:
    """The key in `path`, made at the first call, readable by its owner only."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32))
    return path.read_text().strip()


def _is_here(address: str) -> bool:
    return _split(address).hostname in HERE


def _port(address: str, default: int) -> int:
    return _split(address).port or default


def _split(address: str) -> SplitResult:
    first = address.split(",")[0]
    return urlsplit(first if "://" in first else f"//{first}")


def _own_metrics(settings: Settings, index: int) -> Settings:
    ports = {
        name: first + index
        for name in ("flow_metrics_port", "producer_metrics_port")
        if (first := getattr(settings, name))
    }
    return settings.model_copy(update=ports)
