"""Regression: its residuals, what it said against what came, and the verdict on one event."""
# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import panel_material_ui as pmui
import param

from dashboard import pictures, theme, wording
from dashboard.pictures import regression as drawn
from dashboard.pictures import trips as on_map
from dashboard.views import parts
from dashboard.views.choice import Choice
from dashboard.views.tasks import TaskView, Verdict
from flows.projects.forms import form_fields
from flows.projects.spec import Project

COLUMNS = ("origin", "destination", "predicted", "actual")
TRIPS = 150


class RegressionReport(TaskView):
    """Residuals, predicted against actual, and the error by size, by input and by place."""

    primary = ("MAE", "RMSE", "R2", "RollingMAE", "Coverage")
    secondary = (
        *("MAPE", "SMAPE", "RMSLE", "Width", "RollingRMSE"),
        *("TimeRollingMAE", "MSE"),
    )

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._residuals = pictures.Picture(lambda data: drawn.residuals(data, self.unit))
        self._pairs = pictures.Picture(lambda data: drawn.pairs(data, self.unit))
        self._deciles = pictures.Picture(lambda data: drawn.deciles(data, self.unit))
        self._inputs = pictures.Picture(lambda data: drawn.by_input(data, self.unit))
        self._places = pictures.Picture(lambda data: drawn.places(data, self.unit), drawn.MAP)
        self.by = Choice("Input")
        self.by.param.watch(self._show_input, "value")
        title = parts.titled("Error by input", drawn.INPUT_NOTE, self.by)
        self._inputs_card = parts.card(title, self._inputs.pane)
        places = parts.heading("Error by place", drawn.PLACE_NOTE)
        self._places_card = parts.card(places, self._places.pane)
        self._factors = pictures.Picture(drawn.factors, drawn.MAP)
        factors = parts.heading("Slow and fast places", drawn.FACTOR_NOTE)
        self._factors_card = parts.card(factors, self._factors.pane)
        self._trips = pictures.Picture(
            lambda data: on_map.trips(data, self.unit, self.tiles), on_map.HIGH
        )
        newest = parts.heading("Trips", on_map.TRIPS_NOTE)
        self._trips_card = parts.card(newest, self._trips.pane, visible=False)
        self._inputs_card.visible = self._places_card.visible = self._factors_card.visible = False

    @param.depends("report", watch=True)
    def _show(self) -> None:
        self._residuals.send(self.report.get("residuals"))
        self._pairs.send(self.report.get("predicted_actual"))
        self._deciles.send(self.report.get("error_by_prediction"))
        by = self.report.get("error_by_input") or {}
        places = {name: rows for name, rows in by.items() if drawn.are_places(rows)}
        inputs = [name for name in by if name not in places]
        self.by.offer_words(inputs)
        self._inputs_card.visible = bool(inputs)
        self._places.send(next(iter(places.values()), None))
        self._places_card.visible = bool(places)
        factors = drawn.of_places(self.report.get("factors"))
        self._factors.send(factors)
        self._factors_card.visible = factors is not None
        self._show_input()

    @param.depends("rows", watch=True)
    def _show_rows(self) -> None:
        self._trips_card.visible = bool(self.rows)
        self._trips.send([dict(zip(COLUMNS, row, strict=True)) for row in self.rows])

    def query(self, project: Project) -> str:
        """The newest labelled events, where they go from one place to another."""
        fields = [field.path for field in form_fields(project.event)]
        places = [path.removesuffix(".lat") for path in fields if path.endswith(".lat")]
        if len(places) != 2 or project.label is None:
            return ""
        columns = ", ".join([*places, "prediction_value", project.label])
        return (
            f"SELECT {columns} FROM {project.slug} WHERE {project.label} IS NOT NULL"  # noqa: S608
            f" AND prediction_value IS NOT NULL ORDER BY {project.time} DESC LIMIT {TRIPS}"
        )

    def _show_input(self, _event: Any = None) -> None:
        self._inputs.send((self.report.get("error_by_input") or {}).get(self.by.value))

    def panels(self) -> list[Any]:
        return [
            parts.card(parts.heading("Residuals", drawn.RESIDUAL_NOTE), self._residuals.pane),
            parts.card(parts.heading("Predicted and actual", drawn.PAIR_NOTE), self._pairs.pane),
            parts.card(parts.heading("Error by size", drawn.DECILE_NOTE), self._deciles.pane),
            self._inputs_card,
            self._trips_card,
            self._places_card,
            self._factors_card,
        ]


class RegressionVerdict(Verdict):
    """The value in its unit, and the interval on a scale."""

    reasons_note = "What each input adds to a typical event, or takes off it."
    more, less = theme.WARN, theme.ACCENT

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._value = parts.figure(css_classes=["value"])
        self._bounds = parts.quiet()
        self._trip = pictures.Picture(
            lambda data: on_map.trip(data, self.tiles), on_map.LOW, wide=bool(self.tiles)
        )
        self._trip.pane.visible = False
        self._scale = pictures.Picture(lambda data: drawn.interval(data, self.unit), drawn.SCALE)

    @param.depends("answer", watch=True)
    def _show(self) -> None:
        if self.answer is None:
            return
        parts.say(self._value, wording.quantity(self.answer["value"], self.unit))
        known = self.answer["lower"] is not None and self.answer["upper"] is not None
        parts.say(self._bounds, self._interval(self.answer) if known else _NO_BOUNDS)
        self._scale.pane.visible = known
        places = {name: one for name, one in self.event.items() if on_map.is_place(one)}
        self._trip.pane.visible = len(places) > 1
        if len(places) > 1:
            self._trip.send(places)
        if known:
            self._scale.send(self.answer)

    def _interval(self, answer: dict[str, float]) -> str:
        low, high = (wording.quantity(answer[end], self.unit) for end in ("lower", "upper"))
        return f"Four of five such events lie between {low} and {high}."

    def brief(self, prediction: dict[str, Any]) -> tuple[str, float]:
        """The value in its unit."""
        return wording.quantity(prediction["value"], self.unit), float(prediction["value"])

    def weight(self, value: float) -> str:
        """One reason's weight in the label's unit."""
        return wording.signed(wording.quantity(value, self.unit))

    def __panel__(self) -> pmui.Column:
        return parts.stack(self._value, self._bounds, self._scale.pane, self._trip.pane, gap=1)


_NO_BOUNDS = "This model does not say how sure it is."
