"""Names the installed packages that nothing in pyproject.toml's dependencies needs.

`python prune.py pyproject.toml`: the lock holds what tests and the local platform need as well; an
image does without. Reads requirements with pip's own `packaging`: nothing else is sure to be there.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import distributions
from pathlib import Path

from pip._vendor.packaging.requirements import Requirement

TOOLS = {"pip", "setuptools", "wheel"}


def name_of(text: str) -> str:
    """A package's name as one may compare it."""
    return re.sub(r"[-_.]+", "-", text).lower()


def needed(roots: Iterable[str], requires: dict[str, list[str]]) -> set[str]:
    """All that some requirements need, with the extras that they ask for."""
    found: set[tuple[str, str]] = set()
    waiting = [Requirement(root) for root in roots]
    while waiting:
        wanted = waiting.pop()
        name = name_of(wanted.name)
        for extra in ("", *wanted.extras):
            if (name, extra) in found:
                continue
            found.add((name, extra))
            for text in requires.get(name, ()):
                one = Requirement(text)
                if one.marker is None or one.marker.evaluate({"extra": extra}):
                    waiting.append(one)
    return {name for name, _ in found}


def unused(pyproject: Path) -> list[str]:
    """The installed packages that an image does without, in order of their names."""
    told = tomllib.loads(pyproject.read_text(encoding="utf-8"))
    roots = [*told["project"]["dependencies"], *told["dependency-groups"]["cluster"]]
    requires = {name_of(one.metadata["Name"]): one.requires or [] for one in distributions()}
    kept = needed(roots, requires) | TOOLS | {name_of(told["project"]["name"])}
    return sorted(requires.keys() - kept)


if __name__ == "__main__":
    sys.stdout.write("".join(f"{name}\n" for name in unused(Path(sys.argv[1]))))
