"""`./scripts/up` as people run it: everything real, twice, the second going on from the first.

Prometheus reads the second one as it would in a cluster.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2
import pytest

from flows import measures
from scripts.grafana_boards import Board, boards
from tests.alerting import has_prometheus, until
from tests.local_platform import Platform, free_ports, running
from tests.scraping import Prometheus, at_once, job, scraping
from tests.test_alert_rules import EVERY
from tests.test_grafana_boards import BYTEWAX, OURS, names

SCRAPED = ("flow", "bytewax", "api", "dashboard", "producer", "batch")
EVERYWHERE = {"up", "ALERTS", "process_resident_memory_bytes", "process_cpu_seconds_total"}
# What nobody does here: read in a browser, and train from the lake.
NOT_DONE = {"Time of a read, 95 of 100", "Time of a batch job, 95 of 100"}
NEEDS_AN_INCIDENT = {"realtime_last_drift_timestamp_seconds"}
BOARDS = [board for board in boards() if board.reads == "metrics"]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Platform]]:
    """How many events the first of two had learned, and the second on the same data, which runs."""
    folder = tmp_path_factory.mktemp("up")
    data, ports = folder / "data", free_ports()
    own = ("--only", "fraud", "--rate", "200")
    watched = {
        "BYTEWAX_DATAFLOW_API_ENABLED": "true",
        "BYTEWAX_DATAFLOW_API_PORT": str(ports["bytewax"]),
        "BYTEWAX_DATAFLOW_API_CACHE_PATH": str(folder),
    }
    with running(data, ports, folder / "first.log", *own, settings=watched) as first:
        learned = first.learned(at_least=200)
        assert httpx2.get(first.url("dashboard", "/"), timeout=60).is_success
    with running(data, ports, folder / "second.log", *own, settings=watched) as second:
        yield learned, second


@pytest.fixture(scope="module")
def platform(both: tuple[int, Platform]) -> Platform:
    """The second of the two."""
    return both[1]


@pytest.fixture(scope="module")
def prometheus(
    platform: Platform, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """It reads what a cluster's pods would tell it, while somebody uses the platform."""
    jobs = []
    for name in SCRAPED:
        labels = {"pod": f"{name}-0", **({"project": "fraud"} if name == "bytewax" else {})}
        target = {"targets": [f"127.0.0.1:{platform.ports[name]}"], "labels": labels}
        kept = job("bytewax" if name == "bytewax" else "pods").get("metric_relabel_configs", [])
        jobs.append({"job_name": name, "static_configs": [target], "metric_relabel_configs": kept})
    _use(platform)
    with scraping(jobs, tmp_path_factory.mktemp("prometheus")) as found:
        until(lambda: {one["health"] for one in found.targets()} == {"up"}, "a scrape of all")
        _use(platform)
        time.sleep(2.5)
        yield found


def _use(platform: Platform) -> None:
    """Predict, ask both engines, and get a page, which reads of the API in browsers only."""
    event = httpx2.get(platform.url("api", "/projects/fraud/sample"), timeout=60).json()
    answers = [
        httpx2.post(platform.url("api", "/projects/fraud/predict"), json=event, timeout=60),
        httpx2.get(platform.url("dashboard", "/fraud"), timeout=60),
        *(
            httpx2.post(
                platform.url("api", "/sql"),
                json={"query": "SELECT count(*) FROM fraud", "engine": engine},
                timeout=60,
            )
            for engine in ("duckdb", "polars")
        ),
    ]
    for answer in answers:
        assert answer.is_success, answer.text


def test_second_start_goes_on_from_the_models_of_the_first(
    both: tuple[int, Platform],
) -> None:
    before, platform = both
    assert platform.learned(at_least=1) >= before
    platform.learned(at_least=before + 400)
    assert "going on from the champion" in platform.log.read_text()


@has_prometheus
def test_prometheus_can_read_all_parts(prometheus: Prometheus) -> None:
    """On a machine that is busy one may be late, and is read the next time."""

    def errors() -> dict[str, str]:
        return {one["labels"]["job"]: one["lastError"] for one in prometheus.targets()}

    until(lambda: errors() == dict.fromkeys(SCRAPED, ""), errors)


@has_prometheus
def test_every_metric_of_ours_is_told(prometheus: Prometheus) -> None:
    expected = (OURS | BYTEWAX) - NEEDS_AN_INCIDENT

    def missing() -> set[str]:
        return expected - set(prometheus.ask("label/__name__/values"))

    until(lambda: not missing(), missing)


@has_prometheus
def test_nothing_is_told_that_is_not_registered(prometheus: Prometheus) -> None:
    prefixes = ("realtime_", "http_")
    told = {name for name in prometheus.ask("label/__name__/values") if name.startswith(prefixes)}
    assert {name.removesuffix("_created") for name in told} <= OURS | {
        one.name.removesuffix("_total") for part in measures.PARTS.values() for one in part
    }


@has_prometheus
@pytest.mark.parametrize("board", BOARDS, ids=[board.slug for board in BOARDS])
def test_every_panel_of_our_own_parts_shows_something(board: Board, prometheus: Prometheus) -> None:
    def empty() -> list[tuple[str, str]]:
        return [
            (panel.title, query)
            for panel in board.panels
            for query in panel.queries.values()
            if names(query) <= OURS | BYTEWAX | EVERYWHERE
            if not shown(panel.title, at_once(query))
        ]

    def shown(title: str, query: str) -> object:
        asked = prometheus.results if title in NOT_DONE else prometheus.numbers
        return asked(query)

    until(lambda: not empty(), empty)


@has_prometheus
def test_no_rule_fails(prometheus: Prometheus) -> None:
    until(lambda: "unknown" not in {one["health"] for one in prometheus.rules()}, "an evaluation")
    rules = prometheus.rules()
    assert {one["name"] for one in rules} == EVERY.keys()
    assert [(one["name"], one["lastError"]) for one in rules if one["health"] != "ok"] == []


@has_prometheus
def test_all_is_well_and_no_alert_says_otherwise(prometheus: Prometheus) -> None:
    """A drift is news, no trouble."""
    firing = [one["metric"] for one in prometheus.results('ALERTS{alertstate="firing"}')]
    assert "Watchdog" in {one["alertname"] for one in firing}
    assert [one for one in firing if one["severity"] in ("warning", "critical")] == []
