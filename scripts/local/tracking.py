"""MLflow's server application in one process, on SQLite, with artifacts sent through it.

`mlflow server` starts the same application from a second process that stays and holds another
250 MB. Run by the supervisor: `python -m scripts.local.tracking PORT DIRECTORY`.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

import uvicorn


def serve(port: int, directory: Path) -> None:
    """Create the database if there is none, then serve on 127.0.0.1 until SIGTERM."""
    from mlflow.server import constants, handlers

    directory.mkdir(parents=True, exist_ok=True)
    store, root = f"sqlite:///{directory / 'mlflow.db'}", "mlflow-artifacts:/"
    os.environ[constants.BACKEND_STORE_URI_ENV_VAR] = store
    os.environ[constants.ARTIFACT_ROOT_ENV_VAR] = root
    os.environ[constants.ARTIFACTS_DESTINATION_ENV_VAR] = str(directory / "artifacts")
    os.environ[constants.SERVE_ARTIFACTS_ENV_VAR] = "true"
    # Before anyone can ask: two first requests at once would both create the tables.
    handlers.initialize_backend_stores(store, store, root)
    # MLflow's affair, and nothing that people who read our logs could mend.
    warnings.filterwarnings("ignore", message="starlette.middleware.wsgi")
    uvicorn.run("mlflow.server.fastapi_app:app", host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    serve(int(sys.argv[1]), Path(sys.argv[2]).absolute())
