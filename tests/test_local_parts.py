"""Ports, readiness checks and printed lines of the local platform."""

from __future__ import annotations

import asyncio
import contextlib
import io
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from flows.stores.live import LiveStore, Status, connect
from scripts.local import ports
from scripts.local.child import Part
from scripts.local.console import Console
from scripts.local.ready import Answers, Beats, Finishes, Listens


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_taken_port_is_named_with_its_part_and_setting(taken_port: int) -> None:
    part = Part("mlflow", (), Finishes(), port=taken_port, setting="REALTIME_MLFLOW_URI")
    with pytest.raises(ports.PortTaken, match=f"port {taken_port} for mlflow .*REALTIME_MLFLOW"):
        ports.check([part])


def test_every_taken_port_is_named(taken_port: int) -> None:
    parts = [Part(name, (), Finishes(), port=taken_port, setting="S") for name in ("one", "two")]
    with pytest.raises(ports.PortTaken, match=r"(?s)for one .*for two "):
        ports.check(parts)


def test_one_port_for_two_parts_is_refused() -> None:
    free = ports.free_port()
    parts = [Part(name, (), Finishes(), port=free, setting="S") for name in ("one", "two")]
    with pytest.raises(ports.PortTaken, match="for one is also that of two"):
        ports.check(parts)


def test_free_ports_are_none_that_a_system_gives_to_connections() -> None:
    kept = Path("/proc/sys/net/ipv4/ip_local_port_range")
    if not kept.exists():
        pytest.skip("this system does not tell which ports it gives")
    first, _ = map(int, kept.read_text().split())
    assert all(ports.FIRST <= ports.free_port() < first for _ in range(100))


def test_free_ports_in_a_row_are_free_and_no_others() -> None:
    first = ports.free_port(4)
    assert all(map(ports.is_free, range(first, first + 4)))
    following = ports.free_port()
    assert following not in range(first, first + 4)


def test_a_port_that_is_taken_is_passed_by() -> None:
    taken = ports.free_port(3) + 4
    with socket.socket() as server:
        server.bind(("127.0.0.1", taken))
        server.listen()
        first = ports.free_port(4)
        assert taken not in range(first, first + 4)


def test_no_free_ports_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda _: False)
    with pytest.raises(ports.PortTaken, match="no 2 ports in a row are free"):
        ports.free_port(2)


@pytest.mark.parametrize("colour", [True, False])
def test_lines_are_coloured_only_where_asked(tmp_path: Path, colour: bool) -> None:
    stream = io.StringIO()
    console = Console(stream, tmp_path, 5, colour)
    console.line("api", "hello")
    console.close()
    assert ("\x1b[" in stream.getvalue()) is colour
    assert (tmp_path / "api.log").read_text() == "hello\n"


def test_reader_that_went_away_does_not_stop_the_logs(tmp_path: Path) -> None:
    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    console = Console(Gone(), tmp_path, 5, colour=False)
    console.say("one\ntwo")
    console.close()
    assert (tmp_path / "up.log").read_text() == "one\ntwo\n"


class Nothing:
    """A process of which nothing is known."""

    returncode = None
    age = 0.0

    def printed(self, _text: str) -> bool:
        return False


@pytest.mark.parametrize(
    ("answer", "ready"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", True),
        (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", False),
        (b"what?\r\n", False),
        (b"", False),
    ],
)
def test_http_check_wants_a_200(answer: bytes, ready: bool) -> None:
    async def reply(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    async def ask() -> bool:
        async with await asyncio.start_server(reply, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            return await Answers(f"http://127.0.0.1:{port}/livez")(Nothing())

    assert asyncio.run(ask()) is ready


def test_flow_is_ready_at_its_first_heartbeat_since_its_start(
    redis_url: str, unique: Callable[[str], str]
) -> None:
    slug = unique("beating")
    check = Beats(SecretStr(redis_url), slug)
    assert not asyncio.run(check(Nothing()))
    with contextlib.closing(connect(redis_url)) as client:
        for seconds_ago, ready in ((5.0, False), (-5.0, True)):
            beaten = time.time() - seconds_ago
            beat = Status(time=beaten, state="running", events_per_second=0.0, lag=None)
            LiveStore(client, slug).beat(0, beat)
            assert asyncio.run(check(Nothing())) is ready


def test_checks_of_a_port_that_nobody_listens_on_say_no(unused_port: int) -> None:
    assert not asyncio.run(Listens(unused_port)(Nothing()))
    assert not asyncio.run(Answers(f"http://127.0.0.1:{unused_port}/")(Nothing()))
    assert not asyncio.run(Beats(SecretStr(f"redis://127.0.0.1:{unused_port}"), "x")(Nothing()))


@pytest.fixture
def unused_port() -> Iterator[int]:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]
