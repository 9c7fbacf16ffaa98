"""One upkeep of a table at a time, on any store that Delta tables can lie on.

delta-rs lets two compactions of the same files both commit (its conflict check passes over removals
that change no data, delta-io/delta-rs#3982), and then every row is there twice. So who compacts
holds a lease: an application transaction in the table's own log, whose version is the lease's end.
Those do conflict: of two that are taken at once, one is refused.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from deltalake import CommitProperties, DeltaTable, Transaction
from deltalake.exceptions import CommitFailedError

from flows.errors import ConflictError

APP = "upkeep"
LEASE_SECONDS = 900.0
FREE = 0


class Lease:
    """The right to compact a table, for 15 minutes from its last renewal.

    Ends by itself when its holder dies. Clocks of machines that share a lake must agree roughly.
    """

    def __init__(self, open_table: Callable[[], DeltaTable]) -> None:
        self._open = open_table
        self._end = FREE

    def renew(self) -> None:
        """Take or keep the lease. Raises ConflictError when another has it."""
        table, now = self._open(), time.time()
        held = table.transaction_version(APP) or FREE
        if held not in (FREE, self._end) and held > now * 1000:
            raise ConflictError(_occupied(table, held))
        end = int((now + LEASE_SECONDS) * 1000)
        try:
            _commit(table, end)
        except CommitFailedError:
            raise ConflictError(_occupied(table, end)) from None
        self._end = end

    def release(self) -> None:
        """Give it back, unless another has it by now."""
        table = self._open()
        if self._end != FREE and table.transaction_version(APP) == self._end:
            _commit(table, FREE)
        self._end = FREE


def _commit(table: DeltaTable, end: int) -> None:
    """Write the lease's end to the log; fails when another wrote one since `table` was opened."""
    table.create_write_transaction(
        [],
        "append",
        table.schema(),
        partition_by=table.metadata().partition_columns,
        commit_properties=CommitProperties(app_transactions=[Transaction(APP, end)]),
    )


def _occupied(table: DeltaTable, end: int) -> str:
    at = datetime.fromtimestamp(end / 1000, UTC)
    return (
        f"another upkeep works on {table.table_uri}; wait for its end, which is before"
        f" {at:%Y-%m-%d %H:%M:%S} UTC should it have died"
    )
