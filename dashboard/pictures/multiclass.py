"""Pictures of several classes."""

from __future__ import annotations

from typing import Any

import holoviews as hv

from dashboard import theme, wording
from dashboard.pictures import STILL, heatmap

CONFUSION_NOTE = "Rows are true classes, columns what was said; colour is the share of the row."
CLASSES_NOTE = "Precision, recall and F1, with the number of events per class."
HEIGHT = 340
LOW = 130


def confusion(report: dict[str, Any] | None) -> hv.Overlay:
    """Draw how often each class was taken for each."""
    classes = (report or {}).get("classes") or []
    cells = []
    for true, row in zip(classes, (report or {}).get("confusion") or [], strict=True):
        total = sum(row) or 1
        for said, count in zip(classes, row, strict=True):
            cells.append((f"said {said}", f"is {true}", count / total, wording.count(count)))
    return heatmap(cells, height=HEIGHT)


def class_table(by_class: dict[str, dict[str, float]] | None) -> hv.Overlay:
    """Draw precision, recall and F1 of each class, and how many events it has."""
    cells = []
    for name, values in (by_class or {}).items():
        for column in ("precision", "recall", "f1"):
            cells.append((column, name, values[column], wording.score(values[column])))
        cells.append(("events", name, 0.0, wording.count(values["support"])))
    return heatmap(cells, height=HEIGHT)


def chances(answer: dict[str, Any] | None) -> hv.Bars:
    """Draw the probabilities of the two likeliest classes."""
    told = answer or {}
    found = [("runner_up", "runner_up_probability"), ("decision", "probability")]
    rows = [
        (f"{told[name]}  {wording.percent(told[chance])}", 100 * told[chance], color)
        for (name, chance), color in zip(found, (theme.QUIET, theme.ACCENT), strict=True)
        if told.get(name) is not None
    ]
    return hv.Bars(rows or [("", 0.0, theme.QUIET)], "class", ["probability", "color"]).opts(
        **{**STILL, "height": LOW},
        color="color",
        line_alpha=0,
        invert_axes=True,
        xlabel="",
        ylabel="%",
        ylim=(0, 100),
        framewise=True,
    )
