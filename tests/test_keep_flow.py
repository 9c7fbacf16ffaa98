"""A flow is kept running: started again after a death, with a pause, and ended in order."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from flows import projects
from flows.settings import Settings
from scripts.flow import Keeper, main, member, parts
from scripts.local.child import Leash, Part
from scripts.local.environment import environment
from scripts.local.ready import Lives
from scripts.topics import ensure_topics


def part(name: str, code: str, folder: Path) -> Part:
    """A process of a pretended flow; it notes each of its starts in a file."""
    note = f"import sys, time; open({str(folder / name)!r}, 'a').write('x')\n"
    return Part(name, (sys.executable, "-c", note + code), Lives(0), env=dict(os.environ), grace=5)


def starts(folder: Path, name: str) -> int:
    path = folder / name
    return len(path.read_text()) if path.exists() else 0


def keep(keeper: Keeper, meanwhile: Callable[[], bool] = lambda: False) -> None:
    """Run a keeper until it ends, or until `meanwhile` says that it is to leave."""

    async def run() -> None:
        leash = await Leash.start()
        task = asyncio.create_task(keeper.run(leash))
        while not task.done():
            if meanwhile():
                keeper.leave.set()
            await asyncio.sleep(0.05)
        await task
        await leash.close()

    asyncio.run(asyncio.wait_for(run(), 60))


def test_a_flow_that_ends_well_is_not_started_again(tmp_path: Path) -> None:
    keep(Keeper([part("one", "", tmp_path)]))
    assert starts(tmp_path, "one") == 1


def test_a_flow_that_dies_is_started_again_after_a_pause(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    second = f"sys.exit(3 if len(open({str(tmp_path / 'one')!r}).read()) < 2 else 0)"
    started = time.monotonic()
    keep(Keeper([part("one", second, tmp_path)]))
    assert starts(tmp_path, "one") == 2
    assert time.monotonic() - started >= 1.0
    assert "error: one ended with exit code 3; all start again in 1 s" in capsys.readouterr().out


def test_a_process_that_dies_takes_the_others_into_the_next_start(tmp_path: Path) -> None:
    """One dies once the other lives, and both end by themselves at their second start."""
    both = f"import os\nwhile not os.path.exists({str(tmp_path / 'lives')!r}): time.sleep(0.01)\n"
    dies = f"{both}sys.exit(3 if len(open({str(tmp_path / 'dies')!r}).read()) < 2 else 0)"
    lives = f"time.sleep(600 if len(open({str(tmp_path / 'lives')!r}).read()) < 2 else 0)"
    keep(Keeper([part("dies", dies, tmp_path), part("lives", lives, tmp_path)]))
    assert (starts(tmp_path, "dies"), starts(tmp_path, "lives")) == (2, 2)


def test_it_leaves_when_told_to_even_during_a_pause(tmp_path: Path) -> None:
    keep(Keeper([part("one", "sys.exit(1)", tmp_path)]), lambda: starts(tmp_path, "one") > 0)
    assert starts(tmp_path, "one") == 1


def test_processes_of_a_cluster_know_each_other(settings: Settings, tmp_path: Path) -> None:
    first, second = parts("fraud", tmp_path, 2, settings)
    assert first.argv[-4:-1] == ("-i", "0", "-a")
    assert second.argv[-4:-1] == ("-i", "1", "-a")
    assert first.argv[-1] == second.argv[-1]


def test_one_process_of_a_cluster_elsewhere_knows_its_place(
    settings: Settings, tmp_path: Path
) -> None:
    found = member(
        "eta", tmp_path, 1, ["flow-eta-0.flow-eta:2101", "flow-eta-1.flow-eta:2101"], settings
    )
    assert found.argv[2:4] == ("bytewax.run", "flows.eta")
    addresses = "flow-eta-0.flow-eta:2101;flow-eta-1.flow-eta:2101"
    assert found.argv[-4:] == ("-i", "1", "-a", addresses)


@pytest.mark.parametrize(("arguments", "files"), [((), 4), (("--files", "1"), 1)])
def test_a_recovery_directory_is_prepared_once(
    tmp_path: Path, arguments: tuple[str, ...], files: int
) -> None:
    command = ["fraud", "--prepare", "--recovery", str(tmp_path / "state"), *arguments]
    for _ in range(2):
        assert main(command) == 0
        assert len(list((tmp_path / "state").glob("part-*.sqlite3"))) == files


def test_only_the_first_process_of_a_cluster_prepares_its_directory(tmp_path: Path) -> None:
    hosts = ("--processes", "2", "--hosts", "127.0.0.1:210{}")
    for index in ("0", "1"):
        state = ["--recovery", str(tmp_path / index), "--prepare", "--index", index]
        assert main(["fraud", *state, *hosts]) == 0
    assert any((tmp_path / "0").iterdir())
    assert not any((tmp_path / "1").iterdir())


@pytest.mark.parametrize("given", [("--index", "0"), ("--hosts", "a:1")])
def test_index_and_hosts_belong_together(
    given: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["fraud", *given])
    assert "--index and --hosts belong together" in capsys.readouterr().err


def test_a_killed_flow_comes_back_and_ends_in_order(settings: Settings, tmp_path: Path) -> None:
    """The real flow by the real command: SIGKILL its process, then SIGTERM the keeper."""
    settings = settings.model_copy(update={"start_from": "earliest"})
    ensure_topics(projects.get("fraud"), settings)

    async def run() -> int | None:
        command = (sys.executable, "-m", "scripts.flow", "fraud", "--recovery", str(tmp_path / "r"))
        process = await asyncio.create_subprocess_exec(
            *command, env=environment(settings), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        await printed(process.stdout, "reading")
        os.kill(flow_of(process.pid), signal.SIGKILL)
        await printed(process.stdout, "all start again in 1 s")
        await printed(process.stdout, "reading")
        process.terminate()
        await process.stdout.read()
        return await process.wait()

    assert asyncio.run(asyncio.wait_for(run(), 120)) == 0


async def printed(stream: asyncio.StreamReader, text: str) -> None:
    while line := await stream.readline():
        if text in line.decode():
            return
    pytest.fail(f"it ended without saying {text!r}")


def flow_of(pid: int) -> int:
    return next(
        child.pid
        for child in psutil.Process(pid).children()
        if "bytewax.run" in " ".join(child.cmdline())
    )
