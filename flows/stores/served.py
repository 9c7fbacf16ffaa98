"""The files of a version: a plain MLflow model around a signed learner.

`mlflow.pyfunc.load_model` loads it in any process that has this package and
REALTIME_SIGNING_KEY, the key that the version was written with.
"""

from __future__ import annotations

from pathlib import Path

FRAME = "learner.bin"


def save(folder: Path, slug: str, frame: bytes) -> None:
    """Write MLmodel, the code that loads it, and the learner, into a new folder."""
    from mlflow.pyfunc import save_model

    artifact = folder.with_name(FRAME)
    artifact.write_bytes(frame)
    save_model(
        folder,
        python_model=str(Path(__file__).with_name("served_model.py")),
        artifacts={"learner": str(artifact)},
        model_config={"project": slug},
        pip_requirements=["coelho-realtime"],
    )
