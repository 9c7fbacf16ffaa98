"""`python -m scripts.grafana_boards`: write the boards of Grafana, as they are deployed.

A board is a list of panels; a panel is its title, its unit and its queries with their legends.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

SOURCE = Path(__file__).with_suffix(".yml")
TARGET = Path(__file__).parents[1] / "k8s/components/monitoring/dashboards"
ACROSS, WIDTH, HEIGHT = 2, 12, 8
DATASOURCES = {"metrics": "prometheus", "logs": "loki"}


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture. `unit` is Grafana's name of it; `queries` map legends to expressions."""

    title: str
    unit: str
    queries: dict[str, str]
    kind: str = "timeseries"


@dataclass(frozen=True, slots=True)
class Board:
    """Pictures on one page. `project` lets its reader choose one; `reads` is metrics or logs."""

    slug: str
    title: str
    panels: list[Panel]
    project: bool = False
    reads: str = "metrics"


def boards() -> list[Board]:
    """All boards, in the order of their file."""
    found = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    return [
        Board(slug, **{**board, "panels": [Panel(**panel) for panel in board["panels"]]})
        for slug, board in found.items()
    ]


def rendered(board: Board) -> str:
    """A board as the file that Grafana reads."""
    return json.dumps(_board(board), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every board."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for board in boards():
        (TARGET / f"{board.slug}.json").write_text(rendered(board), encoding="utf-8")


def _board(board: Board) -> dict[str, Any]:
    return {
        "uid": f"realtime-{board.slug}",
        "title": board.title,
        "tags": ["realtime"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [_PROJECT] if board.project else []},
        "panels": [_panel(board, place, panel) for place, panel in enumerate(board.panels)],
    }


def _panel(board: Board, place: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(place, ACROSS)
    source = {"type": DATASOURCES[board.reads], "uid": DATASOURCES[board.reads]}
    return {
        "id": place + 1,
        "type": panel.kind,
        "title": panel.title,
        "datasource": source,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(65 + n), "datasource": source, "expr": expr, "legendFormat": legend}
            for n, (legend, expr) in enumerate(panel.queries.items())
        ],
    }


_PROJECT = {
    "name": "project",
    "type": "query",
    "datasource": {"type": "prometheus", "uid": "prometheus"},
    "query": "label_values(realtime_events_total, project)",
    "refresh": 2,
    "includeAll": True,
    "allValue": ".*",
    "current": {"text": "All", "value": "$__all"},
}

if __name__ == "__main__":
    main()
