"""Models that were trained at once, as versions in MLflow beside the learner's own.

Each is a run with all that it is made of and all that is known of it, registered as
`<slug>-batch`. The alias `batch` is set last: what has it is complete.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from flows.errors import StoreError, VersionError
from flows.projects.spec import Project
from flows.stores import served
from flows.stores.tracking import Tracking

BATCH = "batch"
KIND = "realtime.kind"
FACTS = "facts.json"
MODEL = "model"
FOLDER = "diagnostics"
CODE = Path(__file__).with_name("served_batch.py")


class BatchFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a version. Times: seconds since 1970.

    `name` won among `candidates`, whose metrics are of the validation part; `metrics` are of the
    test part. `data`: versions of the Delta tables that it was trained on; `seconds`: for how long.
    """

    version: int = 0
    name: str
    candidates: dict[str, dict[str, float]]
    metrics: dict[str, float]
    rows: int
    first_time: float
    last_time: float
    data: dict[str, int]
    created: float = 0.0
    run_id: str = ""
    seconds: float = 0.0
    notes: dict[str, Any] = {}


class BatchRegistry(Tracking):
    """One project's versions. Raises StoreError when MLflow does not answer."""

    def __init__(self, uri: str, project: Project) -> None:
        super().__init__(uri, project.slug, project.topic)
        self._project = project
        self._model = f"{project.slug}-batch"

    def facts(self, version: str | int = BATCH) -> BatchFacts | None:
        """What is known of a version, by number or alias; None when no model has the alias.

        Raises VersionError for a number that there is not.
        """
        with self._failures(f"read version {version}"):
            found = self._find(version)
        if found is None:
            return None
        told = msgspec.json.decode(self._read(found.run_id, FACTS, version), type=BatchFacts)
        return msgspec.structs.replace(
            told,
            version=int(found.version),
            created=found.creation_timestamp / 1000,
            run_id=found.run_id,
        )

    def diagnostics(self, version: str | int = BATCH) -> list[str]:
        """Names of the diagnostics that are there. Raises VersionError for no such version."""
        with self._failures(f"list what is known of version {version}"):
            listed = self._client.list_artifacts(self._run_of(version), FOLDER)
        return sorted(Path(one.path).stem for one in listed)

    def diagnostic(self, version: str | int, name: str) -> Any:
        """One diagnostic. Raises VersionError when it is not there."""
        with self._failures(f"find version {version}"):
            run = self._run_of(version)
        return msgspec.json.decode(self._read(run, f"{FOLDER}/{name}.json", version))

    def keep(self, version: str | int, name: str, diagnostic: Any) -> None:
        """Put a diagnostic beside those that are there; a former one is replaced."""
        with self._failures(f"keep {name}"):
            text = msgspec.json.encode(diagnostic).decode()
            self._client.log_text(self._run_of(version), text, f"{FOLDER}/{name}.json")

    def frame(self, version: str | int = BATCH) -> bytes:
        """The signed bytes of a version's model. Raises VersionError when they are gone."""
        with self._failures(f"find version {version}"):
            run = self._run_of(version)
        return self._read(run, f"{MODEL}/artifacts/{served.FRAME}", version)

    def register(
        self,
        facts: BatchFacts,
        frame: bytes,
        diagnostics: Mapping[str, Any],
        example: Sequence[Mapping[str, Any]],
    ) -> int:
        """Make a version of a model, then give it the alias; returns its number.

        A run that could not be completed is FAILED, and no version names it.
        """
        with self._failures("register a model"):
            run = self._begin(facts)
            try:
                self._log(run, facts, frame, diagnostics, example)
                number = self._create(run)
            except BaseException:
                self._client.set_terminated(run, "FAILED")
                raise
            self._client.set_terminated(run, "FINISHED")
            self._client.set_registered_model_alias(self._model, BATCH, str(number))
            return number

    def sweep(self) -> int:
        """Call runs KILLED that are RUNNING; returns how many. For when nobody trains."""
        left = f"attributes.status = 'RUNNING' AND tags.`{KIND}` = '{BATCH}'"
        with self._failures("close the runs of trainings that died"):
            runs = self._client.search_runs([self._experiment], left)
            for run in runs:
                self._client.set_terminated(run.info.run_id, "KILLED")
        return len(runs)

    def _begin(self, facts: BatchFacts) -> str:
        tags = {KIND: BATCH, "realtime.model": facts.name}
        run = self._client.create_run(
            self._experiment, tags=tags, run_name=f"{self._model} {facts.name}"
        )
        return str(run.info.run_id)

    def _log(
        self,
        run: str,
        facts: BatchFacts,
        frame: bytes,
        diagnostics: Mapping[str, Any],
        example: Sequence[Mapping[str, Any]],
    ) -> None:
        from mlflow.entities import Metric, Param

        now = int(facts.last_time * 1000)
        metrics = [Metric(name, value, now, facts.rows) for name, value in facts.metrics.items()]
        told = {
            "model": facts.name,
            "rows": facts.rows,
            "first_time": facts.first_time,
            "last_time": facts.last_time,
            **{f"version.{table}": version for table, version in facts.data.items()},
        }
        params = [Param(name, str(value)) for name, value in told.items()]
        self._client.log_batch(run, metrics=metrics, params=params)
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            served.save(
                folder / MODEL, self.slug, frame, CODE, **_described(self._project, example)
            )
            (folder / served.FRAME).unlink()
            (folder / FACTS).write_bytes(msgspec.json.encode(facts))
            (folder / FOLDER).mkdir()
            for name, found in diagnostics.items():
                (folder / FOLDER / f"{name}.json").write_bytes(msgspec.json.encode(found))
            self._client.log_artifacts(run, made)

    def _create(self, run: str) -> int:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(self._model)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        made = self._client.create_model_version(
            self._model, f"runs:/{run}/{MODEL}", run, await_creation_for=0
        )
        return int(made.version)

    def _run_of(self, version: str | int) -> str:
        found = self._find(version)
        if found is None:
            raise VersionError(f"no version of {self._model} has the alias {version}; train one")
        return str(found.run_id)

    def _find(self, version: str | int) -> Any | None:
        from mlflow.exceptions import MlflowException

        number = str(version)
        try:
            if number.isdecimal():
                return self._client.get_model_version(self._model, number)
            return self._client.get_model_version_by_alias(self._model, number)
        except MlflowException as error:
            if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise
            if number.isdecimal():
                raise VersionError(
                    f"{self._model} has no version {number}; list what there is"
                ) from error
            return None

    def _read(self, run: str, path: str, version: str | int) -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            try:
                return Path(self._client.download_artifacts(run, path, folder)).read_bytes()
            except Exception as error:
                # What is raised for a file that is not there depends on where MLflow keeps files.
                if not self._has(run, path):
                    raise VersionError(
                        f"version {version} of {self._model} has no {path}; ask for what it has,"
                        " or have it made"
                    ) from error
                raise StoreError(f"MLflow failed to fetch {path} of run {run}: {error}") from error

    def _has(self, run: str, path: str) -> bool:
        from mlflow.exceptions import MlflowException

        try:
            folder = path.rpartition("/")[0]
            return path in {one.path for one in self._client.list_artifacts(run, folder or None)}
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return False


def _described(project: Project, example: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Signature and example of a model, as MLflow takes them."""
    from flows.batch.signature import signature

    return {"signature": signature(project), "input_example": list(example) or None}
