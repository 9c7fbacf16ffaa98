"""What the kernel still lets a confined process do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONFINED = """
import os, socket, sys
from pathlib import Path
from api.sql.confinement import bound, confine

bound(2_000_000_000)
assert confine([Path(sys.argv[1])], [Path(sys.argv[2])], network=False)
"""


def confined(code: str, readable: Path, writable: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CONFINED + code, readable, writable],
        cwd=readable,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "code",
    [
        "Path('/etc/passwd').read_text()",
        "Path('/proc/self/environ').read_text()",
        "Path('/proc/1/cmdline').read_text()",
        f"Path({str(ROOT / 'pyproject.toml')!r}).read_text()",
        "os.listdir('/')",
        "os.listdir('/tmp')",
        "Path('new').write_text('a')",
        "Path('held').write_text('a')",
        "Path('held').unlink()",
        "Path('held').rename('moved')",
        "os.execv('/bin/true', ['true'])",
        "socket.create_connection(('127.0.0.1', 1))",
        "socket.create_server(('127.0.0.1', 0))",
        "import polars; polars.read_csv('/etc/passwd')",
        "import polars; polars.sql(\"SELECT * FROM read_csv('/etc/passwd')\").collect()",
        "import duckdb; duckdb.sql(\"FROM read_text('/etc/passwd')\").fetchall()",
        "import threading as t; a = []; x = t.Thread(target=lambda: a.append(open('/etc/passwd')));"
        " x.start(); x.join(); sys.exit(not a)",
    ],
)
def test_all_else_is_denied(tmp_path: Path, code: str) -> None:
    readable, writable = tmp_path / "lake", tmp_path / "temp"
    readable.mkdir()
    writable.mkdir()
    (readable / "held").write_text("what is held")
    ended = confined(code, readable, writable)
    assert ended.returncode == 1
    assert (readable / "held").read_text() == "what is held"
    assert any(said in ended.stderr for said in ("ermission", "not permitted", "denied"))


def test_the_lake_is_read_and_the_own_folder_written(tmp_path: Path) -> None:
    readable, writable = tmp_path / "lake", tmp_path / "temp"
    readable.mkdir()
    writable.mkdir()
    (readable / "held").write_text("what is held")
    code = """
assert Path("held").read_text() == "what is held"
(Path(sys.argv[2]) / "new").write_text("a")
import json.tool, duckdb, polars
assert duckdb.sql("SELECT 1").fetchall() == [(1,)]
"""
    ended = confined(code, readable, writable)
    assert ended.returncode == 0, ended.stderr
    assert (writable / "new").read_text() == "a"


def test_memory_is_bounded(tmp_path: Path) -> None:
    ended = confined("bytearray(3_000_000_000)", tmp_path, tmp_path)
    assert "MemoryError" in ended.stderr
