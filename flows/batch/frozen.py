"""A model that was trained at once: it predicts, and is never trained again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version as installed
from typing import Any

from flows.batch.judging import predict
from flows.batch.registered import BATCH, BatchRegistry
from flows.batch.table import Row
from flows.batch.task import Head
from flows.errors import CodecError, ModelUnavailable
from flows.learning import codec
from flows.learning.past import Past
from flows.projects.spec import Project
from flows.settings import Settings


@dataclass
class FrozenModel:
    """What predicts a project's events from their inputs. Times: seconds since 1970.

    `past`: what the project remembers at the end of the data; `scores`: of the test part. All but
    `histories` stays as it was trained.
    """

    project: str
    name: str
    head: Head
    rows: int
    first_time: float
    last_time: float
    scores: dict[str, float] = field(default_factory=dict)
    past: Past | None = None
    version: str | None = None
    made_with: str = field(default_factory=lambda: installed("scikit-learn"))

    @property
    def histories(self) -> Any:
        """What `row` needs of labels; None where it needs nothing."""
        return self.head.histories

    @histories.setter
    def histories(self, kept: Any) -> None:
        self.head.histories = kept

    def row(self, inputs: dict[str, Any]) -> Row:
        """What has to be known of an event for its prediction, at the moment that is made for."""
        return self.head.row(inputs)

    def predict_many(self, rows: Sequence[Row]) -> list[Any]:
        """The task's own prediction for each row."""
        return predict(self.head, rows)

    def learn(self, inputs: dict[str, Any], label: Any) -> None:
        """Take in a label for the histories; the model stays as it is."""
        self.head.learn(inputs, label)


def encode(frozen: FrozenModel, key: bytes) -> bytes:
    """Frame and sign a model."""
    return codec.dumps(frozen, key)


def decode(frame: bytes, key: bytes) -> FrozenModel:
    """Read a model. Raises SignatureError before anything is unpickled, and CodecError."""
    found = codec.loads(frame, key)
    if not isinstance(found, FrozenModel):
        raise CodecError(f"a {type(found).__name__} is no model that was trained at once")
    if found.made_with != installed("scikit-learn"):
        raise CodecError(
            f"the model was trained with scikit-learn {found.made_with}, this is"
            f" {installed('scikit-learn')}; train it again"
        )
    return found


def load(project: Project, settings: Settings, version: str | int = BATCH) -> FrozenModel:
    """Read a registered model by its number or alias.

    Raises ModelUnavailable where there is none, StoreError, VersionError and CodecError.
    """
    registry = BatchRegistry(settings.mlflow_uri, project)
    facts = registry.facts(version)
    if facts is None:
        raise ModelUnavailable(
            f"no model of {project.slug} has been trained at once;"
            f" run `python -m scripts.train_batch {project.slug}`"
        )
    frozen = decode(registry.frame(facts.version), settings.signing_key.get_secret_value().encode())
    frozen.version = str(facts.version)
    return frozen
