"""Charts that are clicked together, drawn of all rows, kept as pictures and named by a link."""
# mypy: allow-untyped-calls

from __future__ import annotations

import io
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode

import panel as pn
import panel_material_ui as pmui
import param

from dashboard import wording
from dashboard.client import Failure
from dashboard.pictures.charts import HEIGHT, shown
from dashboard.queries import Offered
from dashboard.store import Store, charted
from dashboard.views import inputs, parts
from dashboard.views.choices import Choices

NOTE = "Of all rows; what a chart shows is worked out where the rows are. The link opens it again."
KINDS = {
    "Bars": "bar",
    "Line": "line",
    "Scatter plot": "scatter",
    "Pie": "pie",
    "Heat map": "heatmap",
    "Histogram": "histogram",
    "Box plot": "box",
}
HOW = {
    "Count of rows": "count",
    "Sum": "sum",
    "Mean": "mean",
    "Median": "median",
    "Least": "min",
    "Greatest": "max",
}
NONE = ""
FORMS = {"PNG": "image/png", "SVG": "image/svg+xml"}
FIELDS = ("kind", "x", "y", "colour", "facet", "how")
FIRST = {"kind": "bar", "y": NONE, "colour": NONE, "facet": NONE, "how": "count"}


class Charting(pn.viewable.Viewer):
    """Choices, and the chart of them; `chart` is what the address says of the last one drawn."""

    chart = param.String(default="")
    answer = param.Parameter(default=None, doc="What the API said of the chart")

    def __init__(self, slug: str, store: Store, **params: Any) -> None:
        super().__init__(**params)
        self._slug, self._store = slug, store
        self._drawn, self._busy, self._offered = "", False, False
        self._pictures: dict[str, bytes] = {}
        self.form = Choices(fields=fields([]), css_classes=["chart-form"])
        self._button = inputs.button("Draw", self._click, icon="insert_chart", variant="contained")
        self._files = {name: self._download(name) for name in FORMS}
        self._link = pmui.Typography("", margin=0, visible=False, css_classes=["chart-link"])
        self._problem = parts.Banner()
        self._said = parts.quiet("", css_classes=["chart-said"])
        self._figure = pn.Column(sizing_mode="stretch_width", margin=0, visible=False)

    def offer(self, offered: Offered) -> None:
        """Let these columns be chosen."""
        if (told := fields(list(offered.kinds))) != self.form.fields:
            self._offered = bool(offered.kinds)
            self.form.choose(self._named())
            self.form.fields = told
            self.form.choose(self._named())

    async def refresh(self) -> None:
        """Draw what the address names, if that is not what is there."""
        if self.chart != self._drawn and self._offered:
            self.form.choose(FIRST | self._named())
            await self.draw(self._named())

    async def _click(self, _event: Any) -> None:
        await inputs.settled()
        await self.draw(self._chosen())

    async def draw(self, chosen: dict[str, str]) -> None:
        """Ask for a chart, show it, and fetch its pictures."""
        if self._busy or not chosen.get("x"):
            return
        self._busy = True
        try:
            self._drawn = self.chart = urlencode(chosen)
            with self._button.param.update(loading=True):
                answer = await self._store.chart(self._slug, chosen)
            self.answer = answer
            if not isinstance(answer, Failure):
                await self._fetch(chosen)
        finally:
            self._busy = False

    async def _fetch(self, chosen: dict[str, str]) -> None:
        for name, media_type in FORMS.items():
            picture = await self._store.file(charted(self._slug, chosen), media_type)
            if not isinstance(picture, Failure):
                self._pictures[name] = picture
                self._files[name].visible = True

    @param.depends("answer", watch=True)
    def _show(self) -> None:
        failed = isinstance(self.answer, Failure)
        self._problem.param.update(**parts.trouble(self.answer))
        self._pictures.clear()
        with pn.io.hold():
            for file in self._files.values():
                file.visible = False
            self._figure.visible = self._link.visible = not failed
            parts.say(self._said, "" if failed else told(self.answer))
            if not failed:
                self._link.object = link(self.chart)
                picture = pn.pane.HoloViews(
                    shown(self.answer),
                    sizing_mode="stretch_width",
                    min_height=HEIGHT,
                    margin=0,
                    linked_axes=False,
                )
                self._figure.objects = [picture]

    def _chosen(self) -> dict[str, str]:
        """What the choices say, without what they leave open."""
        return {name: value for name, value in self.form.chosen.items() if value}

    def _named(self) -> dict[str, str]:
        return {name: value for name, value in parse_qsl(self.chart) if name in FIELDS}

    def _download(self, name: str) -> pmui.FileDownload:
        return pmui.FileDownload(
            callback=lambda: io.BytesIO(self._pictures.get(name, b"")),
            filename=f"{self._slug}-chart.{name.lower()}", label=f"Keep as {name}",
            size="small", margin=0, visible=False,
        )  # fmt: skip

    def __panel__(self) -> pmui.Paper:
        return parts.card(
            parts.heading("Chart", NOTE),
            self.form,
            parts.line(self._button, *self._files.values(), self._link),
            self._problem,
            self._said,
            self._figure,
        )


def told(answer: dict[str, Any]) -> str:
    """What a chart shows, of how many rows, and how fast."""
    what = (answer["y"] or {"name": answer["value_name"]})["name"]
    if answer["kind"] == "heatmap":
        what = f"{answer['value_name']} by {what}"
    split = [answer[name]["name"] for name in ("colour", "facet") if answer[name]]
    by = " and ".join([answer["x"]["name"], *split])
    lines = [
        f"{what} by {by}: {wording.count(answer['rows'])} rows"
        f" in {wording.count(answer['elapsed_ms'])} ms."
    ]
    if answer["left_out"]:
        lines.append(f"{wording.count(answer['left_out'])} rows lie outside, or lack a value.")
    return "\n".join(lines)


def link(chart: str) -> str:
    """A link that opens a chart again."""
    address = f"?{urlencode({'tab': 'analytics', 'chart': chart})}"
    return f"<a href='{escape(address)}'>Link to this chart</a>"


def fields(columns: list[str]) -> list[list[Any]]:
    """What can be chosen of a chart of these columns."""
    named = [[name, name] for name in columns]
    perhaps = [[NONE, wording.NOTHING], *named]
    return [
        ["kind", "Chart", [[value, words] for words, value in KINDS.items()]],
        ["x", "Along x", named],
        ["y", "Along y, or value", perhaps],
        ["colour", "Colour", perhaps],
        ["facet", "One chart for each", perhaps],
        ["how", "Made of values", [[value, words] for words, value in HOW.items()]],
    ]
