"""The overview: every project at a glance, and the health of what carries them."""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from dashboard import pictures, wording
from dashboard.client import Answer, Failure
from dashboard.feed import Feed, Snapshot
from dashboard.history import thinned
from dashboard.metrics import describe, shown, unit_of
from dashboard.store import Store
from dashboard.views import parts
from flows.projects.spec import Project

SPARK_POINTS = 100
_CHECK_COLORS = {"ok": "success", "warning": "warning", "failing": "error"}


FACTS = {
    "speed": ("Events per second", "What the flow reads now."),
    "lag": ("Lag", "Messages on Kafka that the flow has not read yet."),
    "labels": ("Labelled", "Of the predictions old enough for a label, those that got one."),
    "alarms": ("Drift alarms", "How often errors or inputs became others than they were."),
    "age": ("Model age", "Time since the live model was published."),
    "letters": ("Dead letters", "Messages that are no events; kept, with the reason."),
}


class ProjectCard(pn.viewable.Viewer):
    """One project in a card that leads to its page; set `snapshot` to show a newer one."""

    snapshot = param.ClassSelector(class_=Snapshot, default=Snapshot())

    def __init__(self, project: Project, **params: Any) -> None:
        super().__init__(**params)
        self._project = project
        self._state = parts.StateChip()
        self._score = parts.figure(wording.NOTHING, css_classes=["card-score"])
        self._spark = pictures.Picture(pictures.sparkline, pictures.SPARK)
        self._model = parts.quiet(css_classes=["card-model"])
        self.facts = parts.Tiles(FACTS, {"xs": 2, "sm": 3}, flat=True)

    @param.depends("snapshot", watch=True)
    def _show(self) -> None:
        project = self.snapshot.project
        if project is None:
            return
        self._state.state = project["state"]
        score = (project["score"] or {}).get("value")
        parts.say(self._score, shown(self._project.score, score, unit_of(self._project)))
        self._spark.send(_curve(self.snapshot, self._project.score))
        parts.say(self._model, _model(project))
        self.facts.values = _facts(project, self.snapshot.age_seconds)

    def __panel__(self) -> pmui.Paper:
        link = pmui.Button(
            label=self._project.title, href=self._project.slug, target="_self", variant="text",
            margin=0, end_icon="chevron_right", css_classes=["card-link"],
            sx={"fontSize": "1.05rem", "fontWeight": 600, "px": 0, "minWidth": 0},
        )  # fmt: skip
        head = parts.line(link, self._state, sx={"justifyContent": "space-between"})
        name = parts.quiet(describe(self._project.score).label)
        body = parts.columns(
            parts.stack(self._score, name, gap=0), self._spark.pane, widths={"xs": "140px 1fr"}
        )
        summary = parts.quiet(self._project.summary)
        return parts.card(head, summary, body, self._model, self.facts)


class Overview(pn.viewable.Viewer):
    """All cards and the platform's health."""

    health = param.Parameter(default=None, doc="What the API said of its readiness")

    def __init__(
        self,
        projects: Sequence[Project],
        store: Store,
        links: Mapping[str, str] = MappingProxyType({}),
        **params: Any,
    ) -> None:
        super().__init__(**params)
        self._store = store
        self._feeds = [Feed(store, project.slug, versions=False) for project in projects]
        self._links = [_link(name, address) for name, address in links.items()]
        self.cards = [ProjectCard(project) for project in projects]
        self._banner = parts.Banner()
        self._shown: list[tuple[str, str]] = []
        self._checks = pmui.FlexBox(gap="8px", margin=0, sizing_mode="stretch_width")
        self._worries = parts.quiet(css_classes=["worries"])

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
        parts.say(self._worries, "\n".join(worries(found)))
        summed = summary(found)
        if summed != self._shown:
            self._shown = summed
            self._checks.objects = [_chip(*each) for each in summed]

    def __panel__(self) -> pmui.Column:
        return parts.stack(
            self._banner,
            parts.heading("Models that learn while they serve", variant="h1"),
            parts.columns(*self.cards, widths={"xs": _CARDS}),
            parts.card(
                parts.titled("Platform", _PLATFORM_NOTE, *self._links), self._checks, self._worries
            ),
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


def summary(checks: list[tuple[str, str, str]]) -> list[tuple[str, str]]:
    """Each kind of part once, with the worst that any of its checks says."""
    worst: dict[str, str] = {}
    for name, status, _ in checks:
        kind = _KINDS.get(name.split(":")[0], name.split(":")[0])
        worst[kind] = max(worst.get(kind, "ok"), status, key=_gravity)
    return list(worst.items())


def worries(checks: list[tuple[str, str, str]]) -> list[str]:
    """A line for each check that is not well, and says why."""
    return [f"{name}: {detail}" for name, status, detail in checks if status != "ok" and detail]


_KINDS = {"redis": "Redis", "model": "Models", "keys": "API keys"}


def _gravity(status: str) -> int:
    return list(_CHECK_COLORS).index(status) if status in _CHECK_COLORS else len(_CHECK_COLORS)


def _chip(name: str, status: str) -> pmui.Chip:
    color = _CHECK_COLORS.get(status, "default")
    return pmui.Chip(f"{name}: {status}", color=color, size="small", variant="outlined", margin=0)


def _link(name: str, address: str) -> pmui.Button:
    return pmui.Button(
        label=name, href=address, target="_blank", variant="outlined", size="small", margin=0,
        end_icon="open_in_new", css_classes=["platform-link"],
    )  # fmt: skip


def _curve(snapshot: Snapshot, score: str) -> list[tuple[float, float]]:
    return [
        (point["events_learned"], point["metrics"][score])
        for point in thinned(snapshot.history, SPARK_POINTS)
        if score in point["metrics"]
    ]


def _model(project: dict[str, Any]) -> str:
    """Which model is live, or that there is none."""
    model = project["model"]
    if model is None:
        learned = wording.count(project["counts"].get("learned", 0))
        return f"No model yet: {project['slug']} has learnt from {learned} events."
    learned = wording.count(model["events_learned"])
    return f"Version {model['version']}, learnt from {learned} events"


def _facts(project: dict[str, Any], age_seconds: float | None) -> dict[str, str]:
    """What the tiles say, by name."""
    counts, share = project["counts"], (project.get("labels") or {}).get("share")
    return {
        "speed": wording.rate(project["events_per_second"]),
        "lag": wording.count(project["lag"]),
        "labels": wording.NOTHING if share is None else wording.percent(share),
        "alarms": wording.count(counts.get("alarms", len(project.get("alarms") or []))),
        "age": wording.age(age_seconds),
        "letters": wording.count(counts.get("dead_letters", 0)),
    }
