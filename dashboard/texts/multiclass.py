"""Metrics of several classes that two do not have."""

from __future__ import annotations

from dashboard.texts.metric import Metric, of_river

_RIVERS = {
    "MacroF1": Metric(
        "Macro F1",
        "F1 of each class, rare ones counting as much as common ones.",
        "mean over classes of 2 · precision · recall / (precision + recall)",
        "0 to 1; above 0.8 is good; far below accuracy is bad: rare classes are missed.",
    ),
    "WeightedF1": Metric(
        "Weighted F1",
        "F1 of each class, each counting by its number of events.",
        "mean over events of their class's F1",
        "0 to 1; above 0.8 is good, below 0.5 poor.",
    ),
    "MacroPrecision": Metric(
        "Macro precision",
        "Of what was called a class, the share that was it; mean over classes.",
        "mean over classes of TP / (TP + FP)",
        "0 to 1; above 0.8 is good; below 0.5 is poor: classes are called too often.",
    ),
    "MacroRecall": Metric(
        "Macro recall",
        "Of the events of a class, the share that was found; mean over classes.",
        "mean over classes of TP / (TP + FN)",
        "0 to 1; above 0.8 is good; below 0.5 is poor: classes are missed.",
    ),
}

MULTICLASS = of_river(_RIVERS)
