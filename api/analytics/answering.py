"""Does the analyses that other processes ask for."""

from __future__ import annotations

import duckdb
import msgspec

from api.analytics.asked import ChartAsked, ProfileAsked
from api.analytics.charts import chart
from api.analytics.profile import profile
from api.sql.messages import Analysis


def analyse(database: duckdb.DuckDBPyConnection, asked: Analysis) -> bytes:
    """Work the figures out and encode them. Raises SqlError and duckdb.Error."""
    decode, encode = msgspec.msgpack.decode, msgspec.msgpack.encode
    if asked.kind == "chart":
        return encode(chart(database, decode(asked.body, type=ChartAsked)))
    return encode(profile(database, decode(asked.body, type=ProfileAsked)))
