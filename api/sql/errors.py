"""What may become of a query that gives no rows."""

from __future__ import annotations

from flows.errors import RealtimeError


class SqlError(RealtimeError):
    """The text is no SQL, or does not fit the tables."""


class SqlNotAllowed(SqlError):
    """The text asks for more than to read the tables that are offered."""


class SqlTimeout(SqlError):
    """The query was stopped because it took too long."""


class SqlTooLarge(SqlError):
    """The query was stopped because it, or its answer, took too much room."""


class SqlBusy(SqlError):
    """Too many queries run already."""
