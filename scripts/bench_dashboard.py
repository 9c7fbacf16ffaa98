"""`python -m scripts.bench_dashboard`: how fast the pages of a running platform are.

A browser opens each page several times: when something can be read, when values are there, how
long each tab takes to open at once, again, and once it was made ahead, and how long after the API
a page shows a newer model. Then so many pages are opened and closed, and the server's memory is
compared. Times are in seconds; those of the processor are the server's.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2
from playwright.sync_api import Browser, Page
from prometheus_client.parser import text_string_to_metric_families

from dashboard.screenshot import started
from dashboard.views.project import TABS
from flows import projects, settings
from flows.measures import SESSIONS

PATIENCE = 60.0
MILLISECONDS = 1_000
AT_ONCE = 5
"""Pages that are open at once while sessions are counted."""

MOVED = (*list(TABS)[1:], next(iter(TABS)))
"""The tabs in the order in which they are opened."""

_NUMBER = re.compile(r"\d")
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
Figures = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print one JSON object."""
    options = _options(arguments)
    with started() as browser:
        figures = measure(browser, options)
    sys.stdout.write(json.dumps(figures, indent=None if options.json else 2) + "\n")
    return 0


def measure(browser: Browser, options: Namespace) -> Figures:
    """Look at the overview and at each project, then open and close sessions."""
    first, *_ = options.projects
    pages = {"overview": "", **{slug: slug for slug in options.projects}}
    return {
        "load": round(os.getloadavg()[0], 1),
        "pages": {name: opened(browser, options, path) for name, path in pages.items()},
        "tabs": tabs(browser, options, first),
        "ahead": ahead(browser, options, first),
        "update": updates(browser, options, first),
        "sessions": sessions(browser, options, first),
    }


def opened(browser: Browser, options: Namespace, path: str) -> Figures:
    """Open a page again and again: until it can be read, until it has values; the first is cold."""
    paints, values, work = [], [], []
    for _ in range(options.tries):
        before, began = _told(options.url, "process_cpu_seconds_total"), time.perf_counter()
        with _page(browser, f"{options.url}/{path}") as page:
            values.append(time.perf_counter() - began)
            paints.append(page.evaluate(_PAINT) / MILLISECONDS)
        work.append(_told(options.url, "process_cpu_seconds_total") - before)
    return {"paint": _spread(paints), "values": _spread(values), "cpu": _spread(work)}


def tabs(browser: Browser, options: Namespace, slug: str) -> Figures:
    """Open each tab of a page that has just got its values, for the first time and again."""
    with _page(browser, f"{options.url}/{slug}") as page:
        rounds = [{name: _switch(page, name) for name in MOVED} for _ in ("first", "again")]
    return {name: {"first": rounds[0][name], "again": rounds[1][name]} for name in MOVED}


def ahead(browser: Browser, options: Namespace, slug: str) -> Figures:
    """Look at a page until all of its tabs were made ahead, then open each for the first time."""
    with _page(browser, f"{options.url}/{slug}") as page:
        began = time.perf_counter()
        for name in MOVED:
            heading = page.locator(f".tab-{name} h2").first
            heading.wait_for(state="attached", timeout=PATIENCE * MILLISECONDS)
        made = round(time.perf_counter() - began, 1)
        return {"made_after": made, "tabs": {name: _switch(page, name) for name in MOVED}}


def updates(browser: Browser, options: Namespace, slug: str) -> Figures:
    """How long after the API has learnt more a page shows as much."""
    with _page(browser, f"{options.url}/{slug}") as page, httpx2.Client() as client:
        tile = page.locator(".tile[data-key=learned] .value").first
        delays = []
        for _ in range(options.tries):
            known = _learned(client, options, slug)
            _until(lambda known=known: _learned(client, options, slug) > known)  # type: ignore[misc]
            wanted, began = _learned(client, options, slug), time.perf_counter()
            _until(lambda wanted=wanted: _count(tile.text_content()) >= wanted)  # type: ignore[misc]
            delays.append(time.perf_counter() - began)
    return _spread(delays)


def sessions(browser: Browser, options: Namespace, slug: str) -> Figures:
    """Open and close pages, and compare the server's memory when all of them are forgotten."""
    address = f"{options.url}/{slug}"
    _open_many(browser, address, AT_ONCE)
    before = _memory(options.url)
    _open_many(browser, address, options.sessions)
    after = _memory(options.url)
    return {
        "count": options.sessions,
        "before_mb": round(before / 2**20, 1),
        "after_mb": round(after / 2**20, 1),
        "ratio": round(after / before, 3),
    }


def _open_many(browser: Browser, address: str, count: int) -> None:
    for start in range(0, count, AT_ONCE):
        pages = [browser.new_page() for _ in range(min(AT_ONCE, count - start))]
        for page in pages:
            page.goto(address, timeout=PATIENCE * MILLISECONDS)
        for page in pages:
            _wait_for_values(page)
            page.close()


def _memory(url: str) -> float:
    """Bytes, once the server has forgotten all sessions."""
    _until(lambda: _told(url, SESSIONS.name) == 0)
    return _told(url, "process_resident_memory_bytes")


def _told(url: str, name: str) -> float:
    """What the dashboard tells of itself."""
    families = text_string_to_metric_families(httpx2.get(f"{url}/metrics", timeout=PATIENCE).text)
    return next(one.value for family in families for one in family.samples if one.name == name)


def _learned(client: httpx2.Client, options: Namespace, slug: str) -> int:
    model = client.get(f"{options.api}/projects/{slug}", timeout=PATIENCE).json()["model"]
    return int(model["events_learned"]) if model else 0


def _count(text: str | None) -> int:
    return int("".join(_NUMBER.findall(text or "")) or 0)


def _switch(page: Page, name: str) -> float:
    """Seconds from the click until the tab's own headings can be read."""
    began = time.perf_counter()
    page.get_by_role("tab", name=TABS[name], exact=True).click()
    page.locator(f".tab-{name} h2").first.wait_for(timeout=PATIENCE * MILLISECONDS)
    return round(time.perf_counter() - began, 3)


def _wait_for_values(page: Page) -> None:
    shown = page.locator(".value, .card-score").filter(has_text=_NUMBER).first
    shown.wait_for(timeout=PATIENCE * MILLISECONDS)


@contextmanager
def _page(browser: Browser, address: str) -> Iterator[Page]:
    """A page of a window of its own, which has values."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    page.goto(address, timeout=PATIENCE * MILLISECONDS)
    _wait_for_values(page)
    yield page
    context.close()


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("what is measured did not come within a minute; does all run?")
        time.sleep(0.02)


def _spread(values: list[float]) -> Figures:
    return {"median": round(statistics.median(values), 3), "most": round(max(values), 3)}


def _options(arguments: Sequence[str] | None) -> Namespace:
    found = settings.load()
    parser = ArgumentParser(prog="python -m scripts.bench_dashboard", description=__doc__)
    parser.add_argument("projects", nargs="*", help="which pages (all); tabs are the first one's")
    url = f"http://{found.dashboard_host}:{found.dashboard_port}"
    parser.add_argument("--url", default=url, help=f"of the dashboard ({url})")
    parser.add_argument("--api", default=found.api_url, help=f"its address ({found.api_url})")
    parser.add_argument("--tries", type=int, default=5, help="of each page, and updates (5)")
    parser.add_argument("--sessions", type=int, default=50, help="to open and close (50)")
    parser.add_argument("--json", action="store_true", help="one line instead of one per figure")
    options = parser.parse_args(arguments)
    options.projects = options.projects or list(projects.PROJECTS)
    return options


if __name__ == "__main__":
    sys.exit(main())
