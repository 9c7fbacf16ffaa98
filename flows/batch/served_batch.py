"""Run by MLflow when it loads a model that was trained at once; not for import."""

from __future__ import annotations

from typing import Any

import mlflow
import msgspec
import numpy as np
import pandas as pd
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from flows import projects
from flows.batch.frozen import decode
from flows.settings import load


class ServedBatch(PythonModel):
    """Predicts the rows of a frame whose columns are the event's fields; nested ones are dicts."""

    def load_context(self, context: PythonModelContext) -> None:
        self._project = projects.get(context.model_config["project"])
        with open(context.artifacts["learner"], "rb") as file:  # noqa: PTH123
            frame = file.read()
        self._model = decode(frame, load().signing_key.get_secret_value().encode())

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: Any = None
    ) -> pd.DataFrame:
        """One row of the project's prediction for each event, from what was known at the end."""
        project, model = self._project, self._model
        events = [
            msgspec.convert(_plain(row), project.event, strict=False)
            for row in model_input.to_dict(orient="records")
        ]
        rows = [model.row(project.inputs(one, model.past)) for one in events]
        return pd.DataFrame([msgspec.to_builtins(one) for one in model.predict_many(rows)])


def _plain(value: Any) -> Any:
    """Python's own types; None for what a frame says where nothing is given."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    value = value.item() if isinstance(value, np.generic) else value
    return None if value != value else value


mlflow.models.set_model(ServedBatch())
