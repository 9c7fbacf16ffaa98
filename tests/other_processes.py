"""What a program says in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys


def said_with_other_hashes(program: str) -> set[str]:
    """What Python says with two hash seeds: one answer, unless it depends on an order of hashes."""
    return {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
