"""A model is trained, followed and asked for from a browser, on a site that runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect

from api.events import example
from flows.stores.connection import connect
from flows.stores.jobs import JobStore
from scripts.batch_worker import Instruments, Worker
from scripts.local.environment import variables
from scripts.stop import Stop
from tests import browsing
from tests.batch_models import ROWS, lake_at
from tests.dashboard_parts import Site, site

PATIENCE = 240_000
"""Milliseconds that training may take where much else is done."""

pytestmark = [
    pytest.mark.slow,
    browsing.NEEDS_CHROMIUM,
]


@pytest.fixture
def running(
    redis_url: str,
    tracking: str,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Site]:
    """A site with a lake and MLflow; children read its settings from the environment."""
    url = redis_url.removesuffix("/0") + "/11"
    with connect(url) as client:
        client.flushdb()
    lake = lake_at(tmp_path_factory.mktemp("lake")).lake_uri
    with site(url, "fraud", mlflow_uri=tracking, lake_uri=lake) as found:
        for name, value in variables(found.settings).items():
            monkeypatch.setenv(name, value)
        found.publish()
        yield found


@pytest.fixture
def page(running: Site, browser: Browser) -> Iterator[Page]:
    with browsing.window(browser) as window:
        page = window.new_page()
        page.goto(f"{running.url}/fraud?tab=batch")
        yield page


@pytest.fixture
def work(running: Site) -> Iterator[threading.Thread]:
    """A worker that begins when the test says so."""
    stop = Stop()
    with connect(running.settings.redis_url.get_secret_value()) as client:
        worker = Worker(JobStore(client), running.settings, Instruments())
        thread = threading.Thread(target=worker.run, args=(stop,))
        yield thread
        stop.request()
        if thread.is_alive():
            thread.join()


def test_model_is_trained_followed_and_asked(
    running: Site, page: Page, work: threading.Thread
) -> None:
    expect(page.get_by_text("No worker runs")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("No batch model has been trained yet")).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".batch-jobs")).to_contain_text("Nothing has been ordered yet")
    page.get_by_role("button", name="Train", exact=True).click()
    progress = page.locator(".progress progress")
    expect(progress).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".progress")).to_contain_text("queued, 0 %")
    work.start()
    expect(page.get_by_text("No worker runs")).to_be_hidden(timeout=PATIENCE)
    expect(page.locator(".batch-jobs")).to_contain_text("version 1", timeout=PATIENCE)
    expect(progress).to_be_hidden(timeout=PATIENCE)
    expect(page.locator(".tile[data-key=version] .value").last).to_have_text("1", timeout=PATIENCE)
    rows = page.locator(".tile[data-key=rows] .value")
    expect(rows).to_have_text(f"{ROWS:,}".replace(",", "\u202f"), timeout=PATIENCE)
    expect(page.locator(".diagnostic img")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("button", name="Run again")).to_be_visible()
    url = f"{running.api.url}/projects/fraud/predict?model=batch"
    answer = httpx2.post(url, json=example(running.project), timeout=60)
    assert answer.status_code == 200, answer.text
    assert answer.json()["model"]["alias"] == "batch"
