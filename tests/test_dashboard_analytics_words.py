"""What the Analytics tab says of the API's answers."""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import json
from typing import Any, get_args

import holoviews as hv
import pytest

from api.analytics.charted import Chart
from api.analytics.kept import MOST, SECONDS, Kept
from api.sql.messages import Analysis, Figures
from dashboard.client import Client, Failure
from dashboard.pictures.charts import shown
from dashboard.store import Store
from dashboard.views import charting, profiling
from dashboard.views.analytics import Analytics
from dashboard.views.charting import Charting
from dashboard.views.choices import Choices
from flows.projects import fraud, interactions
from scripts.local.ports import free_port
from tests.test_drawing import figures

COLUMNS = [
    {"name": "amount", "type": "DOUBLE"},
    {"name": "location", "type": "STRUCT(lat DOUBLE, lon DOUBLE)"},
]
TABLES = {"tables": [{"name": "fraud", "summary": "Events", "columns": COLUMNS}]}
COLUMN: dict[str, Any] = {
    "name": "amount",
    "type": "DOUBLE",
    "unit": "EUR",
    "nulls": 1_200,
    "distinct": 3,
    "quality": 97.5,
    "reasons": [{"points": 2.5, "detail": "1 value is missing"}],
    "numbers": {"minimum": 0.0, "maximum": 10.0, "mean": 2.0, "std": None},
    "box": {"q1": 1.0, "median": 2.0, "q3": 3.0},
    "times": None,
    "histogram": {"counts": [0, 1, 8, 0]},
    "top": [{"value": "a", "count": 1}, {"value": "b", "count": 1}],
}
TOLD: dict[str, Any] = {
    "rows": 2,
    "of_rows": 2_000,
    "quality": None,
    "elapsed_ms": 1_250.0,
    "windows": None,
    "columns": [COLUMN],
    "anomalies": [{"severity": "high", "kind": "value", "column": None, "detail": "odd"}],
}


@pytest.fixture
def store() -> Store:
    return Store(Client(f"http://127.0.0.1:{free_port()}"))


@pytest.fixture
def tab(store: Store) -> Analytics:
    made = Analytics(fraud.PROJECT, store)
    made.tables = TABLES
    return made


def test_a_column_is_told_in_a_line() -> None:
    assert profiling.row(COLUMN, 2) == (
        "amount",
        "DOUBLE\nEUR",
        "1\u202f200",
        "3",
        "▁▂█▁",
        "97.5\n1 value is missing (\u22122.5)",
        "0, 1, 2, 3, 10",
        "2, 0",
        "a (50.0 %)\nb (50.0 %)",
    )


def test_a_column_of_times_tells_its_ends() -> None:
    times = {"first": "2026-01-01T00:00:00Z", "last": "2026-01-02T03:04:05Z"}
    told = profiling.row(COLUMN | {"numbers": None, "box": None, "times": times}, 2)
    assert told[6] == "2026-01-01T00:00, 2026-01-02T03:04"


@pytest.mark.parametrize(
    ("counts", "shape"),
    [([], "▁"), ([0], "▁"), ([5], "█"), ([1, 7, 100], "▂▂█"), ([1] * 30, "█" * 15)],
)
def test_shape_is_the_histogram_in_few_characters(counts: list[int], shape: str) -> None:
    told = profiling.shape({"counts": counts})
    assert told == (shape if counts else "")
    assert profiling.shape(None) == ""


def test_profile_is_shown_or_why_there_is_none(tab: Analytics) -> None:
    tab.profiling.answer = TOLD
    assert tab.profiling.facts.values["anomalies"] == "1"
    assert tab.profiling.facts.values["quality"] == "—"
    assert tab.profiling.anomalies.rows == [("high", "value", "", "odd")]
    assert len(tab.profiling.columns.rows) == 1
    assert "2 of 2\u202f000 rows in 1.2 s." in tab.profiling._said.object
    tab.profiling.answer = Failure(422, "The query took too long", "read fewer rows")
    assert tab.profiling._problem.message == "read fewer rows"
    assert not tab.profiling._found.visible


