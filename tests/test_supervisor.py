"""The supervisor with small real programs as its parts."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from scripts.local.child import Part, PartError
from scripts.local.console import Console
from scripts.local.ready import Finishes, Lives, Prints, Ready
from scripts.local.supervisor import Supervisor

ROOT = Path(__file__).parents[1]
UP = Prints("up")
STAYS = "print('up', flush=True); import time; time.sleep(600)"
POLITE = """
import signal, sys, time
def end(*_):
    print("bye", flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("up", flush=True)
time.sleep(600)
"""
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + STAYS
PARENT = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {STAYS!r}], stdout=subprocess.DEVNULL)
print("up, with child", child.pid, flush=True)
time.sleep(600)
"""


def part(
    name: str,
    code: str,
    ready: Ready = UP,
    needs: tuple[str, ...] = (),
    uses: tuple[str, ...] = (),
    grace: float = 20.0,
    within: float = 60.0,
) -> Part:
    argv = (sys.executable, "-c", code)
    return Part(name, argv, ready, needs, uses, dict(os.environ), grace=grace, within=within)


class Run:
    """One run of a supervisor: what it printed, and how often it said that all is ready."""

    def __init__(self, directory: Path, *parts: Part) -> None:
        self._stream = io.StringIO()
        self._console = Console(self._stream, directory, 8, colour=False)
        self._parts = parts
        self.announced = 0
        self.supervisor: Supervisor

    def go(self, seconds: float | None = None, then: str = "leave") -> list[str]:
        """Run; once all is ready do `then`. Returns the lines."""
        asyncio.run(self._go(seconds, then))
        return self.lines

    @property
    def lines(self) -> list[str]:
        return [" ".join(line.split()) for line in self._stream.getvalue().splitlines()]

    async def _go(self, seconds: float | None, then: str) -> None:
        self.supervisor = Supervisor(self._parts, self._console)
        try:
            await self.supervisor.run(lambda: self._ready(then), seconds)
        finally:
            self._console.close()

    def _ready(self, then: str) -> None:
        self.announced += 1
        if then != "stay":
            self.supervisor.leave.set()
        if then == "hurry":
            asyncio.get_running_loop().call_soon(self.supervisor.hurry.set)


def test_all_ready_is_announced_once(tmp_path: Path) -> None:
    run = Run(tmp_path, part("one", STAYS), part("two", STAYS))
    run.go()
    assert run.announced == 1


def test_part_starts_after_its_need_is_ready(tmp_path: Path) -> None:
    slow = part("slow", "import time; time.sleep(.5); " + STAYS)
    lines = Run(tmp_path, part("after", STAYS, needs=("slow",)), slow).go()
    assert lines.index("slow │ up") < lines.index("after │ up")


def test_part_ends_before_its_need(tmp_path: Path) -> None:
    lines = Run(tmp_path, part("base", POLITE), part("top", POLITE, needs=("base",))).go()
    assert lines.index("top │ bye") < lines.index("base │ bye")


def test_part_ends_before_what_it_uses_and_starts_without(tmp_path: Path) -> None:
    base = part("base", "import time; time.sleep(.5)\n" + POLITE)
    lines = Run(tmp_path, base, part("top", POLITE, uses=("base",))).go()
    assert lines.index("top │ up") < lines.index("base │ up")
    assert lines.index("top │ bye") < lines.index("base │ bye")


def test_step_that_finishes_lets_the_next_start(tmp_path: Path) -> None:
    step = part("step", "print('done')", ready=Finishes())
    lines = Run(tmp_path, step, part("next", STAYS, needs=("step",))).go()
    assert lines.index("step │ done") < lines.index("next │ up")


def test_step_that_fails_is_an_error(tmp_path: Path) -> None:
    run = Run(tmp_path, part("step", "raise SystemExit(3)", ready=Finishes()))
    with pytest.raises(PartError, match="step ended with exit code 3"):
        run.go()


def test_need_that_is_never_ready_keeps_a_part_from_starting(tmp_path: Path) -> None:
    base, top = part("base", "raise SystemExit(3)"), part("top", STAYS, needs=("base",))
    run = Run(tmp_path, base, top)
    with pytest.raises(PartError):
        run.go()
    assert "top │ up" not in run.lines


def test_dying_part_is_named_with_code_and_last_lines(tmp_path: Path) -> None:
    dies = part("dies", "print('up'); print('my reason'); raise SystemExit(7)")
    with pytest.raises(PartError, match=r"(?s)dies ended with exit code 7.*my reason"):
        Run(tmp_path, part("stays", STAYS), dies).go(then="stay")


def test_part_that_ends_well_by_itself_is_an_error_too(tmp_path: Path) -> None:
    with pytest.raises(PartError, match="ends ended with exit code 0"):
        Run(tmp_path, part("ends", "print('up')")).go(then="stay")


def test_dying_part_takes_the_others_with_it(tmp_path: Path) -> None:
    dies = part("dies", "import time; time.sleep(.3); raise SystemExit(1)", needs=("polite",))
    run = Run(tmp_path, part("polite", POLITE), dies)
    with pytest.raises(PartError):
        run.go(then="stay")
    assert "polite │ bye" in run.lines


def test_part_that_takes_too_long_is_an_error(tmp_path: Path) -> None:
    late = part("late", STAYS, ready=Prints("never said"), within=0.2)
    with pytest.raises(PartError, match=r"late was not ready within 0\.2 s"):
        Run(tmp_path, late).go()


def test_program_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    missing = Part("missing", ("/no/such/program",), UP)
    with pytest.raises(PartError, match="missing cannot be started"):
        Run(tmp_path, missing).go()


def test_seconds_end_a_run_in_which_all_were_ready(tmp_path: Path) -> None:
    run = Run(tmp_path, part("one", STAYS, ready=Lives(0.0)))
    run.go(seconds=1.0, then="stay")
    assert run.announced == 1


def test_seconds_that_end_before_all_are_ready_are_an_error(tmp_path: Path) -> None:
    run = Run(tmp_path, part("fine", STAYS, ready=Lives(0.0)), part("late", STAYS, Prints("no")))
    with pytest.raises(PartError, match=r"not ready when the 1 s were over: late$"):
        run.go(seconds=1.0)


def test_stubborn_part_is_killed_after_its_grace(tmp_path: Path) -> None:
    lines = Run(tmp_path, part("stubborn", STUBBORN, grace=0.2)).go()
    assert any("while ending: stubborn ended by SIGKILL" in line for line in lines)


def test_hurry_does_not_wait_for_the_grace(tmp_path: Path) -> None:
    lines = Run(tmp_path, part("stubborn", STUBBORN, grace=3600)).go(then="hurry")
    assert any("while ending: stubborn ended by SIGKILL" in line for line in lines)


def test_grandchildren_end_with_their_part(tmp_path: Path) -> None:
    lines = Run(tmp_path, part("parent", PARENT)).go()
    assert_gone(_pids(lines, "with child"))


def test_end_of_a_part_is_noticed_while_its_child_holds_the_output(tmp_path: Path) -> None:
    code = PARENT.replace(", stdout=subprocess.DEVNULL", "").replace("time.sleep(600)\n", "")
    run = Run(tmp_path, part("parent", code))
    with pytest.raises(PartError, match="parent ended with exit code 0"):
        run.go(then="stay")
    assert_gone(_pids(run.lines, "with child"))


def test_output_that_is_no_text_or_has_no_end_of_line_is_shown(tmp_path: Path) -> None:
    code = "import os; os.write(1, b'\\xff' * 200_000); os.write(1, b'\\nlast')"
    lines = Run(tmp_path, part("odd", code, ready=Finishes())).go()
    assert sum(line.count("\N{REPLACEMENT CHARACTER}") for line in lines) == 200_000
    assert "odd │ last" in lines


PROGRAM = """
import asyncio, sys
from pathlib import Path
from scripts.local.child import PartError
from scripts.local.console import Console
from scripts.local.supervisor import supervise
from tests.test_supervisor import PARENT, POLITE, STUBBORN, part

console = Console(sys.stdout, Path(sys.argv[1]), 8, colour=False)
parts = [part("parent", PARENT), part("polite", POLITE, needs=("parent",))]
if sys.argv[2:] == ["stubborn"]:
    parts.append(part("stubborn", STUBBORN, grace=3600))
asyncio.run(supervise(parts, console, "all is ready"))
"""


@pytest.fixture
def supervised(tmp_path: Path) -> Callable[..., tuple[subprocess.Popen[str], set[int]]]:
    """Start a supervisor of its own process; returns it when all is ready, with all pids."""

    def start(*arguments: str) -> tuple[subprocess.Popen[str], set[int]]:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path), *arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        _read_until(process, "all is ready")
        family = psutil.Process(process.pid).children(recursive=True)
        return process, {member.pid for member in family}

    return start


