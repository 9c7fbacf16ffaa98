"""A flow that is killed again and again leaves what an undisturbed one does."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from flows.learning.learner import Learner
from flows.projects import fraud
from flows.settings import Settings
from flows.stores.live import Facts, LiveStore, Status, connect
from scripts import crash_test
from scripts.crash.deaths import draw
from scripts.crash.watch import Watch

PROJECT = fraud.PROJECT


def test_deaths_repeat_with_their_seed_and_are_of_all_kinds() -> None:
    deaths = list(islice(draw(2, seed=3), 200))
    assert deaths == list(islice(draw(2, seed=3), 200))
    assert deaths != list(islice(draw(2, seed=4), 200))
    assert Counter(death.kind for death in deaths).keys() == {"early", "inside", "outside"}
    assert {death.victims for death in deaths} == {(0,), (1,), (0, 1)}


def test_records_repeat_with_their_seed() -> None:
    made = list(crash_test.make_records(PROJECT, 1_000, 5, 0.1))
    assert made == list(crash_test.make_records(PROJECT, 1_000, 5, 0.1))
    assert 0 < sum(one.value == crash_test.BROKEN for one in made) < 20
    assert 50 < sum(b"is_fraud" not in one.value for one in made) < 150


CLEAN: dict[str, Any] = {**dict.fromkeys(crash_test.MUST_BE_NOTHING, 0), "exit_codes": [0, 0]}


def test_only_a_clean_run_succeeds() -> None:
    assert crash_test.exit_code(CLEAN) == 0
    for name in crash_test.MUST_BE_NOTHING:
        assert crash_test.exit_code({**CLEAN, name: 1}) == 1
    for codes in ([], [0, None], [0, -15]):
        assert crash_test.exit_code({**CLEAN, "exit_codes": codes}) == 1


@pytest.fixture
def live(redis_url: str) -> Iterator[tuple[Watch, LiveStore]]:
    """A reader of a Redis database of its own, and a writer to it."""
    client = connect(redis_url.removesuffix("/0") + "/15")
    client.flushdb()
    settings = Settings(_env_file=None, redis_url=redis_url.removesuffix("/0") + "/15")
    yield Watch(PROJECT, settings), LiveStore(client, PROJECT.slug)
    client.flushdb()
    client.close()


def facts(events: int, generation: int = 1) -> Facts:
    state = Learner.fresh(PROJECT, generation).state
    state.counts |= {"events": events, "learned": events}
    return Facts.of(PROJECT.slug, 0, state, 0.0)


def test_a_reader_that_goes_back_is_noticed(live: tuple[Watch, LiveStore]) -> None:
    watch, store = live
    for events in (5, 5, 9):
        store.publish(facts(events), b"")
        watch.look()
    assert watch.backwards == 0
    connect_client: Any = store._redis
    connect_client.flushdb()
    store.publish(facts(7), b"")
    watch.look()
    assert watch.backwards == 1


def test_a_new_generation_may_begin_anew(live: tuple[Watch, LiveStore]) -> None:
    watch, store = live
    for given in (facts(5), facts(1, generation=2)):
        store.publish(given, b"")
        watch.look()
    assert watch.backwards == 0
    assert watch.events() == 1


def test_progress_is_what_is_past_a_mark(live: tuple[Watch, LiveStore]) -> None:
    watch, store = live
    nothing = watch.mark()
    watch.look()
    assert not watch.is_past(nothing)
    store.publish(facts(5), b"")
    watch.look()
    assert watch.is_past(nothing)
    assert not watch.is_past(watch.mark())


def test_only_a_heartbeat_of_the_last_flow_says_that_all_is_read(
    live: tuple[Watch, LiveStore],
) -> None:
    watch, store = live
    store.publish(facts(5), b"")
    watch.look()
    assert not watch.is_through(5, since=100.0)
    for time, lag in ((99.0, 0), (101.0, 3), (101.0, None)):
        store.beat(0, Status(time=time, state="running", events_per_second=0, lag=lag))
        assert not watch.is_through(5, since=100.0)
    store.beat(0, Status(time=101.0, state="running", events_per_second=0, lag=0))
    assert watch.is_through(5, since=100.0)
    assert not watch.is_through(6, since=100.0)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """The command's figures; its exit code says that nothing is wrong."""
    code = crash_test.main(["fraud", "--json", *arguments])
    out = capsys.readouterr().out
    assert code == 0, out
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.mark.slow
def test_ten_deaths_leave_no_trace(capsys: pytest.CaptureFixture[str]) -> None:
    figures = run(capsys, "--events", "2000", "--kills", "10", "--seed", "1")
    assert figures["kills"] == 10
    assert figures["killed"].keys() >= {"inside", "outside"}
    assert figures["rows"] > 3_900
    assert figures["learner_equal"]
    assert figures["dead_letters"] > 0


@pytest.mark.slow
def test_deaths_of_one_process_of_two_leave_no_trace(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--events", "1000", "--kills", "2", "--processes", "2", "--seed", "3")
    figures = run(capsys, *arguments)
    assert figures["kills"] == 2
    assert len(figures["events_per_shard"]) == 2
    assert min(figures["events_per_shard"]) > 400
    assert figures["learner_equal"]
