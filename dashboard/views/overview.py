"""The overview: every project at a glance, and the health of what carries them."""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from dashboard import pictures, wording
from dashboard.client import Answer, Failure
from dashboard.feed import Feed, Snapshot
from dashboard.metrics import describe
from dashboard.store import Store
from dashboard.views import parts
from flows.projects.spec import Project

_CHECK_COLORS = {"ok": "success", "warning": "warning", "failing": "error"}


class ProjectCard(pn.viewable.Viewer):
    """One project in a card that leads to its page; set `snapshot` to show a newer one."""

    snapshot = param.ClassSelector(class_=Snapshot, default=Snapshot())

    def __init__(self, project: Project, **params: Any) -> None:
        super().__init__(**params)
        self._project = project
        self._state = parts.StateChip()
        self._score = parts.text(wording.NOTHING, "h4", css_classes=["card-score"])
        self._spark = pictures.Picture(pictures.sparkline, pictures.SPARK)
        self._lines = parts.quiet(css_classes=["card-lines"])

    @param.depends("snapshot", watch=True)
    def _show(self) -> None:
        project = self.snapshot.project
        if project is None:
            return
        self._state.state = project["state"]
        score = (project["score"] or {}).get("value")
        parts.say(self._score, wording.score(score))
        self._spark.send(_history(self.snapshot, self._project.score))
        parts.say(self._lines, "\n".join(_lines(project, self.snapshot.age_seconds)))

    def __panel__(self) -> pmui.Paper:
        link = pmui.Button(
            label=self._project.title, href=self._project.slug, target="_self", variant="text",
            margin=0, end_icon="chevron_right", css_classes=["card-link"],
            sx={"fontSize": "1.05rem", "fontWeight": 600, "px": 0, "minWidth": 0},
        )  # fmt: skip
        head = parts.line(link, self._state, sx={"justifyContent": "space-between"})
        name = parts.quiet(describe(self._project.score).label)
        body = parts.columns(
            parts.stack(self._score, name, gap=0), self._spark.pane, widths={"xs": "110px 1fr"}
        )
        return parts.card(head, parts.quiet(self._project.summary), body, self._lines)


class Overview(pn.viewable.Viewer):
    """All cards and the platform's health."""

    health = param.Parameter(default=None, doc="What the API said of its readiness")

    def __init__(self, projects: Sequence[Project], store: Store, **params: Any) -> None:
        super().__init__(**params)
        self._store = store
        self._feeds = [Feed(store, project.slug) for project in projects]
        self.cards = [ProjectCard(project) for project in projects]
        self._banner = parts.Banner()
        self._shown: list[tuple[str, str]] = []
        self._checks = pmui.FlexBox(gap="8px", margin=0, sizing_mode="stretch_width")

    title = "Overview"

    async def refresh(self) -> None:
        """Read every project and the health, and show what is new."""
        reads = asyncio.gather(*(feed.read() for feed in self._feeds))
        health, snapshots = await asyncio.gather(self._store.health(), reads)
        with pn.io.hold():
            self.health = health
            for card, snapshot in zip(self.cards, snapshots, strict=True):
                card.snapshot = snapshot
            failed = next((each for each in snapshots if each.failure), Snapshot())
            self._banner.param.update(**parts.outage(failed.failure, failed.down_since))

    @param.depends("health", watch=True)
    def _show_health(self) -> None:
        found = checks(self.health)
        if [check[:2] for check in found] != self._shown:
            self._shown = [check[:2] for check in found]
            self._checks.objects = [_chip(*check) for check in found]

    def __panel__(self) -> pmui.Column:
        return parts.stack(
            self._banner,
            parts.heading("Models that learn while they serve", variant="h4"),
            parts.columns(*self.cards, widths={"xs": _CARDS}),
            parts.card(parts.heading("Platform", _PLATFORM_NOTE), self._checks),
        )


_CARDS = "repeat(auto-fit, minmax(min(440px, 100%), 1fr))"
_PLATFORM_NOTE = "What the API says of itself and of the parts it needs."


def checks(health: Answer | None) -> list[tuple[str, str, str]]:
    """Name, status and detail of the API and of every part it checks."""
    if health is None:
        return []
    if isinstance(health, Failure) and not health.body:
        return [("API", "failing", health.title)]
    body = health.body if isinstance(health, Failure) else health
    listed = [(c["name"], c["status"], c.get("detail", "")) for c in body.get("checks", [])]
    return [("API", "ok", "It answers."), *listed]


def _chip(name: str, status: str, detail: str) -> pmui.Chip:
    color = _CHECK_COLORS.get(status, "default")
    return pmui.Chip(
        f"{name}: {status}", color=color, size="small", variant="outlined", margin=0,
        description=detail,
    )  # fmt: skip


def _history(snapshot: Snapshot, score: str) -> list[tuple[float, float]]:
    return [
        (point["events_learned"], point["metrics"][score])
        for point in snapshot.history
        if score in point["metrics"]
    ]


def _lines(project: dict[str, Any], age_seconds: float | None) -> list[str]:
    model, counts = project["model"], project["counts"]
    learned = wording.count(counts.get("learned", 0))
    if model is None:
        return [f"No model yet: {project['slug']} has learnt from {learned} events."]
    return [
        f"Version {model['version']}, published {wording.age(age_seconds)} ago,"
        f" learnt from {wording.count(model['events_learned'])} events",
        f"{wording.rate(project['events_per_second'])} events/s,"
        f" {wording.count(project['lag'])} waiting on Kafka",
        f"{wording.count(counts.get('events', 0))} seen,"
        f" {wording.count(counts.get('pending', 0))} without a label yet,"
        f" {wording.count(counts.get('dead_letters', 0))} dead letters",
    ]
