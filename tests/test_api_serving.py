from __future__ import annotations

import gc
import logging
import sys
import time
import types
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from river import linear_model

from api.serving import Loaded, load
from flows.learning import codec
from flows.learning.predictor import Predictor
from flows.stores.live import STATUS_SECONDS, Facts
from scripts.local import parts
from scripts.local.ports import free_port
from tests.api_parts import Served, learner_of, local, publication, serving, teach, until

Unique = Callable[[str], str]
KEY = b"a key for tests"


@pytest.fixture
def live(redis_url: str, unique: Unique) -> Iterator[Served]:
    """An app that serves a model of 100 events."""
    with serving(local(redis_url), unique("fraud")) as served:
        served.publish(learner_of(served.project, 100))
        yield served


def newer_facts(live: Served) -> Facts:
    learner = learner_of(live.project, 200)
    return publication(learner, live.settings).facts


def refusals(live: Served, reason: str) -> float:
    labels = f'{{project="{live.project.slug}",reason="{reason}"}}'
    (line,) = (
        line
        for line in live.client.get("/metrics").text.splitlines()
        if line.startswith(f"realtime_model_refused_total{labels}")
    )
    return float(line.split()[-1])


def frame_of_a_class_that_is_gone() -> bytes:
    module = types.ModuleType("gone")
    exec("class Model:\n    pass", vars(module))  # noqa: S102
    sys.modules["gone"] = module
    try:
        return codec.dumps(module.Model(), KEY)
    finally:
        del sys.modules["gone"]


def tampered_frame() -> bytes:
    frame = bytearray(codec.dumps(linear_model.LogisticRegression(), KEY))
    frame[-1] ^= 1
    return bytes(frame)


def test_newer_model_is_served(live: Served) -> None:
    facts = live.publish(learner_of(live.project, 200))
    assert live.predict().json()["model"]["version"] == facts.version


def test_older_model_is_not_served(live: Served) -> None:
    newest = live.publish(learner_of(live.project, 200))
    made = publication(learner_of(live.project, 150), live.settings)
    assert not live.store.publish(made.facts, made.model)
    assert live.version() == newest.version


def test_older_model_in_a_restored_redis_is_not_served(live: Served) -> None:
    key = f"realtime:{live.project.slug}:0:live"
    older = live.store._redis.hgetall(key)
    newest = live.publish(learner_of(live.project, 200))
    live.store._redis.hset(key, mapping=older)
    live.look()
    assert live.version() == newest.version


def test_model_of_redis_is_not_replaced_by_one_of_the_registry(live: Served) -> None:
    before = live.version()
    follower = live.client.app_state["platform"].get(live.project.slug).follower
    model = Predictor(linear_model.LogisticRegression())
    follower.adopt(Loaded(newer_facts(live), model, "registry", 1))
    assert live.version() == before


def test_model_stays_when_redis_forgets_it(live: Served) -> None:
    before = live.version()
    live.store._redis.delete(f"realtime:{live.project.slug}:0:live")
    live.look()
    assert live.version() == before


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (tampered_frame, "signature"),
        (lambda: codec.dumps(linear_model.LogisticRegression(), b"another key"), "signature"),
        (lambda: b"cos\nsystem\n(S'true'\ntR.", "format"),
        (lambda: b"", "format"),
        (frame_of_a_class_that_is_gone, "format"),
    ],
    ids=["tampered", "other key", "bare pickle", "empty", "class is gone"],
)
def test_frame_that_does_not_load_is_refused_once(
    live: Served, caplog: pytest.LogCaptureFixture, frame: Callable[[], bytes], reason: str
) -> None:
    before = live.version()
    with caplog.at_level(logging.ERROR, logger="api"):
        live.store.publish(newer_facts(live), frame())
        until(lambda: live.get().json()["problems"], "the refusal")
        live.look()
    assert refusals(live, reason) == 1
    assert live.predict().json()["model"]["version"] == before
    assert len([one for one in caplog.records if "was refused" in one.message]) == 1
    assert "refused" in live.client.get("/readyz").text


