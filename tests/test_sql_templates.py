"""Every project's own SQL texts, over lakes as flows leave them, in both engines."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from api.sql.offer import setup
from api.sql.pool import Pool
from flows.projects import PROJECTS
from flows.projects.spec import Project
from scripts.bench_sql import fill
from tests.lake_rows import lake_at
from tests.sql_parts import answer, pool, values

ROWS = 400


@pytest.fixture(scope="module", params=["carried", "late"])
def queries(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pool]:
    """All projects in one lake, with labels that come with their events or later."""
    settings = lake_at(tmp_path_factory.mktemp("lake"))
    for project in PROJECTS.values():
        fill(settings, project, ROWS, request.param == "late")
    with pool(setup(settings.model_copy(update={"sql_seconds": 60.0}), PROJECTS)) as made:
        yield made


@pytest.mark.parametrize("project", PROJECTS.values(), ids=PROJECTS)
def test_both_engines_answer_alike(queries: Pool, project: Project) -> None:
    assert project.queries
    for query in project.queries:
        duckdb, polars = (
            answer(queries, query.sql, "duckdb"),
            answer(queries, query.sql, "polars"),
        )
        names = [[column.name for column in found.columns] for found in (duckdb, polars)]
        assert names[0] == names[1]
        assert (duckdb.row_count, duckdb.truncated) == (polars.row_count, polars.truncated)


@pytest.mark.parametrize("project", PROJECTS.values(), ids=PROJECTS)
def test_every_event_is_in_the_projects_view_once(queries: Pool, project: Project) -> None:
    text = f"SELECT count(*) AS n, count(DISTINCT {project.event_id}) AS ids FROM {project.slug}"
    assert values(queries, text) == values(queries, text, "polars") == [[ROWS, ROWS]]
