"""Runs and metric curves in MLflow, one run per lineage."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any, Literal

import msgspec

from flows.errors import StoreError

End = Literal["FINISHED", "FAILED", "KILLED"]

ANSWER_SECONDS = 15
RETRIES = 1


class CurvePoint(msgspec.Struct, frozen=True):
    """Metrics after `step` learned events; `time`: of the event, in seconds since 1970."""

    step: int
    time: float
    metrics: dict[str, float]


class Tracking:
    """One project's experiment. Raises StoreError when MLflow does not answer.

    MLflow is imported when first used: it takes seconds.
    """

    def __init__(self, uri: str, slug: str, topic: str) -> None:
        self._uri = uri
        self.slug = slug
        self._topic = topic
        self._runs: dict[tuple[int, int], str] = {}
        self._finding = threading.Lock()

    def name(self, shard: int) -> str:
        """The registered model's name: the project, and the shard beyond the first."""
        return self.slug if shard == 0 else f"{self.slug}-{shard}"

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

    def take_over(self, lineage: int, shard: int) -> None:
        """Say that a shard goes on with a lineage: all its other runs are of flows that died."""
        others = (
            f"attributes.status = 'RUNNING' AND tags.`realtime.shard` = '{shard}'"
            f" AND tags.`realtime.lineage` != '{lineage}'"
        )
        with self._failures("close the runs of flows that died"):
            for run in self._client.search_runs([self._experiment], others):
                self._client.set_terminated(run.info.run_id, "KILLED")
            self._known_run(lineage, shard)

    def finish(self, lineage: int, shard: int, end: End = "FINISHED") -> None:
        """Say how the flow of a lineage has ended; nothing is said of one that never had a run."""
        with self._failures("close the run"):
            run = self._known_run(lineage, shard)
            if run is not None:
                self._client.set_terminated(run, end)

    @cached_property
    def _client(self) -> Any:
        from mlflow import MlflowClient

        _quieten()
        return MlflowClient(tracking_uri=self._uri)

    @cached_property
    def _experiment(self) -> str:
        found = self._client.get_experiment_by_name(self._topic)
        return str(found.experiment_id if found else self._client.create_experiment(self._topic))

    def _run(self, lineage: int, shard: int) -> str:
        # Curves and versions come from two threads, and must not make a run each.
        with self._finding:
            found = self._resumed(lineage, shard) or self._new_run(lineage, shard)
            self._runs[lineage, shard] = found
            return found

    def _known_run(self, lineage: int, shard: int) -> str | None:
        with self._finding:
            found = self._resumed(lineage, shard)
            if found is not None:
                self._runs[lineage, shard] = found
            return found

    def _resumed(self, lineage: int, shard: int) -> str | None:
        return self._runs.get((lineage, shard)) or self._resume_run(lineage, shard)

    def _resume_run(self, lineage: int, shard: int) -> str | None:
        wanted = f"tags.`realtime.lineage` = '{lineage}' AND tags.`realtime.shard` = '{shard}'"
        found = self._client.search_runs([self._experiment], wanted, max_results=1)
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


def _quieten() -> None:
    """Whoever calls repeats and reports by itself: MLflow need not, for minutes, in between."""
    from mlflow import environment_variables as mlflow_settings

    mlflow_settings.MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR.set(False)
    mlflow_settings.MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT.set(True)
    mlflow_settings.MLFLOW_HTTP_REQUEST_MAX_RETRIES.set(RETRIES)
    mlflow_settings.MLFLOW_HTTP_REQUEST_TIMEOUT.set(ANSWER_SECONDS)
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    logging.getLogger("urllib3").setLevel(logging.ERROR)
