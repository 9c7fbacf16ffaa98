"""The environment that every part is started with."""

from __future__ import annotations

import json
import os
from typing import Any

from pydantic import BaseModel, SecretStr

from flows.settings import Settings

# All parts share one small machine, and none of them tells anyone outside about it.
FRUGAL = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "DO_NOT_TRACK": "true",
    "MALLOC_ARENA_MAX": "2",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "2",
    "PYTHONUNBUFFERED": "1",
    "RAYON_NUM_THREADS": "2",
}


def environment(settings: Settings) -> dict[str, str]:
    """This process's environment, made frugal, with every setting as `REALTIME_<NAME>`."""
    return {**os.environ, **FRUGAL, **variables(settings)}


def variables(settings: Settings) -> dict[str, str]:
    """The settings as environment variables; reading them back gives equal settings."""
    values = {name: getattr(settings, name) for name in type(settings).model_fields}
    return {
        f"REALTIME_{name.upper()}": _text(value)
        for name, value in values.items()
        if value is not None
    }


def _text(value: Any) -> str:
    plain = _plain(value)
    return plain if isinstance(plain, str) else json.dumps(plain)


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