def test_tables_are_those_that_a_project_has(store: Store) -> None:
    assert "Labels" in Analytics(fraud.PROJECT, store).profiling._table.options
    assert "Labels" not in Analytics(interactions.PROJECT, store).profiling._table.options


def test_columns_are_offered_to_charts_and_queries(tab: Analytics) -> None:
    names = ["amount", "location.lat", "location.lon"]
    options = {name: [value for value, _ in found] for name, _, found in tab.charting.form.fields}
    assert options["x"] == names
    assert options["colour"] == ["", *names]
    assert tab.querying.builder.offered == [[name, "number"] for name in names]
    assert tab.querying.editor.value == 'SELECT *\nFROM "fraud"\nLIMIT 100'


def test_no_rows_yet_is_said(store: Store) -> None:
    made = Analytics(fraud.PROJECT, store)
    made.tables = {"tables": []}
    assert "No rows yet" in made._missing.message
    made.tables = Failure(503, "A store does not answer", "the lake is away")
    assert made._missing.message == "the lake is away"


def test_what_is_clicked_becomes_sql_or_says_what_lacks(tab: Analytics) -> None:
    value = {
        "columns": [{"name": "location.lat", "function": "max"}],
        "filters": [{"column": "amount", "operator": ">", "value": "many"}],
        "orders": [],
        "limit": 5,
    }
    tab.querying.builder.value = json.dumps(value)
    assert "that is no number" in tab.querying._unmade.message
    assert tab.querying.editor.value.startswith("SELECT *")
    value["filters"][0]["value"] = "3"  # type: ignore[index]
    tab.querying.builder.value = json.dumps(value)
    assert tab.querying._unmade.message == ""
    assert tab.querying.editor.value.splitlines()[2] == 'WHERE "amount" > 3'


def test_address_names_the_chart(store: Store) -> None:
    made = Analytics(fraud.PROJECT, store, chart="kind=pie&x=location.lat&how=sum&y=amount")
    made.tables = TABLES
    asyncio.run(made.charting.refresh())
    values = made.charting.form.chosen
    assert (values["kind"], values["x"], values["y"]) == ("pie", "location.lat", "amount")
    assert values["colour"] == ""
    assert "does not answer" in made.charting._problem.title
    assert made.chart == made.charting.chart == "kind=pie&x=location.lat&how=sum&y=amount"


def test_what_cannot_be_chosen_is_the_first_that_can() -> None:
    form = Choices(fields=charting.fields(["a", "b"]), value='{"x": "b", "y": "c", "how": "sum"}')
    assert form.chosen == {
        "kind": "bar",
        "x": "b",
        "y": "",
        "colour": "",
        "facet": "",
        "how": "sum",
    }
    form.choose({"y": "a"})
    assert json.loads(form.value)["y"] == "a"


def test_link_opens_the_chart_and_is_only_a_link() -> None:
    told = charting.link("kind=bar&x=a'><script>")
    assert told.startswith("<a href='?tab=analytics&amp;chart=kind%3Dbar%26x%3Da%27%3E%3Cscript")
    assert "<script" not in told


@pytest.mark.parametrize("kind", get_args(Chart))
def test_every_kind_of_chart_is_drawn_in_a_browser(own_document: None, kind: Chart) -> None:  # noqa: ARG001
    told = figures(kind)
    hv.renderer("bokeh").get_plot(shown(told))
    said = charting.told(told)
    assert f"by {told['x']['name']}" in said
    assert "20\u202f000 rows in" in said


def test_a_facet_is_a_chart_for_each(own_document: None, store: Store) -> None:  # noqa: ARG001
    drawn = shown(figures("bar", facet="few"))
    assert len(drawn) == 3
    view = Charting("fraud", store)
    view.answer = figures("bar", facet="few")
    assert view._figure.visible


def test_figures_are_kept_a_moment_for_their_other_forms() -> None:
    now = [0.0]
    kept = Kept(lambda: now[0])
    asked = [Analysis(kind="chart", view="v", body=bytes([n]), seconds=1) for n in range(MOST + 1)]
    told = Figures(body=b"told", tables=[])
    for one in asked:
        kept.put(one, told)
    assert kept.get(asked[0]) is None
    assert kept.get(asked[-1]) is told
    now[0] = SECONDS
    assert kept.get(asked[-1]) is None
