"""What each metric means, how its values read, and which change is for the better."""

from __future__ import annotations

import re
from collections.abc import Callable

from dashboard import wording
from dashboard.texts.binary import BINARY
from dashboard.texts.clustering import CLUSTERING
from dashboard.texts.forecasting import FORECASTING, of_horizon
from dashboard.texts.metric import Metric
from dashboard.texts.multiclass import MULTICLASS
from dashboard.texts.regression import REGRESSION
from flows.projects.forms import form_fields
from flows.projects.spec import Project

METRICS = {**BINARY, **MULTICLASS, **REGRESSION, **CLUSTERING, **FORECASTING}

UNKNOWN = "the project's own metrics"

_HORIZON = re.compile(r"(\w+)_h(\d+)")


def describe(name: str) -> Metric:
    """Explain a metric; one that has no text here is shown by its name."""
    ahead = _HORIZON.fullmatch(name)
    if ahead and ahead[1] in METRICS:
        return of_horizon(METRICS[ahead[1]], int(ahead[2]))
    return METRICS.get(name) or Metric(name, "", name, "", source=UNKNOWN)


def explain(name: str, maximize: Callable[[str], bool]) -> str:
    """Formula, meaning, good and bad ranges, source, and which way is better."""
    metric = describe(name)
    if metric.kind == "count":
        return metric.explanation
    if metric.target is not None:
        better = f"The nearer to {wording.percent(metric.target)} the better."
    else:
        better = "Higher is better." if maximize(name) else "Lower is better."
    return f"{metric.explanation}\n{better}"


def shown(name: str, value: float | None, unit: str = "") -> str:
    """A metric's value as people read it; quantities have the label's unit."""
    if value is None:
        return wording.NOTHING
    match describe(name).kind:
        case "quantity":
            return wording.quantity(value, unit)
        case "percent":
            return f"{value:.1f} %"
        case "share":
            return wording.percent(value)
        case "count":
            return wording.count(value)
        case _:
            return wording.score(value)


def changed(
    name: str, before: float, after: float, maximize: Callable[[str], bool], unit: str = ""
) -> str:
    """How much better or worse a metric has become."""
    metric = describe(name)
    if metric.kind == "count":
        return "unchanged" if after == before else wording.signed(wording.count(after - before))
    if metric.target is not None:
        gain = abs(before - metric.target) - abs(after - metric.target)
    else:
        gain = after - before if maximize(name) else before - after
    amount = shown(name, abs(gain), unit)
    if not any(digit in "123456789" for digit in amount):
        return "unchanged"
    return f"{amount} {'better' if gain > 0 else 'worse'}"


def unit_of(project: Project) -> str:
    """What a project's label is counted in, as its field says."""
    fields = form_fields(project.event)
    return next((field.unit for field in fields if field.path == project.label), "")


def axis(name: str, unit: str = "") -> tuple[str, float]:
    """How to name a metric's axis, and by what to divide its values: seconds become minutes."""
    metric = describe(name)
    if metric.kind != "quantity" or not unit:
        return metric.label, 1.0
    if unit == wording.SECONDS:
        return f"{metric.label} (min)", 60.0
    return f"{metric.label} ({unit})", 1.0
