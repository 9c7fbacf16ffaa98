"""Run by MLflow when it loads a version; not for import."""

from __future__ import annotations

from typing import Any

import mlflow
import msgspec
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from flows import projects
from flows.learning import codec
from flows.settings import load


class ServedLearner(PythonModel):
    """Predicts the rows of a frame whose columns are the event's fields; nested ones are dicts."""

    def load_context(self, context: PythonModelContext) -> None:
        self._project = projects.get(context.model_config["project"])
        with open(context.artifacts["learner"], "rb") as file:  # noqa: PTH123
            frame = file.read()
        key = load().signing_key.get_secret_value().encode()
        self._predictor = codec.loads(frame, key).predictor

    def predict(
        self,
        context: PythonModelContext,
        model_input: pd.DataFrame,
        params: Any = None,
    ) -> pd.DataFrame:
        """One row of the project's prediction for each event."""
        project = self._project
        events = [
            msgspec.convert(row, project.event, strict=False)
            for row in model_input.to_dict(orient="records")
        ]
        predictions = [self._predictor.predict(project, one) for one in events]
        return pd.DataFrame([one and msgspec.structs.asdict(one) for one in predictions])


mlflow.models.set_model(ServedLearner())