Supervised = Callable[..., tuple[subprocess.Popen[str], set[int]]]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_ends_everything_in_order(supervised: Supervised, number: signal.Signals) -> None:
    process, family = supervised()
    process.send_signal(number)
    output, _ = process.communicate()
    assert process.returncode == 0
    assert "bye" in output
    assert_gone(family)


def test_second_signal_hurries(supervised: Supervised) -> None:
    process, family = supervised("stubborn")
    process.send_signal(signal.SIGTERM)
    _read_until(process, "bye")
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 0
    assert_gone(family)


def test_killed_supervisor_leaves_nothing_behind(supervised: Supervised) -> None:
    process, family = supervised()
    assert len(family) == 4  # the leash, two parts, and a part's own child
    process.kill()
    process.communicate()
    assert_gone(family)


def assert_gone(pids: set[int]) -> None:
    """Every process ended or is about to; a minute is far more than they need."""
    assert pids
    deadline = time.monotonic() + 60
    while left := {pid for pid in pids if _lives(pid)}:
        assert time.monotonic() < deadline, f"still alive: {left}"
        time.sleep(0.05)


def _read_until(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    while text not in (line := process.stdout.readline()):
        assert line, f"it ended without saying {text!r}"


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _pids(lines: list[str], before: str) -> set[int]:
    return {int(line.rsplit(maxsplit=1)[1]) for line in lines if before in line}
