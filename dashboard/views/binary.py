"""Binary classification: its matrix, report and curves, and the verdict on one event."""
# mypy: allow-untyped-calls

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import holoviews as hv
import panel as pn
import panel_material_ui as pmui
import param

from dashboard import pictures, theme, wording
from dashboard.views import parts
from dashboard.views.tasks import TaskView, Verdict

_CLASSES = {"0": "negative", "1": "positive"}
_UNIT = {"xlim": (0, 1), "ylim": (0, 1.02)}


class BinaryReport(TaskView):
    """Confusion matrix, report per class, reliability and threshold curve."""

    primary = ("FBeta", "ROCAUC", "Precision", "Recall", "RollingROCAUC")
    secondary = (
        *("F1", "MCC", "BalancedAccuracy", "GeometricMean"),
        *("CohenKappa", "Jaccard", "Accuracy", "LogLoss", "BrierScore"),
    )

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._matrix = pictures.Picture(confusion_matrix, 200)
        self._classes = pictures.Picture(class_table, 200)
        self._reliability = pictures.Picture(reliability)
        self._threshold = pictures.Picture(threshold_curve)

    @param.depends("report", watch=True)
    def _show(self) -> None:
        self._matrix.send(self.report.get("confusion_matrix"))
        self._classes.send(self.report.get("classification_report"))
        self._reliability.send(self.report.get("reliability"))
        self._threshold.send(self.report)

    def panels(self) -> list[Any]:
        return [
            parts.card(parts.heading("Confusion matrix", _MATRIX_NOTE), self._matrix.pane),
            parts.card(parts.heading("Per class", _CLASSES_NOTE), self._classes.pane),
            parts.card(parts.heading("Reliability", _RELIABILITY_NOTE), self._reliability.pane),
            parts.card(parts.heading("Threshold", _THRESHOLD_NOTE), self._threshold.pane),
        ]


class BinaryVerdict(Verdict):
    """A gauge with the model's own threshold, and the decision."""

    reasons_note = "In log-odds: red speaks for the positive class, green against it."
    more, less = theme.BAD, theme.GOOD
    labels = MappingProxyType({"negative": 0, "positive": 1})

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._gauge = pn.indicators.Dial(
            label="",
            value=0,
            bounds=(0, 100),
            format="{value:.3g} %",
            annulus_width=0.16,
            needle_color=theme.QUIET,
            label_color=theme.QUIET,
            unfilled_color=theme.FAINT,
            value_size="26pt",
            tick_size="10pt",
            width=240,
            height=240,
            align="center",
            margin=0,
            css_classes=["gauge"],
        )
        self._decision = pmui.Chip("", margin=0, css_classes=["decision"], align="center")
        self._meaning = parts.quiet()
        self._show()

    @param.depends("answer", watch=True)
    def _show(self) -> None:
        if self.answer is None:
            return
        probability, threshold = self.answer["probability"], self.answer["threshold"]
        self._gauge.param.update(
            colors=[(threshold, theme.GOOD), (1, theme.BAD)], value=100 * probability
        )
        positive = bool(self.answer["decision"])
        self._decision.param.update(
            label=_CLASSES[str(int(positive))], color="error" if positive else "success"
        )
        relation = "at or above" if positive else "below"
        parts.say(
            self._meaning,
            f"{wording.percent(probability)} is {relation} the model's threshold"
            f" of {wording.percent(threshold)}.",
        )

    def brief(self, prediction: dict[str, Any]) -> tuple[str, float]:
        """The probability, and which side of the threshold it is on."""
        probability = float(prediction["probability"])
        decision = _CLASSES[str(int(prediction["decision"]))]
        return f"{wording.percent(probability)}, {decision}", probability

    def __panel__(self) -> pmui.Column:
        return parts.stack(self._gauge, self._decision, self._meaning, gap=1)


_MATRIX_NOTE = "Counts of events; colour is the share of the true class."
_CLASSES_NOTE = "Precision, recall and F1, with the number of events per class."
_RELIABILITY_NOTE = "Of the events predicted at p, how many were positive? On the line is honest."
_THRESHOLD_NOTE = "What another threshold would have given; the line marks the model's own."


def confusion_matrix(counts: dict[str, int] | None) -> hv.Overlay:
    """Draw the counts of right and wrong decisions; each row is a true class."""
    cells = []
    for row, names in (("is negative", ("tn", "fp")), ("is positive", ("fn", "tp"))):
        total = sum(counts[name] for name in names) if counts else 0
        for column, name in zip(("said negative", "said positive"), names, strict=True):
            share = counts[name] / total if counts and total else 0.0
            cells.append((column, row, share, wording.count(counts[name] if counts else None)))
    return pictures.heatmap(cells)


def class_table(report: dict[str, Any] | None) -> hv.Overlay:
    """Draw precision, recall and F1 of each class, and how many events it has."""
    cells = []
    for key, row in {**_CLASSES, "macro": "mean"}.items():
        values = (report or {}).get(key, {})
        for column in ("precision", "recall", "f1"):
            value = values.get(column)
            cells.append((column, row, value or 0.0, wording.score(value)))
        cells.append(("events", row, 0.0, wording.count(values.get("support"))))
    return pictures.heatmap(cells)


def reliability(bins: list[dict[str, float]] | None) -> hv.Overlay:
    """Draw observed against predicted probability."""
    rows = [(bin_["predicted"], bin_["observed"], bin_["count"]) for bin_ in bins or []]
    ideal = hv.Curve([(0, 0), (1, 1)], "predicted", "observed").opts(
        color=theme.QUIET, line_dash="dashed", line_width=1
    )
    line = hv.Curve([row[:2] for row in rows], "predicted", "observed").opts(
        color=theme.ACCENT, line_width=2
    )
    dots = hv.Scatter(rows, "predicted", ["observed", "events"]).opts(
        color=theme.ACCENT, size=8, tools=["hover"]
    )
    return (ideal * line * dots).opts(hv.opts.Overlay(**pictures.FRAME, **_UNIT))


def threshold_curve(report: dict[str, Any] | None) -> hv.Overlay:
    """Draw precision, recall and F-beta over the threshold."""
    curves = (report or {}).get("threshold_curve") or {}
    thresholds = curves.get("threshold") or []
    beta = curves.get("beta", 1)
    lines = [
        hv.Curve(
            list(zip(thresholds, curves.get(key) or [], strict=True)), "threshold", "value",
            label=label,
        ).opts(color=color, line_width=2, tools=["hover"])
        for key, label, color in (
            ("precision", "precision", theme.WARN),
            ("recall", "recall", theme.GOOD),
            ("fbeta", f"F{beta:g}", theme.ACCENT),
        )
    ]  # fmt: skip
    own = hv.VLine((report or {}).get("threshold", -1)).opts(
        color=theme.QUIET, line_dash="dashed", line_width=2
    )
    return (hv.Overlay(lines) * own).opts(
        hv.opts.Overlay(**pictures.FRAME, **_UNIT, legend_position="bottom_right")
    )
