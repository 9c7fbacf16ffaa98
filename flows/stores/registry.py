"""Versions of learners and their metric curves in MLflow.

One experiment per project, one run per lineage, one registered model per project and shard. A
version holds the complete learner as a signed frame; its aliases are `champion`, the version that a
flow starts from, and `previous`, the champion before it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec

from flows.errors import VersionError
from flows.learning.state import Change
from flows.stores import served
from flows.stores.live import Facts
from flows.stores.tracking import Tracking
from flows.streaming import faults

if TYPE_CHECKING:
    from flows.projects.spec import Project

CHAMPION = "champion"
PREVIOUS = "previous"
CHANGE = "realtime.change."
IDENTITY = ("realtime.lineage", "realtime.generation", "realtime.events_learned")

# A version becomes champion unless its score is worse by this part of the champion's: the metrics
# go on from one version to the next, so a small loss says little and a large one says drift.
TOLERATED_LOSS = 0.02
VERSIONS_LISTED = 200
ALARMS_TOLD = 10


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """One registered version. `created`: seconds since 1970; `score`: the project's own metric.

    `offsets`: the last message taken in, by log; `changed`: promotions and rollbacks before it.
    """

    number: int
    aliases: tuple[str, ...]
    lineage: int
    generation: int
    events_learned: int
    score: float | None
    created: float
    run_id: str
    metrics: dict[str, float]
    offsets: dict[str, int] = {}
    changed: int = 0


class Registry(Tracking):
    """One project's runs and versions. Raises StoreError when MLflow does not answer."""

    def __init__(
        self, uri: str, slug: str, topic: str, score: str, *, maximize: bool = True
    ) -> None:
        super().__init__(uri, slug, topic)
        self._score = score
        self._sign = 1 if maximize else -1

    @classmethod
    def of(cls, project: Project, uri: str) -> Self:
        """A project's part of MLflow."""
        maximize = project.task.maximize(project.score)
        return cls(uri, project.slug, project.topic, project.score, maximize=maximize)

    def register(self, facts: Facts, frame: bytes) -> Version:
        """Make a version of a learner, and make it champion unless it is clearly worse.

        A version of the same lineage, generation and count is kept as it is.
        """
        with self._failures("register a version"):
            name = self.name(facts.shard)
            self._ensure_model(name)
            made = self._existing(name, facts) or self._create(name, facts, frame)
            faults.point("version.created")
            version = self._version(made)
            self._crown(name, version)
            self._record(name, facts.changes)
            return version

    def promote(self, version: Version, change: Change, shard: int = 0) -> None:
        """Make a version champion by hand; `change` says who wants it, and is kept."""
        with self._failures(f"promote version {version.number}"):
            name = self.name(shard)
            champion = self._champion(name)
            if champion is not None and champion.number != version.number:
                self._client.set_registered_model_alias(name, PREVIOUS, str(champion.number))
            self._client.set_registered_model_alias(name, CHAMPION, str(version.number))
            self._record(name, [change])

    def changes(self, shard: int = 0) -> list[Change]:
        """All promotions and rollbacks that versions know of, newest first."""
        with self._failures("read what was changed"):
            tags = self._tags_of(self.name(shard))
        found = [value for key, value in tags.items() if key.startswith(CHANGE)]
        changes = [msgspec.json.decode(value, type=Change) for value in found]
        return sorted(changes, key=lambda change: change.time, reverse=True)

    def version(self, number: int, shard: int = 0) -> Version:
        """One version. Raises VersionError when there is none of that number."""
        from mlflow.exceptions import MlflowException

        name = self.name(shard)
        with self._failures(f"read version {number}"):
            try:
                found = self._client.get_model_version(name, str(number))
            except MlflowException as error:
                if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                    raise
                raise VersionError(f"{name} has no version {number}; list what there is") from error
            return self._version(found, self._aliases(name))

    def champion(self, shard: int = 0) -> Version | None:
        """The version that a flow starts from; None while nothing is registered."""
        with self._failures("read the champion"):
            return self._champion(self.name(shard))

    def previous(self, shard: int = 0) -> Version | None:
        """The champion before this one; None if there was none."""
        with self._failures("read the champion before"):
            return self._named(self.name(shard), PREVIOUS)

    def versions(self, shard: int = 0) -> list[Version]:
        """The newest VERSIONS_LISTED versions, newest first, with their aliases."""
        with self._failures("list versions"):
            name = self.name(shard)
            found = self._client.search_model_versions(
                f"name = '{name}'", max_results=VERSIONS_LISTED, order_by=["version_number DESC"]
            )
            aliases = self._aliases(name) if found else {}
            return [self._version(one, aliases) for one in found]

    def frame(self, version: Version) -> bytes:
        """The signed bytes of a version's learner. Raises VersionError when they are gone."""
        folder = f"{_path(version.generation, version.events_learned)}/artifacts"
        path = f"{folder}/{served.FRAME}"
        with self._failures(f"fetch version {version.number}"), tempfile.TemporaryDirectory() as to:
            try:
                found = Path(self._client.download_artifacts(version.run_id, path, to))
            except Exception:
                # What is raised for a file that is not there depends on where MLflow keeps files.
                if path in self._files(version, folder):
                    raise
                raise VersionError(
                    f"version {version.number} has lost its learner: MLflow has no {path} in run"
                    f" {version.run_id}; choose another version"
                ) from None
            return found.read_bytes()

    def _files(self, version: Version, folder: str) -> set[str]:
        from mlflow.exceptions import MlflowException

        try:
            return {one.path for one in self._client.list_artifacts(version.run_id, folder)}
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return set()

    def _create(self, name: str, facts: Facts, frame: bytes) -> Any:
        run = self._run(facts.lineage, facts.shard)
        path = _path(facts.generation, facts.events_learned)
        with tempfile.TemporaryDirectory() as folder:
            served.save(Path(folder) / "model", facts.project, frame)
            self._client.log_artifacts(run, str(Path(folder) / "model"), path)
        faults.point("version.uploaded")
        return self._client.create_model_version(
            name, f"runs:/{run}/{path}", run, tags=_tags(facts), await_creation_for=0
        )

    def _existing(self, name: str, facts: Facts) -> Any | None:
        identity = [f"tags.`{key}` = '{_tags(facts)[key]}'" for key in IDENTITY]
        found = self._client.search_model_versions(" AND ".join([f"name = '{name}'", *identity]))
        return found[0] if found else None

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
        elif champion.number != version.number and self._succeeds(version, champion):
            self._client.set_registered_model_alias(name, PREVIOUS, str(champion.number))
            self._client.set_registered_model_alias(name, CHAMPION, str(version.number))

    def _succeeds(self, version: Version, champion: Version) -> bool:
        """What was changed by command counts for more than the score: the newest of it leads."""
        if version.changed != champion.changed:
            return version.changed > champion.changed
        return not self._worse(version, champion)

    def _record(self, name: str, changes: Sequence[Change]) -> None:
        known = self._tags_of(name) if changes else {}
        for change in changes:
            key, text = f"{CHANGE}{change.number}", msgspec.json.encode(change).decode()
            if known.get(key) != text:
                self._client.set_registered_model_tag(name, key, text)

    def _tags_of(self, name: str) -> dict[str, str]:
        from mlflow.exceptions import MlflowException

        try:
            return dict(self._client.get_registered_model(name).tags)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return {}

    def _worse(self, version: Version, champion: Version) -> bool:
        if version.score is None or champion.score is None:
            return version.score is None and champion.score is not None
        loss = self._sign * (champion.score - version.score)
        return loss > TOLERATED_LOSS * abs(champion.score)

    def _champion(self, name: str) -> Version | None:
        return self._named(name, CHAMPION)

    def _named(self, name: str, alias: str) -> Version | None:
        from mlflow.exceptions import MlflowException

        try:
            found = self._client.get_model_version_by_alias(name, alias)
        except MlflowException as error:
            if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise
        return self._version(found, {str(found.version): (alias,)})

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
            generation=int(found.tags["realtime.generation"]),
            events_learned=int(found.tags["realtime.events_learned"]),
            score=metrics.get(self._score),
            created=found.creation_timestamp / 1000,
            run_id=found.run_id,
            metrics=metrics,
            offsets=msgspec.json.decode(found.tags.get("realtime.offsets", "{}")),
            changed=int(found.tags.get("realtime.changed", 0)),
        )


def _path(generation: int, events_learned: int) -> str:
    """Where a version's files are in its run: the same version always in the same place."""
    return f"versions/{generation}/{events_learned}"


def _tags(facts: Facts) -> dict[str, str]:
    return {
        "realtime.lineage": str(facts.lineage),
        "realtime.generation": str(facts.generation),
        "realtime.events_learned": str(facts.events_learned),
        "realtime.metrics": msgspec.json.encode(facts.metrics).decode(),
        "realtime.offsets": msgspec.json.encode(facts.offsets).decode(),
        "realtime.changed": str(facts.changed),
        "realtime.alarms": msgspec.json.encode(facts.alarms[-ALARMS_TOLD:]).decode(),
    }
