"""A process of our own at the end of a pipe: what must not run where requests are answered."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Pipe
from pathlib import Path

ROOT = Path(__file__).parents[1]


class PipedProcess:
    """Runs a module, which is told the descriptor of its end; has a folder for what it writes."""

    def __init__(
        self, module: str, folder: str, environment: Callable[[str], dict[str, str]]
    ) -> None:
        """Start it; it sees nothing of ours but where modules are, and this, made of its folder."""
        self._temp = tempfile.mkdtemp(prefix=folder)
        self._connection, theirs = Pipe()
        command = [sys.executable, "-m", module, str(theirs.fileno())]
        needed = {
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "LANG": "C.UTF-8",
            "TMPDIR": self._temp,
        }
        self._process = subprocess.Popen(  # noqa: S603
            command, env=needed | environment(self._temp), pass_fds=[theirs.fileno()]
        )
        theirs.close()
        self._ready = False

    def lives(self) -> bool:
        """Tell whether it can be asked."""
        return self._process.poll() is None

    def end(self) -> None:
        """Kill it, and remove what it wrote."""
        self._process.kill()
        self._process.wait()
        self._connection.close()
        shutil.rmtree(self._temp, ignore_errors=True)
