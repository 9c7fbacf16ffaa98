"""`python -m dashboard.screenshot URL DIR`: pictures of the pages, as the README shows them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from flows.projects import PROJECTS

CHROMIUM = "chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"overview": (1280, 560), "project": (1280, 1320)}
READY = 120_000
"""Milliseconds that a page may take until it shows a model."""

DRAWN = 2_000
"""Milliseconds after which another picture would have been drawn."""


def take(url: str, folder: Path, slugs: list[str]) -> list[Path]:
    """Photograph the overview and the pages of projects that have a model; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = {"overview": ""} | {slug: slug for slug in slugs}
    with started() as browser:
        return [_shoot(browser, url, page, folder / f"{name}.png") for name, page in pages.items()]


@contextmanager
def started() -> Iterator[Browser]:
    """A browser: the system's Chromium."""
    with sync_playwright() as playwright:
        path = shutil.which(CHROMIUM)
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


def _shoot(browser: Browser, url: str, page: str, file: Path) -> Path:
    width, height = SIZES["project" if page else "overview"]
    tab = browser.new_page(viewport={"width": width, "height": height})
    tab.goto(f"{url}/{page}", timeout=READY)
    expect(tab.locator(".state").first).not_to_have_text("connecting", timeout=READY)
    tab.mouse.move(0, 0)
    _settle(tab)
    tab.screenshot(path=file)
    tab.close()
    return file


def _settle(tab: Page) -> None:
    """Wait until no further picture appears."""
    drawn = -1
    while drawn != (drawn := tab.locator("canvas").count()) or not drawn:
        tab.wait_for_timeout(DRAWN)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: python -m dashboard.screenshot URL DIR")
    for _file in take(sys.argv[1].rstrip("/"), Path(sys.argv[2]), list(PROJECTS)):
        sys.stdout.write(f"{_file}\n")
