"""Pictures drawn in a process of their own."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, get_args
from xml.etree import ElementTree

import msgspec
import pytest

from api.analytics.asked import ChartAsked, Rows
from api.analytics.charted import Chart
from api.analytics.charts import chart
from api.drawing import Drawer, DrawingError
from tests.analytics_rows import database
from tests.test_analytics_charts import ALL, MANY

PICTURE = "flows.pictures.charts.chart"


@pytest.fixture(scope="module")
def drawer() -> Iterator[Drawer]:
    made = Drawer()
    yield made
    made.stop()


def figures(kind: Chart, most: int = 1_000_000, **changes: Any) -> dict[str, Any]:
    """What the API would tell of a chart."""
    rows = Rows(view="sales", plain="sales", time="time", most=most)
    with database(MANY) as made:
        found = chart(made, ChartAsked(rows=rows, kind=kind, **{**ALL[kind], **changes}))
    return msgspec.to_builtins(found)  # type: ignore[no-any-return]


def size(picture: bytes) -> tuple[int, int]:
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


@pytest.mark.parametrize("kind", get_args(Chart))
def test_every_kind_of_chart_is_drawn(drawer: Drawer, kind: Chart) -> None:
    picture = drawer.draw(PICTURE, figures(kind), "png")
    width, height = size(picture)
    assert 400 < height < width < 1_400
    assert len(picture) > 5_000


@pytest.mark.parametrize("changes", [{}, {"colour": None}, {"colour": "width"}])
def test_few_points_are_drawn_one_by_one(drawer: Drawer, changes: dict[str, Any]) -> None:
    told = figures("scatter", most=300, **changes)
    assert told["exact"]
    assert size(drawer.draw(PICTURE, told, "png"))


def test_facets_stand_beside_each_other(drawer: Drawer) -> None:
    whole = size(drawer.draw(PICTURE, figures("box"), "png"))
    split = size(drawer.draw(PICTURE, figures("box", facet="few"), "png"))
    assert split[0] > whole[0]
    assert split[1] > whole[1]


def test_vectors_are_the_same_each_time_and_load_nothing(drawer: Drawer) -> None:
    told = figures("bar")
    text = drawer.draw(PICTURE, told, "svg")
    assert text == drawer.draw(PICTURE, told, "svg")
    root = ElementTree.fromstring(text)  # noqa: S314 - our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert b"<script" not in text
    assert b"<!DOCTYPE" not in text or b"SYSTEM" not in text
    links = {value for one in root.iter() for key, value in one.items() if key.endswith("href")}
    assert all(link.startswith("#") for link in links)


def test_a_chart_of_nothing_is_drawn(drawer: Drawer) -> None:
    for kind in get_args(Chart):
        told = figures(kind)
        empty = {**told, "data": {name: [] for name in told["data"]}}
        assert size(drawer.draw(PICTURE, empty, "png"))


def test_what_cannot_be_drawn_is_told_and_the_next_is_drawn(drawer: Drawer) -> None:
    with pytest.raises(DrawingError, match="KeyError"):
        drawer.draw(PICTURE, {"kind": "sculpture"}, "png")
    assert size(drawer.draw(PICTURE, figures("pie"), "png"))


def test_a_picture_that_takes_too_long_ends_its_process_and_another_starts() -> None:
    drawer = Drawer(0.0)
    try:
        with pytest.raises(DrawingError, match="longer than"):
            drawer.draw(PICTURE, figures("pie"), "png")
        assert drawer._process is None
    finally:
        drawer.stop()