def test_model_after_a_refused_one_is_served(live: Served) -> None:
    live.store.publish(newer_facts(live), tampered_frame())
    until(lambda: live.get().json()["problems"], "the refusal")
    facts = live.publish(learner_of(live.project, 300))
    assert live.version() == facts.version
    assert live.get().json()["problems"] == []


def test_nothing_is_unpickled_before_its_signature_verified(live: Served) -> None:
    trap = types.ModuleType("trap")
    exec("class Trap:\n    def __reduce__(self):\n        return set, ([1],)", vars(trap))  # noqa: S102
    frame = codec.dumps(trap.Trap(), b"another key")
    live.store.publish(newer_facts(live), frame)
    until(lambda: refusals(live, "signature") == 1, "the refusal")
    assert refusals(live, "content") == 0


def test_loading_in_many_threads_leaves_the_garbage_collector_on() -> None:
    frame = codec.dumps([linear_model.LogisticRegression() for _ in range(500)], KEY)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: load(frame, KEY), range(80)))
    assert gc.isenabled()


def test_facts_that_cannot_be_read_leave_the_model_serving(
    live: Served, caplog: pytest.LogCaptureFixture
) -> None:
    key = f"realtime:{live.project.slug}:0:live"
    held = live.store._redis.hget(key, "facts")
    live.store._redis.hset(key, "facts", b"{}")
    until(lambda: "cannot be read" in str(live.get().json()["problems"]), "the trouble")
    assert live.predict().status_code == 200
    live.store._redis.hset(key, "facts", held)
    until(lambda: live.get().json()["problems"] == [], "the recovery")
    assert len([one for one in caplog.records if "cannot be read" in one.message]) == 1


def test_redis_down_keeps_the_last_model_serving(
    servers: Any, part_env: dict[str, str], unique: Unique
) -> None:
    port = free_port()
    valkey = servers.start(parts.valkey(port, part_env))
    with serving(local(f"redis://127.0.0.1:{port}/0"), unique("fraud")) as served:
        learner = learner_of(served.project, 100)
        facts = served.publish(learner)
        served.beat(time=time.time() - STATUS_SECONDS + 5)
        until(lambda: served.get().json()["state"] == "running", "the heartbeat")
        servers.stop(valkey)
        until(lambda: served.get().json()["problems"], "the trouble")
        until(lambda: served.get().json()["state"] == "stale", "the age of the heartbeat")
        assert served.predict().json()["model"]["version"] == facts.version
        assert served.client.get("/readyz").status_code == 200
        assert "Redis" in served.get().json()["problems"][0]
        assert served.get("/metrics").status_code == 200
        assert served.get("/metrics/history").status_code == 503
        servers.start(parts.valkey(port, part_env))
        until(lambda: not served.get().json()["problems"], "the reconnection")
        assert served.version() == facts.version
        newer = served.publish(teach(learner, 50, seed=1))
        assert served.version() == newer.version


def test_redis_never_there_is_not_ready(unique: Unique) -> None:
    with serving(local("redis://127.0.0.1:1/0"), unique("fraud")) as served:
        answer = served.client.get("/readyz")
        assert answer.status_code == 503
        assert answer.json()["status"] == "failing"
        assert served.client.get("/livez").status_code == 200
        assert served.predict().status_code == 503
        assert served.client.put(f"{served.url}/training", json={"wanted": "paused"}).json()[
            "title"
        ] == ("A store does not answer")


def test_facts_and_model_are_replaced_as_one(live: Served) -> None:
    facts = live.publish(learner_of(live.project, 200))
    answer = live.get().json()
    assert answer["model"]["events_learned"] == facts.events_learned
    assert answer["metrics"] == facts.metrics
    assert answer["counts"] == msgspec.to_builtins(facts.counts)
