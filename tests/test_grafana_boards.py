"""Boards are what the script makes, and name only metrics that something really tells."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from flows import measures
from scripts.grafana_boards import TARGET, Board, boards, rendered
from tests.test_alert_rules import EVERY

ROOT = Path(__file__).parents[1]
BOARDS = {board.slug: board for board in boards()}
EXPORTERS = yaml.safe_load((ROOT / "tests/exporter_metrics.yml").read_text(encoding="utf-8"))
OURS = {name for part in measures.PARTS.values() for one in part for name in one.series}
BYTEWAX = set(EXPORTERS["bytewax"]["names"])
THEIRS = {name for exporter in EXPORTERS.values() for name in exporter["names"]}
EACH = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)

_WORDS = re.compile(r"\b[A-Za-z_:][A-Za-z0-9_:]*\b(?!\s*\()")
_NO_NAMES = re.compile(
    r"\{[^}]*\}|\[[^]]*\]|\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)"
)
_KEYWORDS = {"and", "or", "unless", "offset", "bool", "h", "m", "s"}


def names(expression: str) -> set[str]:
    """The metrics that an expression of PromQL reads."""
    without_texts = re.sub(r'"[^"]*"', '""', expression)
    return set(_WORDS.findall(_NO_NAMES.sub(" ", without_texts))) - _KEYWORDS


def test_names_are_found_in_an_expression() -> None:
    text = (
        'sum by (a, b) (rate(x_total{c="/{d}/e"}[5m])) / on (e) y offset 1h unless z == 1e6 > 0.5'
    )
    assert names(text) == {"x_total", "y", "z"}


def test_there_is_a_board_for_everything_and_resources_come_first() -> None:
    known = "overview learning bytewax api producers kafka redis postgresql object-store logs"
    assert list(BOARDS) == known.split()
    first = BOARDS["overview"].panels[:2]
    assert [panel.title for panel in first] == ["Processor by service", "Memory by service"]


@EACH
def test_the_file_is_what_the_script_makes(board: Board) -> None:
    assert (TARGET / f"{board.slug}.json").read_text(encoding="utf-8") == rendered(board)


def test_there_are_no_other_files() -> None:
    assert {path.stem for path in TARGET.iterdir()} == BOARDS.keys()


@EACH
def test_a_board_names_only_metrics_that_are_told(board: Board) -> None:
    if board.reads == "logs":
        pytest.skip("reads logs")
    for panel in board.panels:
        for expression in panel.queries.values():
            assert names(expression)
            assert names(expression) <= OURS | THEIRS, panel.title


@pytest.mark.parametrize("alert", EVERY)
def test_an_alert_names_only_metrics_that_are_told(alert: str) -> None:
    assert names(EVERY[alert]["expr"]) <= OURS | THEIRS


def test_names_of_the_broker_are_those_that_its_agent_makes() -> None:
    text = (ROOT / "k8s/components/kafka/agent.yml").read_text(encoding="utf-8")
    made = [rule["name"].replace("$1", "(in|out)") for rule in yaml.safe_load(text)["rules"]]
    told = {name for name in EXPORTERS["jmx_exporter"]["names"] if name.startswith("kafka_")}
    assert {name for pattern in made for name in told if re.fullmatch(pattern, name)} == told
    assert all(any(re.fullmatch(pattern, name) for name in told) for pattern in made)


def test_every_metric_of_ours_is_shown_or_watched() -> None:
    shown = [
        query for b in BOARDS.values() for panel in b.panels for query in panel.queries.values()
    ]
    used = {
        name
        for text in (*shown, *(rule["expr"] for rule in EVERY.values()))
        for name in names(text)
    }
    left_out = {"realtime_challenger_score", "realtime_last_drift_timestamp_seconds"}
    unused = {
        one.name for part in measures.PARTS.values() for one in part if not used & set(one.series)
    }
    assert unused == left_out


def test_no_name_of_others_is_kept_for_nothing() -> None:
    shown = [
        query for b in BOARDS.values() for panel in b.panels for query in panel.queries.values()
    ]
    used = {
        name
        for text in (*shown, *(rule["expr"] for rule in EVERY.values()))
        for name in names(text)
    }
    assert used >= THEIRS


@EACH
def test_panels_do_not_overlap_and_read_their_source(board: Board) -> None:
    made = json.loads(rendered(board))
    source = {"metrics": "prometheus", "logs": "loki"}[board.reads]
    assert all(panel["datasource"]["uid"] == source for panel in made["panels"])
    places = [panel["gridPos"] for panel in made["panels"]]
    for one, other in combinations(places, 2):
        apart = abs(one["x"] - other["x"]) >= one["w"] or abs(one["y"] - other["y"]) >= one["h"]
        assert apart
    assert len({panel["title"] for panel in made["panels"]}) == len(places)


@EACH
def test_a_choice_of_project_is_obeyed(board: Board) -> None:
    queries = [query for panel in board.panels for query in panel.queries.values()]
    assert board.project == any("$project" in query for query in queries)
