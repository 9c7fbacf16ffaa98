# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dashboard.client import Client, Failure
from dashboard.store import Store
from dashboard.views import console
from dashboard.views.editor import Editor
from dashboard.views.rows import Rows, containing, frame
from dashboard.views.sql import Sql
from dashboard.views.table import Table
from flows.projects import fraud
from scripts.local.ports import free_port

# Panel's table uses what pandas will drop.
pytestmark = pytest.mark.filterwarnings("ignore:The inplace keyword:Warning")

ANSWER: dict[str, Any] = {
    "engine": "duckdb",
    "columns": [{"name": name, "type": "VARCHAR"} for name in ("city", "n", "n", "where")],
    "rows": [["Rome", 1, 2, {"lat": 1.5}], ["Oslo", 3, None, None]],
    "row_count": 2,
    "truncated": True,
    "elapsed_ms": 12.4,
    "tables": [{"name": "payments", "version": 7}],
}
TABLES = [
    {"name": name, "summary": "Events", "columns": [{"name": "amount", "type": "DOUBLE"}]}
    for name in ("fraud", "fraud_events", "sales")
]


@pytest.fixture
def view() -> Sql:
    return Sql(fraud.PROJECT, Store(Client(f"http://127.0.0.1:{free_port()}")))


def test_rows_keep_their_order_and_columns_of_one_name_are_told_apart() -> None:
    rows = frame(ANSWER)
    assert list(rows.columns) == ["city", "n", "n 2", "where"]
    assert list(rows["city"]) == ["Rome", "Oslo"]
    assert rows["where"][0] == '{"lat": 1.5}'


@pytest.mark.parametrize(("search", "cities"), [("", 2), ("ROM", 1), ("3", 1), ("nowhere", 0)])
def test_search_leaves_rows_that_contain_it(search: str, cities: int) -> None:
    assert len(containing(frame(ANSWER), search)) == cities


def test_search_narrows_the_table_but_not_the_file() -> None:
    rows = Rows(answer=None)
    rows.answer = ANSWER
    rows.search = "oslo"
    assert list(rows._table.value["city"]) == ["Oslo"]
    assert "1 contain it." in rows._left.object
    assert rows.csv.splitlines()[1:] == ['Rome,1,2.0,"{""lat"": 1.5}"', "Oslo,3,,"]


def test_another_answer_has_its_own_columns_and_no_search() -> None:
    rows = Rows()
    rows.answer = ANSWER
    rows.search = "oslo"
    rows.answer = ANSWER | {"columns": [{"name": "n", "type": "BIGINT"}], "rows": [[1]]}
    assert list(rows._table.value.columns) == ["n"]
    assert rows.search == ""
    assert rows._body.objects == [rows._table]


def test_answer_says_how_many_how_fast_and_whether_there_are_more(view: Sql) -> None:
    view.answer = ANSWER
    assert "2 rows in 12 ms by DuckDB." in view._said.object
    assert "Truncated" in view._said.object
    assert "payments at version 7" in view._said.object
    assert view._csv.visible
    assert view._file().getvalue().startswith("city,n")


def test_whole_answer_is_not_called_truncated() -> None:
    told = console.told(ANSWER | {"truncated": False, "row_count": 1, "tables": []})
    assert told == "1 row in 12 ms by DuckDB."


@pytest.mark.parametrize(
    ("title", "detail"),
    [
        ("The query cannot be run", "Parser Error: at or near"),
        ("The query took too long", "the query took longer than 10 s; read fewer rows"),
    ],
)
def test_failed_query_shows_its_reason_and_no_rows(view: Sql, title: str, detail: str) -> None:
    view.answer = ANSWER
    view.answer = Failure(422, title, detail)
    assert (view._problem.title, view._problem.message) == (title, detail)
    assert not view._csv.visible
    assert not view.rows._body.visible
    view.answer = ANSWER
    assert view._problem.title == ""
    assert view.rows._body.visible


def test_template_is_a_start(view: Sql) -> None:
    assert view.editor.value == fraud.PROJECT.queries[0].sql
    view._template.value = fraud.PROJECT.queries[-1].sql
    assert view.editor.value == fraud.PROJECT.queries[-1].sql


def test_key_in_the_editor_takes_its_text_over_and_runs_it() -> None:
    editor, runs = Editor(value="SELECT 1"), list[str]()
    editor.param.watch(lambda _event: runs.append(editor.value), "runs")
    editor._handle_msg("SELECT 2")
    editor._handle_msg("SELECT 2")
    assert runs == ["SELECT 2", "SELECT 2"]


def test_query_of_an_api_that_is_away_says_so(view: Sql) -> None:
    asyncio.run(view.run())
    assert "does not answer" in view._problem.title


def test_tables_of_the_project_are_listed(view: Sql) -> None:
    view.tables = {"tables": TABLES}
    assert [row[0] for row in view._known.rows] == ["fraud", "fraud_events"]
    assert view._known.rows[0][2] == "amount DOUBLE"
    view.tables = {"tables": TABLES[2:]}
    assert "No tables yet" in view._missing.message
    view.tables = Failure(503, "A store does not answer", "the lake is away")
    assert view._missing.message == "the lake is away"


def test_table_shows_texts_as_they_are() -> None:
    table = Table("Things", ("Name", "Count"), (1,), "None yet.")
    assert "None yet." in table.html
    table.rows = [("<b>", "1\n2")]
    assert "<td>&lt;b&gt;</td><td class=number>1<br>2</td>" in table.html
    assert "aria-label='Things'" in table.html
