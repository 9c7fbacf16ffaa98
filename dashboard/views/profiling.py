"""What a project's rows are like, in one click."""
# mypy: allow-untyped-calls

from __future__ import annotations

import io
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from dashboard import wording
from dashboard.client import Answer, Failure
from dashboard.store import Store, profiled
from dashboard.views import inputs, parts
from dashboard.views.answering import Answering
from dashboard.views.table import Table

NOTE = "Types, values, shapes and quality of every column, and what is out of the ordinary."
ROWS = {"all, to 2 million": "2000000", "newest 100 000": "100000", "newest 10 000": "10000"}
TABLES = {
    "Events with labels": "",
    "Events as they came": "events",
    "Predictions": "predictions",
    "Outcomes": "outcomes",
    "Labels": "labels",
}
FACTS = {
    "rows": ("Rows", "How many of the newest rows were looked at."),
    "columns": ("Columns", "Fields of nested values are columns of their own."),
    "quality": ("Quality of 100", "The mean of the columns of events; each tells its reasons."),
    "anomalies": ("To look at", "Values, rates and drifts that are out of the ordinary."),
}
_BARS = "▁▂▃▄▅▆▇█"


class Profiling(Answering):
    """A button, and the profile; `answer` is what the API said."""

    def __init__(self, slug: str, labelled: bool, store: Store, **params: Any) -> None:
        super().__init__("Profile", "query_stats", **params)
        self._slug, self._store, self._report = slug, store, b""
        self._rows = inputs.select("Rows", ROWS, 170)
        tables = dict(list(TABLES.items())[: None if labelled else 3])
        self._table = inputs.select("Table", tables, 190)
        self._keep = pmui.FileDownload(
            callback=lambda: io.BytesIO(self._report), filename=f"{slug}-profile.html",
            label="Keep as one HTML file", size="small", margin=0, visible=False,
            css_classes=["profile-file"],
        )  # fmt: skip
        self._problem = parts.Banner()
        self._said = parts.quiet("", css_classes=["profile-said"])
        self.facts = parts.Tiles(FACTS, {"xs": 2, "md": 4}, flat=True)
        self.anomalies = Table("What to look at", ("Weight", "What", "Column", "Why"))
        self.columns = Table(
            "Columns", HEADINGS, numbers=(2, 3, 4), css_classes=["profile-columns"]
        )
        self._found = parts.stack(
            self.facts, self._said, self.anomalies, self.columns, visible=False
        )

    async def _ask(self) -> Answer:
        """Ask for the profile, and for the same as a file."""
        chosen = {"rows": self._rows.value} | (
            {"table": self._table.value} if self._table.value else {}
        )
        answer = await self._store.profile(self._slug, chosen)
        self._report = b""
        if not isinstance(answer, Failure):
            file = await self._store.file(profiled(self._slug, chosen), "text/html")
            self._report = b"" if isinstance(file, Failure) else file
        return answer

    @param.depends("answer", watch=True)
    def _show(self) -> None:
        failed = isinstance(self.answer, Failure)
        self._problem.param.update(**parts.trouble(self.answer))
        with pn.io.hold():
            self._found.visible = not failed
            self._keep.visible = bool(self._report)
            if not failed:
                self._fill(self.answer)

    def _fill(self, told: dict[str, Any]) -> None:
        quality = told["quality"]
        self.facts.values = {
            "rows": wording.count(told["rows"]),
            "columns": wording.count(len(told["columns"])),
            "quality": wording.NOTHING if quality is None else f"{quality:.1f}",
            "anomalies": wording.count(len(told["anomalies"])),
        }
        parts.say(self._said, extent(told))
        self.anomalies.rows = [
            (one["severity"], one["kind"], one["column"] or "", one["detail"])
            for one in told["anomalies"]
        ]
        self.columns.rows = [row(one, told["rows"]) for one in told["columns"]]

    def __panel__(self) -> pmui.Paper:
        return parts.card(
            parts.heading("Profile", NOTE),
            parts.line(self._table, self._rows, self._button, self._keep),
            self._problem,
            self._found,
        )


HEADINGS = (
    *("Column", "Type", "Missing", "Different", "Shape", "Quality"),
    *("Least, quartiles, greatest", "Mean, spread", "Most frequent"),
)


def extent(told: dict[str, Any]) -> str:
    """Which rows were looked at, and how long that took."""
    seconds = told["elapsed_ms"] / 1_000
    rows = f"{wording.count(told['rows'])} of {wording.count(told['of_rows'])} rows"
    lines = [f"{rows} in {seconds:.1f} s."]
    if told["windows"]:
        recent, before = told["windows"]["recent"], told["windows"]["before"]
        lines.append(
            f"Drift: {recent['since'][:16]} to {recent['until'][:16]} UTC"
            f" against what came since {before['since'][:16]}."
        )
    return "\n".join(lines)


def row(column: dict[str, Any], rows: int) -> tuple[str, ...]:
    """A column in a line of the table; reasons against its quality below the score."""
    numbers, box, times = column["numbers"], column["box"], column["times"]
    spread = mean = ""
    if numbers and box:
        five = (numbers["minimum"], box["q1"], box["median"], box["q3"], numbers["maximum"])
        spread = ", ".join(f"{value:.4g}" for value in five)
        mean = f"{numbers['mean']:.4g}, {numbers['std'] or 0:.4g}"
    elif times:
        spread = f"{times['first'][:16]}, {times['last'][:16]}"
    quality = column["quality"]
    reasons = [f"{one['detail']} ({wording.MINUS}{one['points']:g})" for one in column["reasons"]]
    score = wording.NOTHING if quality is None else f"{quality:g}"
    top = [f"{one['value']} ({wording.percent(one['count'] / rows)})" for one in column["top"][:3]]
    return (
        column["name"],
        "\n".join(filter(None, [column["type"], column["unit"]])),
        f"{wording.count(column['nulls'])}",
        wording.count(column["distinct"]),
        shape(column["histogram"]),
        "\n".join([score, *reasons]),
        spread,
        mean,
        "\n".join(top),
    )


def shape(histogram: dict[str, Any] | None, width: int = 15) -> str:
    """A histogram in a few characters."""
    if not histogram or not histogram["counts"]:
        return ""
    counts = histogram["counts"]
    size = -(-len(counts) // width)
    sums = [sum(counts[at : at + size]) for at in range(0, len(counts), size)]
    most = max(sums) or 1
    return "".join(_BARS[-(-one * (len(_BARS) - 1) // most)] for one in sums)
