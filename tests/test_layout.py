"""The rules of the house, read from the syntax trees of all modules."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from scripts.local.environment import FRUGAL

ROOT = Path(__file__).parents[1]
CODE = ("flows", "api", "dashboard", "scripts")
FOLDERS = {*CODE, "k8s", "tests"}
LONGEST_FUNCTION = 60
LONGEST_FILE = 300

NETWORK = {
    *("confluent_kafka", "deltalake", "http", "httpx2", "mlflow", "redis", "requests", "socket"),
    *("ssl", "urllib3", "websockets"),
}
SERVING = {"api", "dashboard", "fastapi", "panel", "starlette", "uvicorn"}
# What no module below a folder may reach, by itself or through modules of ours.
OUT_OF_REACH = {
    "flows.learning": {"bytewax", *NETWORK, *SERVING},
    "flows.projects": {"bytewax", *NETWORK, *SERVING},
    "flows.stores": {"bytewax", *SERVING},
    "flows.batch": {"bytewax", *SERVING},
    "flows.batch.offered": {"bytewax", "sklearn", *NETWORK, *SERVING},
    "flows.pictures": {"bytewax", *NETWORK, *SERVING},
    "flows": {"api", "dashboard", "scripts", "tests"},
    "api": {"bytewax", "dashboard", "scripts", "tests"},
    "dashboard": {"api", "bytewax", "scripts", "tests"},
    "scripts": {"tests"},
}
# What of flows the others may name themselves.
ALLOWED_OF_FLOWS = {
    "dashboard": {
        *("flows.errors", "flows.logs", "flows.measures", "flows.pictures", "flows.projects"),
        "flows.settings",
    }
}
WITH_ENVIRONMENT = ("flows.settings", "scripts.local")
SAYS_NOTHING = {"common", "helper", "helpers", "manager", "misc", "util", "utils"}


def _paths(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).rglob("*.py"))


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(path): path for path in _paths(*CODE)}
ENTRIES = {f"flows.{path.stem}" for path in (ROOT / "flows" / "projects").glob("*.py")}


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _imports(path: Path) -> frozenset[str]:
    """All that a file imports: modules, and names of modules that may be modules themselves."""
    names: set[str] = set()
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return frozenset(names)


def _reached(start: str) -> dict[str, str]:
    """Every import that importing `start` leads to, with the module of ours that names it."""
    reached: dict[str, str] = {}
    waiting = [start]
    while waiting:
        module = waiting.pop()
        for name in _imports(MODULES[module]) - reached.keys():
            reached[name] = module
            if name in MODULES:
                waiting.append(name)
    return reached


def _below(folder: str, modules: set[str]) -> list[str]:
    return sorted(name for name in modules if f"{name}.".startswith(f"{folder}."))


def _belongs(name: str, packages: set[str]) -> bool:
    return any(f"{name}.".startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("folder", OUT_OF_REACH)
def test_imports_point_one_way(folder: str) -> None:
    found = [
        f"{module} reaches {name} through {by}"
        for module in _below(folder, MODULES.keys() - ENTRIES)
        for name, by in _reached(module).items()
        if _belongs(name, OUT_OF_REACH[folder])
    ]
    assert found == []


@pytest.mark.parametrize("folder", ALLOWED_OF_FLOWS)
def test_dashboard_knows_of_flows_only_what_describes_projects(folder: str) -> None:
    allowed = ALLOWED_OF_FLOWS[folder]
    found = [
        f"{module} imports {name}"
        for module in _below(folder, set(MODULES))
        for name in _imports(MODULES[module])
        if _belongs(name, {"flows"}) and not _belongs(name, allowed) and name != "flows"
    ]
    assert found == []


def test_only_streaming_and_entry_points_import_bytewax() -> None:
    found = {
        module
        for module, path in MODULES.items()
        if any(_belongs(name, {"bytewax"}) for name in _imports(path))
    }
    assert found - ENTRIES == set(_below("flows.streaming", found))


def test_only_settings_and_the_supervisor_read_the_environment() -> None:
    found = [
        f"{module}:{line}"
        for module, path in MODULES.items()
        if not _belongs(module, set(WITH_ENVIRONMENT))
        for line in _environment_reads(_tree(path))
    ]
    assert found == []


def _environment_reads(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv", "putenv"):
            yield node.lineno
        if isinstance(node, ast.ImportFrom) and node.module == "os":
            yield from (node.lineno for alias in node.names if alias.name in ("environ", "getenv"))


def test_functions_are_short() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {length} lines"
        for path in _paths(*CODE, "tests")
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    ]
    assert found == []


def test_files_are_short() -> None:
    found = [
        f"{path.relative_to(ROOT)} has {length} lines"
        for path in _paths(*CODE, "tests")
        if (length := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST_FILE
    ]
    assert found == []


def test_names_of_modules_say_what_is_in_them() -> None:
    found = [
        name
        for name in MODULES
        if SAYS_NOTHING & {word for part in name.split(".") for word in part.split("_")}
    ]
    assert found == []


def test_folders_are_those_of_the_house() -> None:
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    folders = {name.split("/")[0] for name in listing.stdout.split("\0") if "/" in name}
    assert {name for name in folders if not name.startswith(".")} <= FOLDERS


IMPORT_ALL = """
import importlib, sys

def watch(event, arguments):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen"):
        raise RuntimeError(f"{event} while importing: {arguments}")

for library in ("mlflow", "panel", "holoviews", "river", "bytewax.operators"):
    importlib.import_module(library)
sys.addaudithook(watch)
for module in sys.argv[1:]:
    importlib.import_module(module)
"""


def test_importing_opens_no_connection() -> None:
    modules = sorted(name for name in MODULES.keys() - ENTRIES if not name.endswith("__main__"))
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL, *modules],
        cwd=ROOT,
        env=FRUGAL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
