"""What the flow left: rows in the lake, curves and versions in MLflow, the live model in Redis."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from flows.projects.spec import Project
from flows.settings import Settings
from flows.stores.live import LiveStore, connect
from flows.stores.registry import Registry, Version
from scripts.crash.account import Account, Point
from scripts.crash.alone import learnt, live_parts, load, point, read_partition, rows

PREFIX = "__realtime.errors."


class Remains:
    """Reads all that a flow left behind, one shard at a time."""

    def __init__(self, project: Project, settings: Settings) -> None:
        self._project = project
        self._settings = settings
        self._live = LiveStore(connect(settings.redis_url.get_secret_value()), project.slug)
        self._registry = Registry.of(project, settings.mlflow_uri)

    def account(self, shard: int) -> Account:
        """One shard, as it can be compared with an undisturbed run."""
        account = Account()
        for name, table in self._tables.items():
            mine = table.filter(pc.equal(table["kafka_partition"], shard)) if len(table) else table
            if len(mine):
                account.tables[name] = rows(self._project, mine)
        version = self._newest(shard)
        if version is not None:
            state = load(self._registry.frame(version), self._settings)
            account.learner |= learnt(self._project, state)
            account.curve = self._curve(version)
        account.learner |= self._shown(shard)
        return account

    def offsets(self, table: str) -> list[int]:
        """Which message each row of a table comes from."""
        found: list[int] = (
            self._open(table).to_pyarrow_table(columns=["kafka_offset"])[0].to_pylist()
        )
        return found

    def is_stale(self, shard: int) -> bool:
        """Does Redis know less than the lake?"""
        facts, table = self._live.facts(shard), self._tables[self._project.topic]
        offsets = table.filter(pc.equal(table["kafka_partition"], shard))["kafka_offset"]
        return (facts.counts["events"] if facts else 0) < len(pc.unique(offsets))

    def state_bytes(self) -> int:
        """The size of the first shard's learner."""
        version = self._newest(0)
        return 0 if version is None else len(self._registry.frame(version))

    def runs(self) -> Counter[str]:
        """How many runs there are in MLflow, by status."""
        client = self._client()
        experiment = client.get_experiment_by_name(self._project.topic)
        found = client.search_runs([experiment.experiment_id]) if experiment else []
        return Counter(run.info.status for run in found)

    def dead_letters(self) -> Counter[tuple[str, int, int]]:
        """Where the dead letters come from, and how often each is there."""
        topic = self._project.dead_letters_topic
        return Counter(
            _origin(message.headers())
            for shard in range(self._settings.shards)
            for messages in read_partition(self._settings, topic, shard)
            for message in messages
        )

    @cached_property
    def _tables(self) -> dict[str, pa.Table]:
        topic = self._project.topic
        return {name: self._open(name).to_pyarrow_table() for name in (topic, f"{topic}_outcomes")}

    def _open(self, name: str) -> DeltaTable:
        return DeltaTable(f"{self._settings.lake_uri}/{name}")

    def _newest(self, shard: int) -> Version | None:
        versions = self._registry.versions(shard)
        return versions[0] if versions else None

    def _shown(self, shard: int) -> dict[str, bytes]:
        found = self._live.model(shard)
        if found is None:
            return {}
        facts, frame = found
        model = load(frame, self._settings)
        return live_parts(self._project, model, facts.counts, facts.metrics)

    def _curve(self, version: Version) -> list[Point]:
        """All points of the version's run; each further run of its lineage is an error."""
        client = self._client()
        run = client.get_run(version.run_id)
        tags = {name: run.data.tags[name] for name in ("realtime.lineage", "realtime.shard")}
        wanted = " AND ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
        runs = client.search_runs([run.info.experiment_id], wanted)
        forks = [point("fork", number, 0, 0.0) for number in range(1, len(runs))]
        return forks + [
            point(name, one.step, one.timestamp, one.value)
            for name in run.data.metrics
            for one in client.get_metric_history(version.run_id, name)
        ]

    def _client(self) -> Any:
        from mlflow import MlflowClient

        return MlflowClient(self._settings.mlflow_uri)


def _origin(headers: Any) -> tuple[str, int, int]:
    named = {name.removeprefix(PREFIX): value.decode() for name, value in headers}
    return named["topic"], int(named["partition"]), int(named["offset"])
