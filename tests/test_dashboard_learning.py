"""The learning curve: challengers beside the champion, and marks where the stream changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import holoviews as hv
import pytest

from dashboard import pictures
from dashboard.pictures import learning

ALARM = {"watched": "error", "before": 0.2, "after": 0.5, "events_learned": 20, "time": 0.0}


def test_challengers_and_alarms_are_on_the_curve() -> None:
    points = [(0.0, 0.1), (10.0, 0.2), (20.0, 0.4)]
    told = learning.Learning("F1", learning.X, points, {"rule": points[1:]}, [(20.0, ALARM)])
    _, lines, rival, own, _, dots = learning.curves(told, ["rule"]).values()
    assert (rival.label, len(rival), len(own)) == ("rule", 2, 3)
    assert list(dots.dimension_values("value")) == [0.4]
    assert "errors rose from 0.200 to 0.500" in dots.dimension_values("text")[0]
    assert len(lines) == 1


def test_alarms_beyond_the_curve_are_not_drawn() -> None:
    told = learning.Learning("F1", learning.X, [(0.0, 0.1), (10.0, 0.2)], {}, [(20.0, ALARM)])
    assert len(learning.curves(told, []).values()[-1]) == 0


def test_changes_of_the_stream_are_marked_otherwise_than_alarms() -> None:
    points = [(0.0, 0.1), (10.0, 0.2), (20.0, 0.4)]
    told = learning.Learning(
        "F1", learning.X, points, {}, [(20.0, ALARM)], [(10.0, "a drift"), (10.0, "an attack")]
    )
    lines, _, own, marks, rung = learning.curves(told, []).values()
    assert [len(each) for each in (lines, marks, rung)] == [1, 1, 1]
    assert list(marks.dimension_values("value")) == [0.2]
    assert list(marks.dimension_values("text")) == ["a drift; an attack"]
    assert [each.label for each in (own, marks, rung)] == [
        "model", "change", "alarm",
    ]  # fmt: skip


@pytest.mark.usefixtures("own_document")
def test_legend_names_what_is_on_the_picture() -> None:
    picture = pictures.Picture(lambda data: learning.curves(data, ["rule"]))
    plot = hv.renderer("bokeh").get_plot(picture.map)
    picture.send(learning.Learning("F1", learning.X, [(0.0, 0.1), (9.0, 0.2)], {}, [(9.0, ALARM)]))
    named = {item.label.value for item in plot.handles["plot"].legend[0].items if item.visible}
    assert named == {"model", "alarm"}
    changed = learning.Learning("F1", learning.X, [(0.0, 0.1)], {"rule": [(0.0, 0.2)]})
    picture.send(replace(changed, changes=[(0.0, "a drift")]))
    named = {item.label.value for item in plot.handles["plot"].legend[0].items if item.visible}
    assert named == {"rule", "model", "change"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"before": 0.5, "after": 0.2}, "errors fell from 0.500 to 0.200"),
        ({"watched": "driver", "before": "a", "after": "b"}, "driver moved from a to b"),
        ({"watched": "device_os", "before": "a", "after": "a"}, "device OS came in other shares"),
        ({"before": None, "after": 0.3}, "errors came in other shares"),
    ],
)
def test_alarm_is_told_in_words(change: dict[str, Any], words: str) -> None:
    assert learning.sentence({**ALARM, **change}).startswith(words)


@pytest.mark.usefixtures("own_document")
def test_curve_over_time_reads_as_clock_times() -> None:
    picture = pictures.Picture(lambda data: learning.curves(data, ["rule"]))
    plot = hv.renderer("bokeh").get_plot(picture.map)
    formatters = []
    for over in (learning.X, learning.TIME, learning.X):
        picture.send(learning.Learning("F1", over, [(0.0, 0.1), (1e12, 0.2)]))
        formatters.append(type(plot.handles["xaxis"].formatter).__name__)
    assert formatters == ["NumeralTickFormatter", "DatetimeTickFormatter", "NumeralTickFormatter"]


@pytest.mark.usefixtures("own_document")
def test_another_axis_forgets_the_zoom() -> None:
    picture = pictures.Picture(lambda data: learning.curves(data, []))
    plot = hv.renderer("bokeh").get_plot(picture.map)
    picture.send(learning.Learning("F1", learning.X, [(0.0, 0.1), (20.0, 0.2)]))
    plot.handles["x_range"].update(start=5, end=15)
    picture.send(learning.Learning("F1", learning.TIME, [(1e12, 0.1), (2e12, 0.2)]))
    assert plot.handles["x_range"].end == 2e12
