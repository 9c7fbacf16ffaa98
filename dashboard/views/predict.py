"""The Predict tab: ask the live model about an event of one's own."""
# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import panel_material_ui as pmui
import param

from dashboard import pictures, wording
from dashboard.client import Answer, Failure
from dashboard.store import Store
from dashboard.views import inputs, parts
from dashboard.views.beside import Beside
from dashboard.views.form import EventForm
from dashboard.views.labelling import Labelling
from dashboard.views.late import Late
from dashboard.views.tab import Tab
from dashboard.views.tasks import Verdict
from flows.projects.spec import Project


class Predict(Tab):
    """A form, and the model's answer with its reasons; set `answer` to show one."""

    answer = param.Parameter(default=None, doc="What the API said to the last event")

    def __init__(self, project: Project, store: Store, verdict: Verdict, **params: Any) -> None:
        super().__init__(**params)
        self._project, self._store, self._verdict = project, store, verdict
        self.form = EventForm(project)
        self._predict = inputs.button("Predict", self._ask, icon="bolt", variant="contained")
        self._randomise = inputs.button("Randomise", self._other, icon="casino")
        self._problem = parts.Banner()
        self._hint = parts.quiet(_HINT)
        self._reasons = pictures.Picture(pictures.bars)
        self._facts = parts.quiet(css_classes=["answer-model"])
        title = parts.heading("Reasons", verdict.reasons_note)
        self._why = parts.stack(title, self._reasons.pane, gap=0)
        self.beside = Beside(project, verdict)
        self.labelling = Labelling(project, store, verdict)
        self._shown = Late(visible=False)

    async def refresh(self) -> None:
        """Make room for an answer once the form is there: it takes as long, and nobody waits."""
        self._make_room()

    def _make_room(self) -> None:
        self._shown.put(self._verdict, self._why, self.beside, self._facts, self.labelling)

    async def _ask(self, _event: Any) -> None:
        with self._predict.param.update(loading=True):
            await inputs.settled()
            self._make_room()
            answer = await self._store.predict(
                self._project.slug, self.form.event, self.beside.asked
            )
            await self._shown.come()
            self.answer = answer

    def _other(self, _event: Any) -> None:
        self.form.randomise()

    @param.depends("answer", watch=True)
    def _show(self) -> None:
        failed = isinstance(self.answer, Failure)
        others = self.form.mark(self.answer.errors if failed else {})
        self._problem.param.update(**_problem(self.answer, others))
        self._hint.visible = False
        self._shown.box.visible = not failed
        if not failed:
            answers = self.answer.get("predictions") or [self.answer]
            self._show_answer(answers[0])
            self.beside.tell(answers)

    @param.depends("snapshot", watch=True)
    def _follow(self) -> None:
        """Know what the live model's metrics say: its report, and the time of its newest event."""
        metrics = self.snapshot.metrics or {}
        self._verdict.report = metrics.get("report") or {}
        self.form.set_time(metrics.get("event_time"))
        self.beside.offer(self.snapshot.versions)

    def _show_answer(self, answer: dict[str, Any]) -> None:
        self._verdict.event = self.form.event
        self._verdict.answer = answer["prediction"]
        self._reasons.send(_reasons(answer["reasons"] or {}, self._verdict))
        self._why.visible = bool(answer["reasons"])
        model = answer["model"]
        parts.say(
            self._facts,
            f"Model version {model['version']} ({model['source']}), learned from"
            f" {wording.count(model['events_learned'])} events,"
            f" {wording.age(model['age_seconds'])} old when it answered.\n"
            f"Prediction {answer['prediction_id']}",
        )
        self.labelling.ask(answer["prediction_id"])

    def __panel__(self) -> pmui.Row:
        title = parts.heading(f"One {_noun(self._project)}", _FORM_NOTE)
        buttons = parts.line(self._predict, self._randomise)
        form = parts.card(title, self.form, self.beside.choice, buttons)
        answer = parts.card(parts.heading("Answer"), self._problem, self._hint, self._shown.box)
        widths = {"xs": 1, "md": "minmax(0, 7fr) minmax(0, 5fr)"}
        return parts.columns(form, answer, widths=widths, margin=(16, 0, 0, 0))


_HINT = "Press Predict: the live model answers here, and says why."
_FORM_NOTE = "Choices are suggestions: type something the stream never brought, too."


def _noun(project: Project) -> str:
    return project.event.__name__.lower()


def _reasons(reasons: dict[str, float], verdict: Verdict) -> list[tuple[str, float, str]]:
    """What each bar says, how long it is, and its colour."""
    return [
        (
            f"{wording.words(name)}  {verdict.weight(value)}",
            value,
            verdict.more if value > 0 else verdict.less,
        )
        for name, value in reasons.items()
    ]


def _problem(answer: Answer, others: dict[str, str]) -> dict[str, str]:
    """What the banner says of a failure; nothing for an answer."""
    if not isinstance(answer, Failure):
        return {"title": "", "message": ""}
    if answer.is_no_model:
        return {"title": answer.title, "message": answer.detail, "severity": "info"}
    lines = [answer.detail, *(f"{path}: {text}" for path, text in others.items())]
    return {"title": answer.title, "message": "\n".join(lines), "severity": "error"}
