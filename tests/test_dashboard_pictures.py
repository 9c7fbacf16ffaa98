from __future__ import annotations

from typing import Any

import holoviews as hv
import pytest

from dashboard import pictures, theme
from dashboard.pictures import learning
from dashboard.pictures.learning import Learning
from dashboard.views import binary
from flows.learning.tasks.binary_metrics import BinaryMetrics
from flows.learning.tasks.binary_prediction import BinaryPrediction

pytestmark = pytest.mark.usefixtures("own_document")

POINTS = [(0.0, 0.1), (10.0, 0.3), (20.0, 0.2)]


def plot(draw: Any) -> tuple[pictures.Picture, Any]:
    picture = pictures.Picture(draw)
    return picture, hv.renderer("bokeh").get_plot(picture.map)


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    metrics = BinaryMetrics(2.0)
    for number in range(200):
        probability = number / 200
        label = int(number % 7 == 0 or number > 150)
        metrics.update(label, BinaryPrediction(probability, int(probability >= 0.4), 0.4))
    return metrics.report()


def test_axes_follow_the_data() -> None:
    picture, drawn = plot(lambda data: learning.curves(data, []))
    picture.send(Learning(champion=POINTS))
    picture.send(Learning(champion=[*POINTS, (40.0, 0.2)]))
    shown = drawn.handles["x_range"]
    assert (shown.start, shown.end) == (0, 40)


def test_zoom_survives_newer_data_and_reset_brings_it_back() -> None:
    picture, drawn = plot(lambda data: learning.curves(data, []))
    picture.send(Learning(champion=POINTS))
    shown = drawn.handles["x_range"]
    shown.update(start=5, end=15)
    picture.send(Learning(champion=[*POINTS, (40.0, 0.2)]))
    assert (shown.start, shown.end) == (5, 15)
    shown.update(start=shown.reset_start, end=shown.reset_end)
    picture.send(Learning(champion=[*POINTS, (50.0, 0.2)]))
    assert (shown.start, shown.end) == (0, 50)


def test_another_metric_forgets_the_zoom() -> None:
    picture, drawn = plot(lambda data: learning.curves(data, []))
    picture.send(Learning("F1", champion=POINTS))
    shown = drawn.handles["x_range"]
    shown.update(start=5, end=15)
    picture.send(Learning("Recall", champion=POINTS))
    assert (shown.start, shown.end) == (0, 20)


def test_picture_stays_the_same_object() -> None:
    picture, drawn = plot(lambda data: learning.curves(data, []))
    before = drawn.state
    picture.send(Learning(champion=POINTS))
    assert drawn.state is before


def test_picture_is_drawn_when_it_first_has_something_to_show() -> None:
    picture = pictures.Picture(pictures.bars, 90)
    root: Any = picture.pane.get_root()
    assert type(root.children[0]).__name__ == "Spacer"
    assert root.styles["min-height"] == "90px"
    picture.send([("amount", 0.4, theme.BAD)])
    assert root.children[0].height == 280


def test_same_data_is_not_drawn_again() -> None:
    drawings = []

    def draw(data: Any) -> Any:
        drawings.append(data)
        return pictures.bars(data)

    picture, _ = plot(draw)
    for weight in (1.0, 1.0, 2.0):
        picture.send([("amount", weight, theme.BAD)])
    assert [rows and rows[0][1] for rows in drawings] == [None, 1.0, 2.0]


def test_bars_are_ordered_by_weight() -> None:
    rows = pictures.bars([("large", -2.0, theme.GOOD), ("small", 0.1, theme.BAD)]).dframe()
    assert list(rows["feature"]) == ["small", "large"]
    assert list(rows["color"]) == [theme.BAD, theme.GOOD]


def test_confusion_matrix_shows_counts_and_shares(report: dict[str, Any]) -> None:
    shares, texts = binary.confusion_matrix({"tn": 900, "fp": 100, "fn": 1, "tp": 3, "total": 1004})
    by_cell = {(row.column, row.row): row.share for row in shares.dframe().itertuples()}
    assert by_cell["said positive", "is negative"] == 0.1
    assert by_cell["said positive", "is positive"] == 0.75
    assert sorted(texts.dframe()["text"]) == ["1", "100", "3", "900"]
    assert report["confusion_matrix"]["total"] == 200


def test_class_table_shows_every_class_with_its_events(report: dict[str, Any]) -> None:
    texts = binary.class_table(report["classification_report"]).values()[1].dframe()
    events = texts[texts["column"] == "events"].set_index("row")["text"]
    matrix = report["confusion_matrix"]
    assert events["positive"] == str(matrix["tp"] + matrix["fn"])
    assert len(texts) == 12


def test_threshold_curve_marks_the_models_own(report: dict[str, Any]) -> None:
    *lines, own = binary.threshold_curve(report).values()
    assert [line.label for line in lines] == ["precision", "recall", "F2"]
    assert own.data == 0.4


def test_reliability_shows_every_bin(report: dict[str, Any]) -> None:
    dots = binary.reliability(report["reliability"]).values()[-1]
    assert sum(dots.dframe()["events"]) == 200


@pytest.mark.parametrize(
    "name", ["confusion_matrix", "class_table", "reliability", "threshold_curve"]
)
def test_picture_of_nothing_can_be_filled_later(name: str, report: dict[str, Any]) -> None:
    picture, drawn = plot(getattr(binary, name))
    keys = {"class_table": "classification_report", "threshold_curve": None}
    key = keys.get(name, name)
    picture.send(report[key] if key else report)
    assert drawn.current_frame is not None


def test_bars_of_nothing_can_be_filled_later() -> None:
    picture, drawn = plot(pictures.bars)
    picture.send([("amount", 0.4, theme.BAD), ("hour", -0.1, theme.GOOD)])
    assert list(drawn.handles["y_range"].factors) == ["hour", "amount"]
