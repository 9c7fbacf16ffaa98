"""SQL over the lake's tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, cast

import msgspec
from fastapi import APIRouter, HTTPException, Request, Response
from msgspec import Meta

from api.answers import Json, SqlAnswer, SqlTables
from api.bodies import InvalidBody, decode
from api.deps import BodyDep, InstrumentsDep, PlatformDep
from api.openapi import accepts, returns
from api.sql.messages import Engine, Format, Listing, Query, Rows, Tables

router = APIRouter(prefix="/sql", tags=["sql"])

MEDIA_TYPES: Mapping[str, Format] = {
    "application/json": "json",
    "text/csv": "csv",
    "application/vnd.apache.arrow.stream": "arrow",
}
_OTHERS = {name: {"schema": {"type": "string"}} for name in list(MEDIA_TYPES)[1:]}


class NewQuery(msgspec.Struct, frozen=True):
    """One SELECT, or EXPLAIN of one, over the tables that GET /sql/tables lists. The answer has at
    most `limit` rows, and says whether there were more."""

    query: Annotated[str, Meta(min_length=1, max_length=20_000)]
    engine: Engine = "duckdb"
    limit: Annotated[int, Meta(ge=1, le=2**31)] = 100


def _described() -> dict[int | str, dict[str, object]]:
    described = returns(SqlAnswer)
    described[200]["content"] |= _OTHERS
    return described


@router.post("", responses=_described(), openapi_extra=accepts(NewQuery))
def run_query(
    platform: PlatformDep, instruments: InstrumentsDep, request: Request, body: BodyDep
) -> Response:
    """Run a query; `Accept` chooses between JSON, CSV and Arrow's stream format."""
    new = decode(body, NewQuery)
    most = platform.settings.sql_rows
    if new.limit > most:
        raise InvalidBody("limit", f"{new.limit} is more than the {most} rows an answer may have")
    media_type = _media_type(request.headers.get("accept", ""))
    query = Query(
        text=new.query, engine=new.engine, limit=new.limit, format=MEDIA_TYPES[media_type]
    )
    with instruments.query(new.engine):
        rows = cast(Rows, platform.sql.ask(query))
    return Response(rows.body, 200, _headers(rows), media_type)


@router.get("/tables", responses=returns(SqlTables))
def list_tables(platform: PlatformDep) -> Json:
    """List what can be queried, with columns, types as DuckDB names them, and versions."""
    return Json(SqlTables(cast(Listing, platform.sql.ask(Tables())).tables))


def _media_type(accept: str) -> str:
    """The first type in the order of the header that can be given; JSON if it names none."""
    wanted = [part.partition(";")[0].strip().lower() for part in accept.split(",")]
    for name in wanted:
        if name in MEDIA_TYPES:
            return name
        if name in ("", "*/*", "application/*"):
            return "application/json"
        if name == "text/*":
            return "text/csv"
    raise HTTPException(406, f"{accept!r} cannot be given; accept {', '.join(MEDIA_TYPES)}")


def _headers(rows: Rows) -> dict[str, str]:
    """What the JSON answer says of itself, for the other formats."""
    return {
        "Cache-Control": "no-store",
        "Vary": "Accept",
        "X-Row-Count": str(rows.row_count),
        "X-Truncated": str(rows.truncated).lower(),
        "X-Elapsed-Ms": str(rows.elapsed_ms),
        "X-Table-Versions": ", ".join(f"{table.name}={table.version}" for table in rows.tables),
    }
