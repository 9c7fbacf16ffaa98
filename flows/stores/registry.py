"""Versions of learners and their metric curves in MLflow.

One experiment per project, one run per lineage, one registered model per project and shard. A
version holds the complete learner as a signed frame; its aliases are `champion`, the version that a
flow starts from, and `previous`, the champion before it. MLflow is imported when first used: it
takes seconds.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from flows.errors import ModelUnavailable, StoreError
from flows.stores import served
from flows.stores.live import Facts

CHAMPION = "champion"
PREVIOUS = "previous"

# A version becomes champion unless its score is this much worse than the champion's: the metrics
# go on from one version to the next, so a small loss says little and a large one says drift.
TOLERATED_LOSS = 0.02


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One registered version. `created`: seconds since 1970; `score`: the project's own metric."""

    number: int
    aliases: tuple[str, ...]
    lineage: int
    events_learned: int
    score: float | None
    created: float
    run_id: str
    metrics: dict[str, float]


class CurvePoint(msgspec.Struct, frozen=True):
    """Metrics after `step` learned events; `time`: of the event, in seconds since 1970."""

    step: int
    time: float
    metrics: dict[str, float]


class Registry:
    """One project's part of MLflow. Raises StoreError when MLflow does not answer."""

    def __init__(self, uri: str, slug: str, topic: str, score: str) -> None:
        self._uri = uri
        self._slug = slug
        self._topic = topic
        self._score = score
        self._runs: dict[int, str] = {}

    def name(self, shard: int) -> str:
        """The registered model's name: the project, and the shard beyond the first."""
        return self._slug if shard == 0 else f"{self._slug}-{shard}"

    def log_curve(self, lineage: int, shard: int, points: Sequence[CurvePoint]) -> None:
        """Put points on a lineage's curves; sending them again changes nothing."""
        from mlflow.entities import Metric

        metrics = [
            Metric(name, value, int(point.time * 1000), point.step)
            for point in points
            for name, value in point.metrics.items()
        ]
        with self._failures("log metrics"):
            run = self._run(lineage, shard)
            for start in range(0, len(metrics), 1000):
                self._client.log_batch(run, metrics=metrics[start : start + 1000])

    def register(self, facts: Facts, frame: bytes) -> Version:
        """Make a version of a learner, and make it champion unless it is clearly worse.

        A version of the same lineage and count is returned as it is.
        """
        with self._failures("register a version"):
            name = self.name(facts.shard)
            self._ensure_model(name)
            source = self._upload(facts, frame)
            made = self._existing(name, facts) or self._client.create_model_version(
                name,
                source,
                self._run(facts.lineage, facts.shard),
                tags=self._tags(facts),
                await_creation_for=0,
            )
            version = self._version(made)
            self._crown(name, version)
            return version

    def champion(self, shard: int = 0) -> Version | None:
        """The version that a flow starts from; None while nothing is registered."""
        with self._failures("read the champion"):
            return self._champion(self.name(shard))

    def versions(self, shard: int = 0) -> list[Version]:
        """All versions, newest first, with their aliases."""
        with self._failures("list versions"):
            name = self.name(shard)
            found = self._client.search_model_versions(
                f"name = '{name}'", max_results=200, order_by=["version_number DESC"]
            )
            aliases = self._aliases(name) if found else {}
            return [self._version(one, aliases) for one in found]

    def frame(self, version: Version) -> bytes:
        """The signed bytes of a version's learner."""
        path = f"versions/{version.events_learned}/artifacts/{served.FRAME}"
        with self._failures(f"fetch version {version.number}"), tempfile.TemporaryDirectory() as to:
            return Path(self._client.download_artifacts(version.run_id, path, to)).read_bytes()

    def finish(self, lineage: int, shard: int) -> None:
        """Say that the flow of a lineage has ended in order."""
        with self._failures("close the run"):
            self._client.set_terminated(self._run(lineage, shard), "FINISHED")

    @cached_property
    def _client(self) -> Any:
        from mlflow import MlflowClient
        from mlflow.environment_variables import MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR

        MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.set(False)
        logging.getLogger("mlflow").setLevel(logging.ERROR)
        return MlflowClient(tracking_uri=self._uri)

    @cached_property
    def _experiment(self) -> str:
        found = self._client.get_experiment_by_name(self._topic)
        return str(found.experiment_id if found else self._client.create_experiment(self._topic))

    def _run(self, lineage: int, shard: int) -> str:
        if lineage not in self._runs:
            self._runs[lineage] = self._resume_run(lineage) or self._new_run(lineage, shard)
        return self._runs[lineage]

    def _resume_run(self, lineage: int) -> str | None:
        found = self._client.search_runs(
            [self._experiment], f"tags.`realtime.lineage` = '{lineage}'", max_results=1
        )
        if not found:
            return None
        self._client.update_run(found[0].info.run_id, status="RUNNING")
        return str(found[0].info.run_id)

    def _new_run(self, lineage: int, shard: int) -> str:
        tags = {"realtime.lineage": str(lineage), "realtime.shard": str(shard)}
        run = self._client.create_run(
            self._experiment, tags=tags, run_name=f"{self.name(shard)} {lineage}"
        )
        return str(run.info.run_id)

    def _upload(self, facts: Facts, frame: bytes) -> str:
        """Store the version's files under a path made of the count, and return their URI."""
        run = self._run(facts.lineage, facts.shard)
        path = f"versions/{facts.events_learned}"
        with tempfile.TemporaryDirectory() as folder:
            served.save(Path(folder) / "model", facts.project, frame)
            self._client.log_artifacts(run, str(Path(folder) / "model"), path)
        return f"runs:/{run}/{path}"

    def _tags(self, facts: Facts) -> dict[str, str]:
        values = {
            "lineage": facts.lineage,
            "events_learned": facts.events_learned,
            "metrics": msgspec.json.encode(facts.metrics).decode(),
        }
        return {f"realtime.{name}": str(value) for name, value in values.items()}

    def _existing(self, name: str, facts: Facts) -> Any | None:
        found = self._client.search_model_versions(f"name = '{name}'", max_results=200)
        wanted = (str(facts.lineage), str(facts.events_learned))
        for one in found:
            if (
                one.tags.get("realtime.lineage"),
                one.tags.get("realtime.events_learned"),
            ) == wanted:
                return one
        return None

    def _ensure_model(self, name: str) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.get_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            self._client.create_registered_model(name)

    def _crown(self, name: str, version: Version) -> None:
        champion = self._champion(name)
        if champion is None:
            self._client.set_registered_model_alias(name, CHAMPION, str(version.number))
        elif champion.number != version.number and not self._worse(version, champion):
            self._client.set_registered_model_alias(name, PREVIOUS, str(champion.number))
            self._client.set_registered_model_alias(name, CHAMPION, str(version.number))

    @staticmethod
    def _worse(version: Version, champion: Version) -> bool:
        if version.score is None or champion.score is None:
            return version.score is None and champion.score is not None
        return version.score < champion.score - TOLERATED_LOSS

    def _champion(self, name: str) -> Version | None:
        from mlflow.exceptions import MlflowException

        try:
            found = self._client.get_model_version_by_alias(name, CHAMPION)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise
        return self._version(found, {str(found.version): (CHAMPION,)})

    def _aliases(self, name: str) -> dict[str, tuple[str, ...]]:
        by_version: dict[str, tuple[str, ...]] = {}
        for alias, number in self._client.get_registered_model(name).aliases.items():
            by_version[str(number)] = (*by_version.get(str(number), ()), alias)
        return by_version

    def _version(self, found: Any, aliases: dict[str, tuple[str, ...]] | None = None) -> Version:
        metrics = msgspec.json.decode(found.tags["realtime.metrics"], type=dict[str, float])
        return Version(
            number=int(found.version),
            aliases=(aliases or {}).get(str(found.version), ()),
            lineage=int(found.tags["realtime.lineage"]),
            events_learned=int(found.tags["realtime.events_learned"]),
            score=metrics.get(self._score),
            created=found.creation_timestamp / 1000,
            run_id=found.run_id,
            metrics=metrics,
        )

    @contextmanager
    def _failures(self, attempt: str) -> Iterator[None]:
        from mlflow.exceptions import MlflowException
        from requests.exceptions import RequestException

        try:
            yield
        except (MlflowException, RequestException, OSError) as error:
            raise StoreError(
                f"MLflow at {self._uri} failed to {attempt}: {error};"
                " check REALTIME_MLFLOW_URI and the server"
            ) from error


def need(version: Version | None, slug: str) -> Version:
    """The version, if there is one. Raises ModelUnavailable."""
    if version is None:
        raise ModelUnavailable(f"{slug} has no registered model yet; let its flow learn first")
    return version
