"""The Models tab: which versions there are, which leads, and who changed that."""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from dashboard.client import Answer, Failure
from dashboard.store import Store
from dashboard.views import inputs, parts, versions
from dashboard.views.change import PROMOTE, ROLL_BACK, ChangeDialog
from dashboard.views.choice import Choice
from dashboard.views.tab import Tab
from dashboard.views.table import Table
from flows.projects.spec import Project


class Models(Tab):
    """Versions, comparison, contests and history; `model` is the version that is looked at.

    Set `listed`, `told` and `report` to show newer answers of the API.
    """

    model = param.String(default="", doc="The version that is looked at, as the address names it")
    listed = param.Parameter(default=None, doc="The registered versions")
    told = param.Parameter(default=None, doc="The history of changes")
    report = param.Parameter(default=None, doc="What leads, and how the contests stand")
    compared = param.Parameter(default=None, doc="The answer to the last comparison")

    def __init__(self, project: Project, store: Store, unit: str = "", **params: Any) -> None:
        super().__init__(**params)
        self._project, self._store, self._unit = project, store, unit
        self.dialog = ChangeDialog(store, project.slug)
        self._said = parts.Banner(severity="success")
        self._problem = parts.Banner()
        self._version = Choice("Version")
        self._other = Choice("Compared with")
        self._rival = Choice("Challenger")
        self._make_tables()
        self._make_buttons()
        self._version.param.watch(self._choose, "value")
        self.dialog.param.watch(self._changed, "answer")

    def _make_tables(self) -> None:
        nothing = "No version is registered yet: the first comes soon after the first model."
        numbers = (2, 3)
        self.versions = Table("Versions", versions.VERSIONS, numbers, nothing, ("versions",))
        self.rivals = Table("Contests", versions.RIVALS, (1, 2, 3), _NO_MODEL, ("rivals",))
        self.history = Table("Changes", versions.CHANGES, (), _NO_CHANGE, ("changes",))
        self._gaps = parts.Banner(severity="warning")
        self._verdict = parts.text("", css_classes=["verdict"])
        self._metrics = parts.stack()

    def _make_buttons(self) -> None:
        self._compare = _button("Compare", self._ask_both, icon="compare_arrows")
        self._promote = _button("Promote", self._ask_promotion, icon="verified")
        self._roll_back = _button("Roll back", self._ask_rollback, icon="history", color="error")
        self._crown = _button("Promote challenger", self._ask_crown, icon="military_tech")

    async def refresh(self) -> None:
        """Read versions, contests and history."""
        slug = self._project.slug
        listed, told, report = await asyncio.gather(
            self._store.models(slug), self._store.changes(slug), self._store.report(slug)
        )
        with pn.io.hold():
            self.param.update(listed=listed, told=told, report=report)

    @param.depends("listed", watch=True)
    def _show_versions(self) -> None:
        failed = isinstance(self.listed, Failure)
        self._problem.param.update(**parts.trouble(self.listed))
        if failed:
            return
        models = self.listed["models"]
        self.versions.rows = versions.versions(models, self._unit)
        names = versions.names(models)
        self._version.offer(names, self.model)
        self._other.offer(_champion_first(names))
        for button in (self._compare, self._promote, self._roll_back):
            button.disabled = not models

    @param.depends("model", watch=True)
    def _show_model(self) -> None:
        self._version.choose(self.model)

    def _choose(self, event: Any) -> None:
        if event.new and event.old is not None:
            self.model = event.new

    @param.depends("report", "snapshot", watch=True)
    def _show_rivals(self) -> None:
        if not isinstance(self.report, dict):
            self._crown.disabled = True
            return
        name = self._project.score
        champion = ((self.snapshot.metrics or {}).get("metrics") or {}).get(name)
        rows = versions.rivals(self.report, champion, name, self._unit)
        if rows != self.rivals.rows:
            self.rivals.rows = rows
        self._rival.offer({row[0]: row[0] for row in rows[1:]})
        self._crown.disabled = len(rows) < 2

    @param.depends("told", watch=True)
    def _show_history(self) -> None:
        if isinstance(self.told, Failure):
            self._gaps.param.update(**parts.trouble(self.told))
        else:
            self._gaps.param.update(
                title="", message="\n".join(self.told["problems"]), severity="warning"
            )
            self.history.rows = versions.changes(self.told["changes"])

    async def _ask_both(self, _event: Any) -> None:
        with self._compare.param.update(loading=True):
            await inputs.settled()
            a, b = self._other.value, self._version.value
            if a is not None and b is not None:
                self.compared = await self._store.compare(self._project.slug, int(a), int(b))

    @param.depends("compared", watch=True)
    def _show_comparison(self) -> None:
        told: Answer = self.compared
        self._said.param.update(**parts.trouble(told))
        if isinstance(told, Failure):
            return
        names = {side: f"Version {told[side]['version']}" for side in "ab"}
        headings = [text.format(**names) for text in versions.COMPARED]
        self.comparison = table = Table("Comparison", headings, (1, 2, 3))
        table.rows = versions.comparison(told, self._project.task.maximize, self._unit)
        parts.say(self._verdict, versions.compared(told))
        self._metrics.param.update(objects=[table], visible=bool(table.rows))

    def _ask_promotion(self, _event: Any) -> None:
        version = self._version.value
        if version is not None:
            title = f"Promote version {version}?"
            self.dialog.ask(title, _PROMOTION, PROMOTE, {"version": int(version)})

    def _ask_crown(self, _event: Any) -> None:
        name = self._rival.value
        if name is not None:
            self.dialog.ask(f"Promote {name}?", _CROWN, PROMOTE, {"challenger": name})

    def _ask_rollback(self, _event: Any) -> None:
        version = self._version.value
        if version is not None:
            title = f"Roll back to version {version}?"
            self.dialog.ask(title, _ROLLBACK, ROLL_BACK, {"version": int(version)})

    def _changed(self, event: Any) -> None:
        done = event.new["state"] == "done"
        message = f"{versions.what(event.new)}: {versions.outcome(event.new)}."
        self._said.param.update(title="", message=message, severity="success" if done else "info")

    def __panel__(self) -> pmui.Column:
        lead = parts.line(self._rival, self._crown)
        chosen = parts.line(
            self._version, self._other, self._compare, self._promote, self._roll_back
        )
        return parts.stack(
            self._problem,
            parts.card(parts.heading("Champion and challengers", _LEAD_NOTE), self.rivals, lead),
            parts.card(
                parts.heading("Versions", _VERSIONS_NOTE),
                self.versions,
                chosen,
                self._said,
                self._verdict,
                self._metrics,
            ),
            parts.card(parts.heading("What changed", _HISTORY_NOTE), self._gaps, self.history),
            self.dialog,
            margin=(16, 0, 0, 0),
        )


_NO_MODEL = "No model yet: challengers learn beside the first."
_NO_CHANGE = "Nobody has promoted or rolled back anything yet."
_LEAD_NOTE = "All learn from the same events; the champion answers."
_VERSIONS_NOTE = "Copies of the learner in the registry, made ahead of time when it is much better."
_HISTORY_NOTE = "Promotions and rollbacks: when, what, by whom and why."
_PROMOTION = "A flow that has lost its state begins with this version. What runs now goes on."
_CROWN = "The challenger takes the champion's place within some seconds and answers from then on."
_ROLLBACK = (
    "The learner of this version takes the place of the one that runs, with its metrics; the flow"
    " reads again what came since."
)


def _champion_first(names: dict[str, str]) -> dict[str, str]:
    return dict(sorted(names.items(), key=lambda item: "champion" not in item[0]))


def _button(label: str, on_click: Any, **look: str) -> pmui.Button:
    """Make a button that waits until there is something to choose among."""
    return inputs.button(label, on_click, size="small", disabled=True, **look)
