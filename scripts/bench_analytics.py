"""`python -m scripts.bench_analytics`: how long a profile and each chart of a large lake take.

The lake is made as `scripts.bench_sql` makes it. Analyses go the way of the API's, to a process of
their own; pictures are drawn in another, both of which run already. `first` is what the first of
each took, with its process's start.
"""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Literal, cast

import msgspec
import psutil

from api.analytics.asked import ChartAsked, Expected, ProfileAsked, Rows
from api.analytics.charted import ChartFigures
from api.analytics.figures import Profile
from api.analytics.report import report
from api.drawing import Drawer
from api.sql.messages import Analysis, Figures
from api.sql.offer import setup
from api.sql.pool import Pool
from flows import projects
from flows.projects.forms import form_fields
from flows.projects.spec import Project
from flows.settings import Settings
from scripts.bench_sql import fill

PICTURE = "flows.pictures.charts.chart"
PATIENCE_SECONDS = 600.0
CHARTS: dict[str, dict[str, Any]] = {
    "bar": {"kind": "bar", "x": "product_category", "y": "amount", "how": "mean"},
    "line": {"kind": "line", "x": "timestamp", "y": "amount", "how": "mean"},
    "line by kind": {"kind": "line", "x": "timestamp", "colour": "payment_method"},
    "scatter": {"kind": "scatter", "x": "amount", "y": "account_age_days"},
    "scatter by kind": {
        "kind": "scatter",
        "x": "amount",
        "y": "account_age_days",
        "colour": "payment_method",
    },
    "pie": {"kind": "pie", "x": "currency"},
    "heatmap": {"kind": "heatmap", "x": "product_category", "y": "payment_method"},
    "histogram": {"kind": "histogram", "x": "amount", "colour": "is_fraud"},
    "box": {"kind": "box", "x": "product_category", "y": "amount"},
    "box in facets": {
        "kind": "box",
        "x": "product_category",
        "y": "amount",
        "facet": "is_fraud",
    },
}

Measured = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print one JSON object."""
    options = _options(arguments)
    project = projects.get("fraud")
    with TemporaryDirectory(prefix="bench-analytics-") as folder:
        settings = Settings(_env_file=None, lake_uri=str(Path(folder) / "lake"))
        fill(settings, project, options.rows, options.labels == "late")
        with _bench(settings, project, options) as bench:
            measured = {"labels": options.labels, **bench.profiles(), "charts": bench.charts()}
    sys.stdout.write(json.dumps(measured, indent=None if options.json else 2) + "\n")
    return 0


def _options(arguments: Sequence[str] | None) -> Namespace:
    parser = ArgumentParser(prog="python -m scripts.bench_analytics", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_200_000, help="of events (1200000)")
    parser.add_argument("--labels", choices=("carried", "late"), default="carried")
    parser.add_argument("--times", type=int, default=3, help="that each is asked for (3)")
    parser.add_argument("--json", action="store_true", help="one line instead of one per figure")
    return parser.parse_args(arguments)


@contextmanager
def _bench(settings: Settings, project: Project, options: Namespace) -> Iterator[_Bench]:
    pool, drawer = Pool(setup(settings, {project.slug: project}), 1, 0), Drawer(PATIENCE_SECONDS)
    try:
        yield _Bench(pool, drawer, project, options.times, options.rows)
    finally:
        pool.stop()
        drawer.stop()


class _Bench:
    def __init__(self, pool: Pool, drawer: Drawer, project: Project, times: int, rows: int) -> None:
        self._pool, self._drawer, self._times = pool, drawer, times
        self._project = project
        slug = project.slug
        self._rows = Rows(view=slug, plain=f"{slug}_events", time=project.time, most=2 * rows)

    def profiles(self) -> Measured:
        """Seconds of a profile and of its file, and how much memory its process came to have."""
        fields = form_fields(self._project.event)
        expected = [Expected(path=one.path, minimum=one.minimum) for one in fields]
        asked = ProfileAsked(rows=self._rows, identity=self._project.event_id, expected=expected)
        took, figures = self._timed(lambda: self._ask("profile", asked))
        told = msgspec.msgpack.decode(figures.body, type=Profile)
        filed, _ = self._timed(lambda: report(told, self._project.title))
        return {"rows": told.rows, "profile": took | {"MB": self._memory()}, "file": filed}

    def charts(self) -> Measured:
        """Seconds of the figures and of a picture, by chart."""
        measured = {}
        for name, chosen in CHARTS.items():
            asked = ChartAsked(rows=self._rows, **chosen)
            took, figures = self._timed(lambda asked=asked: self._ask("chart", asked))  # type: ignore[misc]
            told = msgspec.msgpack.decode(figures.body, type=ChartFigures)
            drawn, _ = self._timed(lambda told=told: self._drawer.draw(PICTURE, told, "png"))  # type: ignore[misc]
            measured[name] = {
                "figures": took,
                "picture": drawn,
                "both": round(took["median"] + drawn["median"], 3),
            }
        return measured

    def _ask(self, kind: Literal["profile", "chart"], asked: msgspec.Struct) -> Figures:
        body = msgspec.msgpack.encode(asked)
        analysis = Analysis(kind=kind, view=self._rows.view, body=body, seconds=PATIENCE_SECONDS)
        return cast(Figures, self._pool.ask(analysis))

    def _timed(self, act: Callable[[], Any]) -> tuple[Measured, Any]:
        took = []
        found = None
        for _ in range(self._times + 1):
            began = time.perf_counter()
            found = act()
            took.append(round(time.perf_counter() - began, 3))
        return {"first": took[0], "median": median(took[1:]), "longest": max(took[1:])}, found

    def _memory(self) -> int:
        """The most that the process of queries had in memory by now."""
        children = psutil.Process().children()
        sizes = [_most(child.pid) for child in children if "api.sql.worker" in child.cmdline()]
        return max(sizes, default=0)


def _most(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    found = (line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(next(found, "0")) // 1_000


if __name__ == "__main__":
    sys.exit(main())
