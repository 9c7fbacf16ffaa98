"""Clustering: which kinds there are, and which one an event is."""
# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import panel_material_ui as pmui
import param

from dashboard import pictures, theme, wording
from dashboard.pictures import clustering as drawn
from dashboard.views import parts
from dashboard.views.choice import Choice
from dashboard.views.tasks import TaskView, Verdict

CLEAR, BLURRED = 0.5, 0.2


class ClusteringReport(TaskView):
    """A map of the clusters, their sizes, and what their members are like."""

    primary = (
        "Silhouette",
        "RollingSilhouette",
        "n_clusters",
        "n_micro_clusters",
        "RiverSilhouette",
    )
    secondary = ("TimeRollingSilhouette",)

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._map = pictures.Picture(drawn.cluster_map, drawn.HIGH)
        self._sizes = pictures.Picture(drawn.sizes, drawn.HIGH)
        self._features = pictures.Picture(drawn.features, drawn.TALL)
        self._categories = pictures.Picture(lambda data: drawn.categories(*(data or (None, None))))
        self.by = Choice("Category")
        self.by.param.watch(self._show_category, "value")

    @param.depends("report", watch=True)
    def _show(self) -> None:
        clusters = self.report.get("clusters")
        self._map.send(clusters)
        self._sizes.send(self.report.get("cluster_counts"))
        self._features.send(clusters)
        self.by.offer_words(sorted({name for one in clusters or [] for name in one["categories"]}))
        self._show_category()

    def _show_category(self, _event: Any = None) -> None:
        self._categories.send((self.report.get("clusters"), self.by.value))

    def wide(self) -> list[Any]:
        pair = [
            parts.card(parts.heading("Map of the clusters", drawn.MAP_NOTE), self._map.pane),
            parts.card(parts.heading("Sizes", drawn.SIZE_NOTE), self._sizes.pane),
        ]
        heading = parts.heading("Features by cluster", drawn.FEATURE_NOTE)
        title = parts.titled("Categories by cluster", drawn.CATEGORY_NOTE, self.by)
        return [
            parts.columns(*pair, widths={"xs": 1, "md": 2}),
            parts.card(heading, self._features.pane),
            parts.card(title, self._categories.pane),
        ]


class ClusterVerdict(Verdict):
    """The cluster's name, how well the event fits it, and what its members are like."""

    reasons_note = "What speaks for this cluster rather than the next, and what against it."
    more, less = theme.GOOD, theme.BAD

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._name = parts.figure(size="h5", css_classes=["value"])
        self._fit = pmui.Chip("", margin=0, size="small", css_classes=["fit"])
        self._portrait = parts.quiet()
        self._distances = pictures.Picture(drawn.distances, drawn.LOW)

    @param.depends("answer", watch=True)
    def _show(self) -> None:
        if self.answer is None:
            return
        label, color = _fit(self.answer)
        parts.say(self._name, self.answer["name"])
        self._fit.param.update(label=label, color=color)
        parts.say(self._portrait, self._told(self.answer))
        self._distances.send(self.answer)

    def _told(self, answer: dict[str, Any]) -> str:
        number, total = answer["cluster"], answer["clusters"]
        lines = [f"Cluster number {number}; there are {total} now."]
        for one in self.report.get("clusters") or []:
            if one["cluster"] == number:
                lines.append(f"{wording.percent(one['share'])} of all belong to it.")
        return "\n".join(lines)

    def brief(self, prediction: dict[str, Any]) -> tuple[str, float]:
        """The cluster's name, and how far the event is from its centre."""
        distance = float(prediction["distance"])
        return f"{prediction['name']}, {distance:.2f} away", distance

    def weight(self, value: float) -> str:
        """One reason's part in the distance to the next cluster."""
        return wording.signed(wording.percent(value)) if abs(value) >= 0.001 else "0 %"

    def __panel__(self) -> pmui.Column:
        head = parts.line(self._name, self._fit, sx={"flexWrap": "nowrap"})
        return parts.stack(head, self._portrait, self._distances.pane, gap=1)


def _fit(answer: dict[str, Any]) -> tuple[str, str]:
    """How clearly an event belongs to its cluster, in words and as a colour."""
    own, other = answer["distance"], answer["second_distance"]
    if other is None:
        return "the only one", "default"
    clear = (other - own) / other if other else 0.0
    if clear >= CLEAR:
        return "clear", "success"
    return ("rather clear", "primary") if clear >= BLURRED else ("in between", "warning")
