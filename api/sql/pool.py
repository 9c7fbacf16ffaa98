"""The processes in which queries run: started when needed, ended when they do not obey."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import psutil

from api.piped import PipedProcess
from api.sql.errors import SqlBusy, SqlError, SqlTimeout, SqlTooLarge
from api.sql.messages import (
    RESERVED_MB,
    Analysis,
    Failure,
    Query,
    Reply,
    Request,
    Setup,
    Started,
    raised,
    took_longer,
)

START_SECONDS = 60.0
GRACE = {"duckdb": 1.1, "polars": 1.0}
"""How many times its limit a query may run before its process is ended: DuckDB stops by itself."""
TICK = 0.05
LISTING_SECONDS = 10.0

_log = logging.getLogger("api")


class Pool:
    """Runs requests, as many at a time as there are processes; a few more may wait.

    `setup.temp` is made anew for each process; `free` is how many may come at this
    moment. Raises SqlBusy when too many wait.
    """

    def __init__(self, setup: Setup, size: int, waiting: int) -> None:
        self._setup = setup
        self.free = size + waiting
        self._turns = threading.BoundedSemaphore(size)
        self._idle: list[Process] = []
        self._changing = threading.Lock()
        self._stopped = False

    def ask(self, request: Request) -> Reply:
        """Get the answer of a request. Raises what the request's failure says."""
        with self._place(), self._turns:
            reply = self._ask(request)
        if isinstance(reply, Failure):
            raise raised(reply)
        return reply

    def stop(self) -> None:
        """End every process."""
        with self._changing:
            self._stopped = True
            idle, self._idle = self._idle, []
        for process in idle:
            process.end()

    @contextmanager
    def _place(self) -> Iterator[None]:
        with self._changing:
            if self.free == 0:
                raise SqlBusy("too many queries wait already; try again in a few seconds")
            self.free -= 1
        try:
            yield
        finally:
            with self._changing:
                self.free += 1

    def _ask(self, request: Request) -> Reply:
        process = self._take()
        try:
            try:
                reply = process.ask(request)
            except BrokenPipeError:  # it ended while nobody asked
                process.end()
                process = Process(self._setup)
                reply = process.ask(request)
        except BaseException:
            process.end()
            self._give_back(Process(self._setup))
            raise
        if not process.lasts:
            process.end()
        else:
            self._give_back(Process(self._setup) if process.is_swollen() else process)
        return reply

    def _take(self) -> Process:
        with self._changing:
            while self._idle:
                process = self._idle.pop()
                if process.lives():
                    return process
                process.end()
        return Process(self._setup)

    def _give_back(self, process: Process) -> None:
        with self._changing:
            if not self._stopped:
                self._idle.append(process)
                return
        process.end()


class Process(PipedProcess):
    """One worker. It knows no setting but those it is told, and no environment."""

    def __init__(self, setup: Setup) -> None:
        threads = str(setup.threads)
        quiet = {"TZ": "UTC", "POLARS_MAX_THREADS": threads, "OMP_NUM_THREADS": threads}
        super().__init__("api.sql.worker", "realtime-sql-", lambda _: quiet)
        self.lasts = True
        self._setup = msgspec.structs.replace(setup, temp=self._temp)
        self._watched = psutil.Process(self._process.pid)
        self._connection.send_bytes(msgspec.msgpack.encode(self._setup))

    def ask(self, request: Request) -> Reply:
        """Pass a request on and wait. Raises SqlTimeout or SqlTooLarge when it had to be ended."""
        limit, grace = LISTING_SECONDS, 1.0
        if isinstance(request, Query):
            limit, grace = self._setup.seconds, GRACE[request.engine]
        elif isinstance(request, Analysis):
            limit, grace = request.seconds, GRACE["duckdb"]
        self._await_start()
        self._connection.send_bytes(msgspec.msgpack.encode(request))
        if not self._wait(limit * grace, self._grows):
            raise SqlTimeout(took_longer(limit))
        try:
            reply: Reply = msgspec.msgpack.decode(self._connection.recv_bytes(), type=Reply)
        except (EOFError, ConnectionError):
            raise SqlTooLarge("the query broke the process it ran in; make it simpler") from None
        return reply

    def is_swollen(self) -> bool:
        """Tell whether it kept so much memory that the next query might lack it; ends it then."""
        try:
            memory = self._watched.memory_info()
        except psutil.NoSuchProcess:
            return False
        half = self._setup.room * 500_000
        if memory.rss < half and memory.data < RESERVED_MB * 1_000_000 + half:
            return False
        self.end()
        return True

    def _await_start(self) -> None:
        """Raises SqlError when it does not start; that takes a second or two."""
        if self._ready:
            return
        if not self._wait(START_SECONDS, lambda: None):
            raise SqlError("the process for queries did not start in time; try again")
        try:
            told = msgspec.msgpack.decode(self._connection.recv_bytes(), type=Started)
        except (EOFError, ConnectionError):
            raise SqlError(
                "the process for queries did not start; the API's log says why"
            ) from None
        if not told.confined:
            _log.warning("this kernel has no Landlock: queries are held by their engines only")
        self._ready, self.lasts = True, told.lasts

    def _wait(self, seconds: float, look: Callable[[], None]) -> bool:
        """Wait for a message or the process's end; looks at it now and then."""
        deadline = time.monotonic() + seconds
        while not self._connection.poll(TICK):
            if time.monotonic() > deadline:
                return False
            look()
        return True

    def _grows(self) -> None:
        try:
            size = self._watched.memory_info().rss
        except psutil.NoSuchProcess:
            return
        if size > self._setup.room * 1_000_000:
            raise SqlTooLarge(
                f"the query needs more than {self._setup.memory} MB; read fewer rows or columns"
            )
