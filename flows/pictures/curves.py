"""Pictures of diagnostics that are curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import holoviews as hv

from flows.pictures.marks import (
    across,
    diagonal,
    line,
    lines,
    numbers,
    ranked,
    said,
    spot,
    upright,
)
from flows.pictures.palette import COLOURS, filled

Told = Mapping[str, Any]

WIDE = 100
"""Values that are so many times each other are shown by their logarithms."""


def roc(told: Told) -> Any:
    """True by false positive rate."""
    if "by_class" in told:
        return _each(told, "false_positive_rate", "true_positive_rate") * diagonal(0, 1)
    curve = line(
        told, "false_positive_rate", "true_positive_rate", label=f"area {told['area']:.3f}"
    )
    at = told["chosen"]
    chosen = spot(at["false_positive_rate"], at["recall"], "threshold")
    return hv.Overlay([curve, diagonal(0, 1), *chosen])


def precision_recall(told: Told) -> Any:
    """Precision by recall."""
    if "by_class" in told:
        return _each(told, "recall", "precision")
    score = told["average_precision"]
    curve = line(told, "recall", "precision", label=f"average precision {score:.3f}")
    at = told["chosen"]
    chosen = spot(at["recall"], at["precision"], "threshold")
    return hv.Overlay([curve, across(told["share"]), *chosen])


def det(told: Told) -> Any:
    """False negative by false positive rate, on logarithmic axes."""
    rates = zip(told["false_positive_rate"], told["false_negative_rate"], strict=True)
    shown = [(x, y) for x, y in rates if x and y]
    names = {
        name: [one[place] for one in shown]
        for place, name in enumerate(("false_positive_rate", "false_negative_rate"))
    }
    return line(names, *names).opts(logx=bool(shown), logy=bool(shown))


def calibration(told: Told) -> Any:
    """How often it was so, by how likely it was said to be."""
    most = max([*numbers(told["predicted"]), *numbers(told["observed"]), 1e-9])
    curve = line(told, "predicted", "observed")
    rows = (numbers(told["predicted"]), numbers(told["observed"]))
    points = hv.Points(rows, ["predicted", "observed"]).opts(color=COLOURS[0])
    return hv.Overlay([curve, diagonal(0, most), points])


def gain(told: Told) -> Any:
    """The share found by the share looked at."""
    return hv.Overlay([line(told, "share", "found"), diagonal(0, 1)])


def lift(told: Told) -> Any:
    """How many times more than by chance."""
    return hv.Overlay([line(told, "share", "lift"), across(1)])


def threshold(told: Told) -> Any:
    """Precision, recall and F-beta by threshold."""
    curves = lines(told, "threshold", ("precision", "recall", "fbeta"), "score")
    return curves * upright(told["chosen"])


def learning_curve(told: Told) -> Any:
    """The score by how many rows are trained on."""
    return lines(told, "rows", ("train", "validation"), told["measure"])


def validation_curve(told: Told) -> Any:
    """The score by a parameter."""
    parameter, values = told["parameter"], told["values"]
    drawn = lines({**told, parameter: values}, parameter, ("train", "validation"), told["measure"])
    return drawn.opts(logx=min(values) > 0 and max(values) >= WIDE * min(values))


def cross_validation(told: Told) -> Any:
    """The score on each span of time."""
    names = [f"span {number + 1}" for number in range(len(told["score"]))]
    bars = ranked(names, told["score"], told["measure"])
    return bars if told["mean"] is None else bars * across(told["mean"])


def elbow(told: Told) -> Any:
    """Silhouette, and inertia or what is outside, by number of clusters."""
    by = [name for name in ("silhouette", "inertia", "outside") if name in told]
    panels = []
    for place, name in enumerate(by):
        pairs = zip(told["clusters"], told[name], strict=True)
        rows = sorted((x, y) for x, y in pairs if y is not None)
        curve = hv.Curve(rows, "clusters", hv.Dimension(name)).opts(color=COLOURS[place])
        panels.append((curve * upright(told["chosen"])).relabel(said(name)))
    return hv.Layout(panels).cols(2)


def residuals(told: Told) -> Any:
    """Residuals by prediction, their histogram, and their quantiles beside a normal's."""
    scatter = hv.Points(
        (numbers(told["predicted"]), numbers(told["residual"])), ["predicted", "residual"]
    ).opts(color=COLOURS[0], alpha=0.5)
    edges, counts = numbers(told["histogram"]["edges"]), numbers(told["histogram"]["count"])
    histogram = hv.Histogram((edges, counts), kdims=["off"], vdims=["rows"]).opts(
        **filled(COLOURS[0])
    )
    quantiles = line(told["quantiles"], "normal", "residual")
    panels = [
        (scatter * across(0)).relabel("residual by prediction"),
        (histogram * upright(told["median"])).relabel("histogram of residuals"),
        quantiles.relabel("quantiles beside a normal's"),
    ]
    return hv.Layout(panels).cols(2)


def prediction_error(told: Told) -> Any:
    """Labels beside predictions, the best line and the diagonal."""
    values, labels = numbers(told["predicted"]), numbers(told["actual"])
    low, high = float(min(values.min(), labels.min())), float(max(values.max(), labels.max()))
    fit = told["best_fit"]
    ends = [(x, fit["slope"] * x + fit["intercept"]) for x in (values.min(), values.max())]
    points = hv.Points((values, labels), ["predicted", "actual"]).opts(color=COLOURS[0], alpha=0.5)
    best = hv.Curve(ends, label="best fit").opts(color=COLOURS[3])
    return hv.Overlay([points, diagonal(low, high), best])


def interval_calibration(told: Told) -> Any:
    """The share within the interval, and its width, by prediction."""
    covered = line(told, "predicted", "covered") * across(told["wanted"])
    width = line(told, "predicted", "width", COLOURS[1])
    return hv.Layout([covered.relabel("share within"), width.relabel("mean width")]).cols(2)


def error_by_horizon(told: Told) -> Any:
    """Errors and coverage by days ahead."""
    covered = line(told, "ahead", "coverage", COLOURS[1]) * across(told["wanted"])
    errors = line(told, "ahead", "mae").relabel("mean absolute error")
    return hv.Layout([errors, covered.relabel("share within the interval")]).cols(2)


CURVES: dict[str, Callable[[Told], Any]] = {
    "roc": roc,
    "precision_recall": precision_recall,
    "det": det,
    "calibration": calibration,
    "gain": gain,
    "lift": lift,
    "threshold": threshold,
    "learning_curve": learning_curve,
    "validation_curve": validation_curve,
    "cross_validation": cross_validation,
    "elbow": elbow,
    "residuals": residuals,
    "prediction_error": prediction_error,
    "interval_calibration": interval_calibration,
    "error_by_horizon": error_by_horizon,
}


def _each(told: Told, x: str, y: str) -> Any:
    """One curve for each class."""
    drawn = [
        line(one, x, y, COLOURS[place % len(COLOURS)], label=str(name))
        for place, (name, one) in enumerate(told["by_class"].items())
    ]
    return hv.Overlay(drawn)
