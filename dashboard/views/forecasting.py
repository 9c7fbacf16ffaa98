"""Forecasting: which metrics come first, and the days ahead of one event."""
# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import panel_material_ui as pmui
import param

from dashboard.views import parts
from dashboard.views.tasks import TaskView, Verdict


class ForecastingReport(TaskView):
    """Metrics over all horizons, and how the main one grows with the horizon."""

    primary = ("MASE", "MAE", "RMSE", "SMAPE", "Coverage")
    secondary = ("Width", *(f"MASE_h{horizon}" for horizon in range(1, 8)))


class ForecastingVerdict(Verdict):
    """Units expected on the day itself and on the seven after it, with their bounds."""

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._today = parts.text(variant="h6")
        self._fan = parts.quiet()
        self._show()

    @param.depends("answer", watch=True)
    def _show(self) -> None:
        if self.answer is None:
            return
        ahead = enumerate(self.answer["fan"].values(), 1)
        lines = [f"{day} days ahead: {_told(one)}" for day, one in ahead if one is not None]
        parts.say(self._today, f"{_told(self.answer['today'])} units expected that day")
        parts.say(self._fan, "\n".join(lines).replace("1 days ahead", "A day ahead"))

    def __panel__(self) -> pmui.Column:
        return parts.stack(self._today, self._fan, gap=1)


def _told(forecast: dict[str, float]) -> str:
    return f"{forecast['value']:.1f} ({forecast['lower']:.1f} to {forecast['upper']:.1f})"
