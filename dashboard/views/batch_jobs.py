"""Jobs of batch learning: ordered, followed, cancelled and run again."""
# mypy: allow-untyped-calls

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from dashboard import wording
from dashboard.client import Answer, Failure
from dashboard.store import Store
from dashboard.views import inputs, parts
from dashboard.views.choice import Choice
from dashboard.views.table import Grid, Table

HISTORY = ("Ordered", "What", "State", "Took", "What came of it")
ENDED = ("done", "failed", "cancelled")
ALL = ""
MOST = (0, 1_000_000_000)


class Jobs(pn.viewable.Viewer):
    """What a project's workers are told, and what they do; set `answer` to what the API says."""

    answer = param.Parameter(default=None, doc="The newest answer of the API")
    running = param.Dict(default={}, doc="The job that is followed; none when empty")

    def __init__(self, slug: str, store: Store, **params: Any) -> None:
        super().__init__(**params)
        self._slug, self._store = slug, store
        self._said = parts.Banner()
        self._alone = parts.Banner(severity="warning")
        self._model = Choice("Model", 220)
        self._rows = inputs.number("Newest rows", 0, MOST, "So many with a label; 0 for all.")
        self._hours = inputs.number(
            "Of the last hours", 0, MOST, "Events not older than that; 0 for all."
        )
        self._bar = Grid(html="", margin=0, sizing_mode="stretch_width", css_classes=["progress"])
        self._train = inputs.button("Train", self._order, variant="contained")
        self._cancel = inputs.button("Cancel", self._end)
        self._which = Choice("Ended job", 320, follows=True)
        self._again = inputs.button("Run again", self._repeat)
        self._ended = parts.line(self._which, self._again, visible=False)
        self._now = parts.line(self._bar, self._cancel, visible=False, sx={"flexWrap": "nowrap"})
        self._log = Table("Jobs", HISTORY, (3,), _NO_JOBS, ("batch-jobs",))

    async def refresh(self) -> None:
        """Look at the jobs."""
        self.answer = await self._store.batch_jobs(self._slug)

    @param.depends("answer", watch=True)
    def _show(self) -> None:
        if isinstance(self.answer, Failure) or self.answer is None:
            self._alone.param.update(**parts.trouble(self.answer))
            return
        told = self.answer
        names = {wording.words(name): name for name in told["candidates"]}
        self._model.offer({"all, the best wins": ALL, **names})
        self._show_workers(told)
        jobs = told["jobs"]
        self._log.rows = [_row(job) for job in jobs]
        # The oldest that has not ended is the one that is being done, or the next one.
        active = [job for job in reversed(jobs) if job["state"] not in ENDED]
        self.running = next(iter(active), {})
        self._bar.html = _progress(self.running) if self.running else ""
        self._now.visible = bool(self.running)
        if self.running and self.running["state"] == "running" and self._said.message == _ORDERED:
            self._said.message = ""
        ended = {_named(job): job["id"] for job in jobs if job["state"] in ENDED}
        self._which.offer(ended)
        self._ended.visible = bool(ended)

    def _show_workers(self, told: dict[str, Any]) -> None:
        if told["workers"]:
            self._alone.param.update(title="", message="")
        else:
            waits = f" {told['waiting']} wait." if told["waiting"] else ""
            self._alone.param.update(title=_ALONE, message=_WAITS + waits, severity="warning")

    async def _order(self, event: Any) -> None:
        with event.obj.param.update(loading=True):
            await inputs.settled()
            self._show_told(await self._store.order(self._slug, "", self.wanted), _ORDERED)

    async def _end(self, event: Any) -> None:
        await self._act(event, self.running.get("id", ""), "cancel", _CANCELLED)

    async def _repeat(self, event: Any) -> None:
        await self._act(event, self._which.value or "", "again", _ORDERED)

    async def _act(self, event: Any, job: str, what: str, told: str) -> None:
        with event.obj.param.update(loading=True):
            answer = await self._store.order(self._slug, f"/{job}/{what}", {})
        self._show_told(answer, told)

    async def diagnose(self, name: str) -> None:
        """Order a diagnostic that takes long."""
        wanted = {"kind": "diagnose", "diagnostic": name}
        self._show_told(await self._store.order(self._slug, "", wanted), _ORDERED)

    @property
    def wanted(self) -> dict[str, Any]:
        """What the inputs ask for."""
        wanted: dict[str, Any] = {"kind": "train"}
        if self._model.value:
            wanted["model"] = self._model.value
        if self._rows.value:
            wanted["rows"] = self._rows.value
        if self._hours.value:
            since = datetime.now(UTC) - timedelta(hours=self._hours.value)
            wanted["since"] = since.isoformat()
        return wanted

    def _show_told(self, answer: Answer, told: str) -> None:
        trouble = parts.trouble(answer)
        if not isinstance(answer, Failure):
            trouble |= {"message": told, "severity": "success"}
        self._said.param.update(**trouble)

    def __panel__(self) -> pmui.Column:
        inputs = parts.line(self._model, self._rows, self._hours, self._train)
        return parts.stack(
            parts.card(parts.heading("Train", _NOTE), self._alone, inputs, self._said, self._now),
            parts.card(parts.heading("Jobs", _HISTORY_NOTE), self._ended, self._log),
        )


_NOTE = "On what the lake has kept, split by time: the newest fifth tests what was trained."
_HISTORY_NOTE = "Newest first; one that has ended can be run again as it was ordered."
_NO_JOBS = "Nothing has been ordered yet."
_ALONE = "No worker runs"
_WAITS = "Jobs are kept until one does: `python -m scripts.batch_worker`."
_ORDERED = "Ordered; a worker takes it within a second, if it has no other."
_CANCELLED = "Told; the worker ends it within a second."


def _progress(job: dict[str, Any]) -> str:
    """How far a job is, as a bar that says so in words too."""
    share, stage = 100 * job["progress"], job["stage"] or job["state"]
    if job["cancelling"]:
        stage = "being cancelled"
    text = f"{_what(job)}: {stage}, {share:.0f} %"
    return (
        f"<label style='display:block'>{escape(text)}<br><progress max='100'"
        f" style='width:100%;height:10px' value='{share:.1f}'></progress></label>"
    )


def _row(job: dict[str, Any]) -> tuple[str, ...]:
    came = job["reason"] or job["stage"]
    if job["state"] == "done":
        came = (
            f"version {job['result']}" if job["kind"] == "train" else wording.words(job["result"])
        )
    return (
        wording.day(datetime.fromisoformat(job["created"])),
        _what(job),
        "being cancelled" if job["cancelling"] else job["state"],
        _took(job),
        came,
    )


def _took(job: dict[str, Any]) -> str:
    if not (job["started"] and job["ended"]):
        return wording.NOTHING
    ends = (datetime.fromisoformat(job[name]) for name in ("ended", "started"))
    ended, started = ends
    return wording.quantity((ended - started).total_seconds(), wording.SECONDS)


def _what(job: dict[str, Any]) -> str:
    """An order in words."""
    order = job["order"]
    if job["kind"] == "diagnose":
        return wording.words(order.get("name") or "diagnose")
    model = order.get("model")
    told = wording.words(model) if model else "all models"
    if rows := order.get("rows"):
        told += f", {wording.count(rows)} rows"
    return told + (f", since {order['since'][:16]}" if order.get("since") else "")


def _named(job: dict[str, Any]) -> str:
    moment = datetime.fromisoformat(job["created"])
    return f"{moment:%d %b %H:%M:%S} {_what(job)} ({job['state']})"
