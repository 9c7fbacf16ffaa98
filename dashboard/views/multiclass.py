"""Several classes: which are taken for which, and the two likeliest of one event."""
# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import panel_material_ui as pmui
import param

from dashboard import pictures, theme, wording
from dashboard.pictures import multiclass as drawn
from dashboard.views import parts
from dashboard.views.tasks import TaskView, Verdict


class MulticlassReport(TaskView):
    """Confusion matrix, and how each class fares."""

    primary = ("MacroF1", "Accuracy", "BalancedAccuracy", "CohenKappa", "LogLoss")
    secondary = ("WeightedF1", "MacroPrecision", "MacroRecall")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._confusion = pictures.Picture(drawn.confusion, drawn.HEIGHT)
        self._classes = pictures.Picture(drawn.class_table, drawn.HEIGHT)

    @param.depends("report", watch=True)
    def _show(self) -> None:
        self._confusion.send(self.report)
        self._classes.send(self.report.get("by_class"))

    def panels(self) -> list[Any]:
        return [
            parts.card(parts.heading("Confusion", drawn.CONFUSION_NOTE), self._confusion.pane),
            parts.card(parts.heading("Per class", drawn.CLASSES_NOTE), self._classes.pane),
        ]


class MulticlassVerdict(Verdict):
    """The likeliest class and the one after it."""

    reasons_note = "What speaks for the decision, and what against it."
    more, less = theme.GOOD, theme.BAD
    labels = str

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._decision = parts.figure(css_classes=["decision"])
        self._meaning = parts.quiet()
        self._chances = pictures.Picture(drawn.chances, drawn.LOW)

    @param.depends("answer", watch=True)
    def _show(self) -> None:
        if self.answer is None:
            return
        parts.say(self._decision, str(self.answer["decision"]))
        second = self.answer["runner_up"]
        sure = f"{wording.percent(self.answer['probability'])} sure"
        parts.say(self._meaning, f"{sure}; {second} comes next." if second else f"{sure}.")
        self._chances.send(self.answer)

    def brief(self, prediction: dict[str, Any]) -> tuple[str, float]:
        """The likeliest class, and how likely."""
        probability = float(prediction["probability"])
        return f"{prediction['decision']}, {wording.percent(probability)}", probability

    def __panel__(self) -> pmui.Column:
        return parts.stack(self._decision, self._meaning, self._chances.pane, gap=1)
