"""Pictures of clusters: where they lie, how large they are, and what they are like."""

from __future__ import annotations

from math import sqrt
from typing import Any

import holoviews as hv

from dashboard import theme, wording
from dashboard.pictures import STILL, heatmap, on_paper, tips

MAP_NOTE = (
    "Near is alike; the larger, the more belong to it. Names say what tells it from the rest."
)
SIZE_NOTE = "Share of all that was predicted so far."
FEATURE_NOTE = "Means of each cluster; red is more than usual, blue less, in standard deviations."
CATEGORY_NOTE = "The commonest values in each cluster, with their shares."
TALL, HIGH, LOW = 480, 380, 130
"""Heights in pixels."""

LARGEST = 56
FARTHEST = 2.0
Cluster = dict[str, Any]


def cluster_map(clusters: list[Cluster] | None) -> hv.Overlay:
    """Draw the clusters on a plane that keeps their distances as well as two axes can."""
    known = clusters or []
    rows = [
        (
            one["map"]["x"], one["map"]["y"],
            16 + LARGEST * sqrt(one["share"]), theme.shade(one["cluster"]),
            f"{one['name']}: {wording.percent(one['share'])} of all, {one['size']} kept",
        )
        for one in known
    ]  # fmt: skip
    places = [row[:2] for row in rows]
    dots = hv.Points(rows, vdims=["size", "color", "text"]).opts(
        **{**STILL, "height": HIGH},
        size="size",
        color="color",
        fill_alpha=0.75,
        line_alpha=0,
        xaxis=None,
        yaxis=None,
        **tips(),
        xlim=_span([x for x, _ in places], 0.35),
        ylim=_span([y for _, y in places], 0.3),
        framewise=True,
    )
    low, high = _span([y for _, y in places], 0.0)
    lines = [
        (x, y - 0.07 * (high - low), "\n".join(one["name"].split(" · ")))
        for (x, y), one in zip(places, known, strict=True)
    ]
    names = hv.Labels(lines, vdims="name").opts(
        text_color=theme.CELL_INK,
        text_font_size="12px",
        text_baseline="top",
        framewise=True,
        hooks=[on_paper],
    )
    return dots * names


def sizes(counts: list[Cluster] | None) -> hv.Bars:
    """Draw how much each cluster got, the largest on top."""
    total = sum(one["count"] for one in counts or []) or 1
    ordered = sorted(counts or [], key=lambda one: one["count"])
    rows = [
        (
            f"{one['name']}  {wording.percent(one['count'] / total)}",
            100 * one["count"] / total,
            theme.shade(one["cluster"]),
            f"{one['name']}: {wording.count(one['count'])} predictions",
        )
        for one in _told_apart(ordered)
    ]
    return hv.Bars(rows or [("", 0.0, theme.QUIET, "")], "name", ["share", "color", "text"]).opts(
        **{**STILL, "height": HIGH},
        color="color",
        fill_alpha=0.8,
        line_alpha=0,
        invert_axes=True,
        xlabel="",
        ylabel="% of all",
        framewise=True,
        **tips(),
    )


def features(clusters: list[Cluster] | None) -> hv.Overlay:
    """Draw each cluster's means, coloured by how far they are from the mean of all."""
    known = _told_apart(clusters or [])
    names = list(known[0]["numbers"]) if known else []
    cells = []
    for name in names:
        mean, spread = _pooled([one["numbers"][name] for one in known])
        for one in known:
            value = one["numbers"][name].get("mean")
            away = 0.0 if value is None or not spread else (value - mean) / spread
            text = wording.NOTHING if value is None else wording.quantity(value)
            cells.append((_short(one["name"]), wording.words(name), away, text))
    return heatmap(
        cells,
        height=TALL,
        shades=theme.TWO_SIDED,
        limits=(-FARTHEST, FARTHEST),
    )


def categories(clusters: list[Cluster] | None, feature: str | None) -> hv.Overlay:
    """Draw the shares of the values of one feature in each cluster."""
    known = _told_apart(clusters or [])
    shares = [one["categories"].get(feature, {}) for one in known]
    values = sorted({value for one in shares for value in one})
    cells = [
        (_short(one["name"]), value, share.get(value, 0.0), wording.percent(share.get(value, 0.0)))
        for one, share in zip(known, shares, strict=True)
        for value in values
    ]
    return heatmap(cells, height=270)


def distances(answer: dict[str, float | None] | None) -> hv.Bars:
    """Draw how far it is to the own centre and to the next."""
    told = answer or {}
    found = [("next cluster", told.get("second_distance")), ("own cluster", told.get("distance"))]
    rows = [
        (f"{name}  {value:.2f}", value, theme.ACCENT if name.startswith("own") else theme.QUIET)
        for name, value in found
        if value is not None
    ]
    return hv.Bars(rows or [("", 0.0, theme.QUIET)], "to the", ["distance", "color"]).opts(
        **{**STILL, "height": LOW},
        color="color",
        line_alpha=0,
        invert_axes=True,
        xlabel="",
        ylabel="distance",
        framewise=True,
    )


def _pooled(numbers: list[dict[str, float]]) -> tuple[float, float]:
    """Mean and standard deviation of all clusters together."""
    known = [one for one in numbers if one["count"]]
    total = sum(one["count"] for one in known)
    if not total:
        return 0.0, 0.0
    mean = sum(one["count"] * one["mean"] for one in known) / total
    squares = sum(one["count"] * (one["std"] ** 2 + (one["mean"] - mean) ** 2) for one in known)
    return mean, sqrt(squares / total)


def _told_apart(clusters: list[Cluster]) -> list[Cluster]:
    """The same clusters under names that differ: a name that came before gets its number."""
    taken: set[str] = set()
    apart = []
    for one in clusters:
        name = f"{one['name']} ({one['cluster']})" if one["name"] in taken else one["name"]
        taken.add(name)
        apart.append({**one, "name": name})
    return apart


def _short(name: str) -> str:
    """A name in lines, to stand above a column."""
    return "\n".join(name.split(" · "))


def _span(values: list[float], padding: float) -> tuple[float, float]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    margin = padding * ((high - low) or 1.0)
    return low - margin, high + margin
