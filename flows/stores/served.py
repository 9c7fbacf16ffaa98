"""The files of a version: a plain MLflow model around a signed learner.

`mlflow.pyfunc.load_model` loads it in any process that has this package and
REALTIME_SIGNING_KEY, the key that the version was written with.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

FRAME = "learner.bin"
CODE = Path(__file__).with_name("served_model.py")


def save(folder: Path, slug: str, frame: bytes, code: Path = CODE, **described: Any) -> None:
    """Write MLmodel, the code that loads it, and the learner, into a new folder.

    `described` is what MLflow is told beside: a signature, an example.
    """
    from mlflow.pyfunc import save_model

    artifact = folder.with_name(FRAME)
    artifact.write_bytes(frame)
    save_model(
        folder,
        python_model=str(code),
        artifacts={"learner": str(artifact)},
        model_config={"project": slug},
        pip_requirements=["coelho-realtime"],
        **described,
    )
