"""Does the analyses that other processes ask for."""

from __future__ import annotations

import duckdb
import msgspec

from api.analytics.asked import ProfileAsked
from api.analytics.profile import profile
from api.sql.messages import Analysis


def analyse(database: duckdb.DuckDBPyConnection, asked: Analysis) -> bytes:
    """Work the figures out and encode them. Raises duckdb.Error."""
    wanted = msgspec.msgpack.decode(asked.body, type=ProfileAsked)
    return msgspec.msgpack.encode(profile(database, wanted))
