"""Pictures of diagnostics that are matrices, bars and clouds of points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import holoviews as hv
import numpy as np

from flows.pictures.marks import (
    ABREAST,
    TWO_SIDED,
    coloured,
    grid,
    ink,
    numbers,
    ranked,
    said,
    turned,
    upright,
)
from flows.pictures.palette import COLOURS, filled

Told = Mapping[str, Any]

PARTS = ("train", "validation", "test")
MOST_PANELS = 9
PAPER = "#ffffff"


def confusion(told: Told) -> Any:
    """Shares of each label by what was said of it, with the counts."""
    names, counts = told["classes"], np.asarray(told["matrix"], dtype=float)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    cells = grid(names, names, shares, "share of the label").opts(
        xlabel="predicted", ylabel="label"
    )
    texts = [
        (column, len(names) - 1 - row, f"{int(counts[row][column]):,}")
        for row in range(len(names))
        for column in range(len(names))
    ]
    return cells * hv.Labels(texts, ["x", "y"], "count").opts(**ink(PAPER))


def feature_correlations(told: Told) -> Any:
    """Rank correlations of all pairs."""
    names = [said(name) for name in told["columns"]]
    return grid(names, names, told["matrix"], "correlation").opts(
        cmap=TWO_SIDED, clim=(-1, 1), xlabel="", ylabel=""
    )


def feature_ranks(told: Told) -> Any:
    """How much each input tells."""
    return ranked([said(name) for name in told["columns"]], told["score"], told["measure"])


def permutation_importance(told: Told) -> Any:
    """How much worse the score gets, with its spread over repeats."""
    names = [said(name) for name in told["columns"]]
    axis = f"loss of {told['measure']}"
    bars = ranked(names, told["loss"], axis)
    rows = list(zip(names, numbers(told["loss"]), numbers(told["spread"]), strict=True))
    return bars * hv.ErrorBars(rows, "input", [hv.Dimension(axis), "spread"])


def partial_dependence(told: Told) -> Any:
    """The mean prediction by each input, those first that move it most."""
    moved = sorted(told["columns"], key=_movement, reverse=True)[:MOST_PANELS]
    return hv.Layout([_dependence(one) for one in moved]).cols(ABREAST)


def class_balance(told: Told) -> Any:
    """Shares of each class in each part."""
    panels = []
    for place, part in enumerate(PARTS):
        counts = numbers(told[part])
        rows = list(zip(map(str, told["classes"]), counts / max(counts.sum(), 1), strict=True))
        bars = hv.Bars(rows, "class", "share").opts(color=COLOURS[place], **turned())
        panels.append(bars.relabel(f"{part}: {int(counts.sum()):,}"))
    return hv.Layout(panels).cols(ABREAST)


def silhouette(told: Told) -> Any:
    """The silhouettes of each cluster's members, highest first, one cluster below the other."""
    areas: list[Any] = []
    at = 0.0
    for place, one in enumerate(told["clusters"]):
        values = numbers(one["silhouette"])
        edges = np.linspace(at, at + one["size"], len(values) + 1)
        zeros = np.zeros(len(values))
        sides = (np.minimum(values, zeros), edges[:-1], np.maximum(values, zeros), edges[1:])
        areas.append(
            hv.Rectangles(sides, ["silhouette", "things", "x1", "y1"], label=one["name"]).opts(
                **filled(COLOURS[place % len(COLOURS)])
            )
        )
        at += one["size"]
    if told["mean"] is not None:
        areas.append(upright(told["mean"]))
    return hv.Overlay(areas) if areas else hv.Overlay([hv.Points([])])


def cluster_distances(told: Told) -> Any:
    """Centres on a plane, and the distances between them."""
    sizes = numbers(told["size"])
    plane = hv.Points(
        (numbers(told["x"]), numbers(told["y"]), 8 + 30 * np.sqrt(sizes / max(sizes.max(), 1))),
        ["x", "y"],
        "size",
    )
    by_area = hv.Store.current_backend == "matplotlib"
    wide = {"s": hv.dim("size") ** 2} if by_area else {"size": hv.dim("size")}
    centres = plane.opts(color=COLOURS[0], alpha=0.6, **wide)
    numbered = [str(number) for number in range(len(told["names"]))]
    places = list(zip(numbers(told["x"]), numbers(told["y"]), numbered, strict=True))
    between = grid(numbered, numbered, told["matrix"], "distance").opts(xlabel="", ylabel="")
    panels = [
        (centres * hv.Labels(places, ["x", "y"], "cluster").opts(**ink(PAPER))).relabel("centres"),
        between.relabel("distances"),
    ]
    return hv.Layout(panels).cols(2)


def projection(told: Told) -> Any:
    """Points on a plane, by class."""
    shares = told.get("explained")
    axes = ("first axis", "second axis")
    if shares and len(shares) > 1:
        axes = (f"first axis, {100 * shares[0]:.0f} %", f"second axis, {100 * shares[1]:.0f} %")
    return coloured(told["x"], told["y"], told["class"], axes)


SPREADS: dict[str, Callable[[Told], Any]] = {
    "confusion": confusion,
    "feature_correlations": feature_correlations,
    "feature_ranks": feature_ranks,
    "permutation_importance": permutation_importance,
    "partial_dependence": partial_dependence,
    "class_balance": class_balance,
    "cluster_sizes": class_balance,
    "silhouette": silhouette,
    "cluster_distances": cluster_distances,
    "projection_pca": projection,
    "projection_tsne": projection,
}


def _movement(column: Told) -> float:
    """By how much an input moves the mean prediction."""
    spans = [np.ptp(numbers(mean)) for mean in column["mean"].values() if len(mean) > 1]
    return float(max(spans, default=0.0))


def _dependence(column: Told) -> Any:
    name, drawn = said(column["name"]), []
    heading = f"by {name}"  # a label that is an axis, too, would be taken for its values
    for place, (label, means) in enumerate(column["mean"].items()):
        shade = COLOURS[place % len(COLOURS)]
        if column["category"]:
            rows = list(zip(map(str, column["values"]), numbers(means), strict=True))
            return hv.Bars(rows, name, label).opts(color=shade, **turned()).relabel(heading)
        rows = list(zip(numbers(column["values"]), numbers(means), strict=True))
        drawn.append(hv.Curve(rows, name, hv.Dimension("mean"), label=label).opts(color=shade))
    return drawn[0].relabel(heading) if len(drawn) == 1 else hv.Overlay(drawn).relabel(heading)
