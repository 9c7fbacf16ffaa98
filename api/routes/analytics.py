"""What a project's rows are like."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, cast

import msgspec
from fastapi import APIRouter, HTTPException, Query, Request, Response

from api.analytics.asked import ChartAsked, Expected, ProfileAsked, Rows
from api.analytics.charted import Chart, ChartFigures, How
from api.analytics.figures import Profile
from api.analytics.report import POLICY, report
from api.answers import Json
from api.deps import InstrumentsDep, PlatformDep, ServedDep
from api.drawing import MEDIA_TYPES
from api.instruments import Instruments
from api.openapi import returns
from api.platform import Platform
from api.sql.messages import Analysis, Figures
from flows.projects.forms import form_fields
from flows.projects.spec import Project

router = APIRouter(prefix="/projects/{project}", tags=["analytics"])

MOST_ROWS = 2_000_000
JSON, HTML = "application/json", "text/html"
SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
ARRIVAL = "kafka_time"

Part = Literal["events", "predictions", "outcomes", "labels"]
RowCount = Annotated[int, Query(ge=1, le=MOST_ROWS, description="How many of the newest rows")]
Since = Annotated[datetime | None, Query(description="No rows older than this; UTC unless it says")]
Table = Annotated[
    Part | None, Query(description="One of the project's other tables; else events with labels")
]


PICTURE = "flows.pictures.charts.chart"

ColumnName = Annotated[str | None, Query(max_length=200, description="A column, dotted if nested")]
XName = Annotated[str, Query(max_length=200, description="The column along x")]
KindOfChart = Annotated[Chart, Query(description="What is drawn")]
HowTold = Annotated[How, Query(description="What is made of the values that come together")]


def _described(kind: type[msgspec.Struct], *others: str) -> dict[int | str, dict[str, object]]:
    described = returns(kind)
    described[200]["content"] |= {name: {"schema": {"type": "string"}} for name in others}
    return described


@router.get("/profile", responses=_described(Profile, HTML))
def get_profile(
    platform: PlatformDep,
    served: ServedDep,
    instruments: InstrumentsDep,
    request: Request,
    rows: RowCount = MOST_ROWS,
    since: Since = None,
    table: Table = None,
) -> Response:
    """Profile the newest rows; `Accept` chooses between JSON and one HTML file to keep."""
    media_type = chosen(request.headers.get("accept", ""), (JSON, HTML))
    project = served.project
    asked = ProfileAsked(
        rows=wanted(project, table, rows, since),
        identity=project.event_id if table in (None, "events", "predictions") else None,
        expected=_expected(project),
    )
    figures = _figures(platform, instruments, "profile", asked, media_type)
    found = msgspec.msgpack.decode(figures.body, type=Profile)
    profile = msgspec.structs.replace(found, tables=figures.tables)
    if media_type == JSON:
        answer: Response = Json(profile)
    else:
        answer = Response(
            report(profile, project.title), media_type=HTML, headers=_headers(project)
        )
    answer.headers["Vary"] = "Accept"
    return answer


@router.get("/chart", responses=_described(ChartFigures, *MEDIA_TYPES))
def get_chart(
    platform: PlatformDep,
    served: ServedDep,
    instruments: InstrumentsDep,
    request: Request,
    kind: KindOfChart,
    x: XName,
    y: ColumnName = None,
    colour: ColumnName = None,
    facet: ColumnName = None,
    how: HowTold = "count",
    rows: RowCount = MOST_ROWS,
    since: Since = None,
    table: Table = None,
) -> Response:
    """Draw the newest rows; `Accept` chooses between the figures as JSON, PNG and SVG.

    Of a heat map, `colour` is what cells are coloured by."""
    media_type = chosen(request.headers.get("accept", ""), (JSON, *MEDIA_TYPES))
    project = served.project
    asked = ChartAsked(
        rows=wanted(project, table, rows, since),
        kind=kind,
        x=x,
        y=y or None,
        colour=colour or None,
        facet=facet or None,
        how=how,
        units={field.path: field.unit for field in form_fields(project.event) if field.unit},
    )
    figures = _figures(platform, instruments, "chart", asked, media_type)
    found = msgspec.msgpack.decode(figures.body, type=ChartFigures)
    told = msgspec.structs.replace(found, tables=figures.tables)
    if media_type == JSON:
        return Json(told)
    drawn = platform.drawer.draw(PICTURE, told, MEDIA_TYPES[media_type])
    headers = {"Cache-Control": "no-store", "Vary": "Accept", "Content-Security-Policy": SANDBOX}
    return Response(drawn, media_type=media_type, headers=headers)


def _figures(
    platform: Platform,
    instruments: Instruments,
    kind: Literal["profile", "chart"],
    asked: ProfileAsked | ChartAsked,
    media_type: str,
) -> Figures:
    """Work figures out; for files and pictures, those that were told a moment ago will do."""
    analysis = Analysis(
        kind=kind,
        view=asked.rows.view.lower(),
        body=msgspec.msgpack.encode(asked),
        seconds=platform.settings.analytics_seconds,
    )
    known = None if media_type == JSON else platform.figures.get(analysis)
    if known is None:
        with instruments.query("duckdb"):
            known = cast(Figures, platform.sql.ask(analysis))
        platform.figures.put(analysis, known)
    return known


def wanted(project: Project, part: Part | None, most: int, since: datetime | None) -> Rows:
    """Which rows of a project to look at."""
    view = project.slug if part is None else f"{project.slug}_{part}"
    own = part in (None, "events", "predictions")
    return Rows(
        view=view,
        plain=f"{project.slug}_events" if part is None else view,
        time=project.time if own else ARRIVAL,
        most=most,
        since=None if since is None else _utc(since),
    )


def chosen(accept: str, offered: Sequence[str]) -> str:
    """The first type in the order of the header that is offered; the first offered if it names
    none. Raises HTTPException."""
    for part in accept.split(","):
        name = part.partition(";")[0].strip().lower()
        if name in offered:
            return name
        family = name.removesuffix("*") if name.endswith("/*") and name != "*/*" else ""
        if name in ("", "*/*"):
            return offered[0]
        if family and (found := next((one for one in offered if one.startswith(family)), "")):
            return found
    raise HTTPException(406, f"{accept!r} cannot be given; accept {', '.join(offered)}")


def _utc(time: datetime) -> datetime:
    try:
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise HTTPException(422, f"since: {time.isoformat()} is no time that UTC has") from None


def _expected(project: Project) -> list[Expected]:
    return [
        Expected(
            path=field.path,
            unit=field.unit,
            minimum=field.minimum,
            maximum=field.maximum,
            choices=field.choices,
        )
        for field in form_fields(project.event)
    ]


def _headers(project: Project) -> dict[str, str]:
    name = f"{project.slug}-profile.html"
    return {
        "Cache-Control": "no-store",
        "Vary": "Accept",
        "Content-Disposition": f'inline; filename="{name}"',
        "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
    }
