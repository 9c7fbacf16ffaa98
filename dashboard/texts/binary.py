"""Metrics of two classes."""

from __future__ import annotations

from dashboard.texts.metric import Metric, of_river

_RIVERS = {
    "FBeta": Metric(
        "F-beta",
        "Precision and recall in one, with missed fraud weighing more.",
        "(1 + β²) · precision · recall / (β² · precision + recall)",
        "0 to 1; above 0.8 is good where positives are rare, below 0.5 poor.",
    ),
    "Precision": Metric(
        "Precision",
        "Of what was flagged, the share that was right.",
        "TP / (TP + FP)",
        "0 to 1; above 0.8 is good; below 0.5 is poor: most alarms are false.",
    ),
    "Recall": Metric(
        "Recall",
        "Of the positives, the share that was found.",
        "TP / (TP + FN)",
        "0 to 1; above 0.8 is good; below 0.5 is poor: most are missed.",
    ),
    "RollingROCAUC": Metric(
        "Rolling ROC AUC",
        "ROC AUC over the newest events only.",
        "ROC AUC of the last 5 000 events",
        "Above 0.95 is good, below 0.8 poor; falls before ROC AUC does when the stream drifts.",
    ),
    "F1": Metric(
        "F1",
        "Harmonic mean of precision and recall.",
        "2 · precision · recall / (precision + recall)",
        "0 to 1; above 0.8 is good, below 0.5 poor.",
    ),
    "Accuracy": Metric(
        "Accuracy",
        "Share of right decisions.",
        "right decisions / all decisions",
        "Good is clearly above, bad at or below the commonest class's share, which guessing has.",
    ),
    "BalancedAccuracy": Metric(
        "Balanced accuracy",
        "Mean of the recalls of all classes.",
        "mean over classes of TP / (TP + FN)",
        "One over the number of classes is guessing, so poor; above 0.8 is good, 1 is perfect.",
    ),
    "GeometricMean": Metric(
        "Geometric mean",
        "Geometric mean of the recalls of both classes.",
        "√(TP / P · TN / N)",
        "0 to 1; above 0.8 is good, below 0.5 poor; 0 as soon as one class is never found.",
    ),
    "CohenKappa": Metric(
        "Cohen's κ",
        "Agreement with the labels beyond chance.",
        "(agreement - chance) / (1 - chance)",
        "0 is chance, 1 is perfect; above 0.6 is good, below 0.4 poor.",
    ),
    "MCC": Metric(
        "MCC",
        "Correlation of decisions with labels.",
        "(TP·TN - FP·FN) / √((TP+FP)(TP+FN)(TN+FP)(TN+FN))",
        "-1 to 1, 0 is chance; above 0.6 is good, below 0.4 poor.",
    ),
    "Jaccard": Metric(
        "Jaccard",
        "Overlap of what was flagged and what was positive.",
        "TP / (TP + FP + FN)",
        "0 to 1; above 0.6 is good, below 0.3 poor.",
    ),
    "LogLoss": Metric(
        "Log loss",
        "Price of confident mistakes.",
        "-mean(ln p of what came true)",
        "0 is perfect; good is below, bad above the loss of always answering the base rate.",
    ),
}

_OWN = {
    "ROCAUC": Metric(
        "ROC AUC",
        "How often a positive scores above a negative.",
        "P(score of a positive > score of a negative)",
        "0.5 is guessing, 1 is perfect; above 0.95 is good, below 0.8 poor.",
    ),
    "BrierScore": Metric(
        "Brier score",
        "Squared distance of probability and outcome.",
        "mean((p - y)²)",
        "0 is perfect; good is below, bad above r · (1 - r), the cost of saying the base rate r.",
    ),
}

BINARY = of_river(_RIVERS) | _OWN
