"""Batch learning over HTTP: jobs, the model that came of one, its predictions and diagnostics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from api.events import EventReader, example
from flows.batch.offered import candidates, long, short
from flows.batch.training import register
from flows.settings import Settings
from flows.stores.connection import connect
from flows.stores.jobs import JobStore
from tests.api_parts import Served, learner_of, local, serving, until
from tests.batch_models import PROJECT, ROWS, lake_at, trained

Unique = Callable[[str], str]

pytestmark = pytest.mark.filterwarnings("ignore:.*type hint is inferred as AnyType:UserWarning")


@pytest.fixture(scope="module")
def settings(redis_url: str, tracking: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    lake = lake_at(tmp_path_factory.mktemp("lake"))
    url = redis_url.removesuffix("/0") + "/12"
    return local(url, mlflow_uri=tracking, lake_uri=lake.lake_uri)


@pytest.fixture(scope="module")
def served(settings: Settings, unique: Unique) -> Iterator[Served]:
    """A live model, and one that was trained in a batch and registered as the first."""
    with serving(settings, unique("batched"), PROJECT) as running:
        register(running.project, settings, trained(settings))
        running.publish(learner_of(running.project, 100))
        yield running


@pytest.fixture(scope="module")
def bare(settings: Settings, unique: Unique) -> Iterator[Served]:
    """Nothing was trained."""
    with serving(settings, unique("bare"), PROJECT) as running:
        yield running


@pytest.fixture
def store(settings: Settings) -> Iterator[JobStore]:
    with connect(settings.redis_url.get_secret_value()) as client:
        client.flushdb()
        yield JobStore(client)


def post(served: Served, path: str, **body: Any) -> Any:
    return served.client.post(f"{served.url}/batch{path}", json=body)


def test_job_is_ordered_followed_and_done(bare: Served, store: JobStore) -> None:
    answer = post(bare, "/jobs", rows=1_000, model="logistic_regression")
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["state"], told["progress"], told["kind"]) == ("queued", 0.0, "train")
    job = store.take("w")
    assert job is not None
    assert job.order == {"rows": 1_000, "since": None, "model": "logistic_regression"}
    store.hold(job, 0.5, "training")
    seen = bare.get(f"/batch/jobs/{told['id']}").json()
    assert (seen["state"], seen["progress"], seen["stage"]) == ("running", 0.5, "training")
    store.end(job, "done", result="4")
    [listed] = bare.get("/batch/jobs").json()["jobs"]
    assert (listed["state"], listed["result"], listed["id"]) == ("done", "4", told["id"])
    assert listed["created"] <= listed["started"] <= listed["ended"]


def test_list_says_who_works_and_what_can_be_ordered(bare: Served, store: JobStore) -> None:
    told = bare.get("/batch/jobs").json()
    assert (told["jobs"], told["workers"], told["waiting"]) == ([], 0, 0)
    assert told["candidates"] == list(candidates(PROJECT))
    assert told["diagnostics"] == list(long(PROJECT))
    store.beat("w")
    post(bare, "/jobs")
    told = bare.get("/batch/jobs").json()
    assert (told["workers"], told["waiting"]) == (1, 1)


def test_job_is_cancelled_and_run_again(bare: Served, store: JobStore) -> None:
    first = post(bare, "/jobs", rows=500).json()["id"]
    assert post(bare, f"/jobs/{first}/again").status_code == 409
    assert post(bare, f"/jobs/{first}/cancel").json()["state"] == "cancelled"
    assert post(bare, f"/jobs/{first}/cancel").status_code == 409
    again = post(bare, f"/jobs/{first}/again")
    assert (again.status_code, again.json()["order"]["rows"]) == (202, 500)
    job = store.take("w")
    assert job is not None
    asked = post(bare, f"/jobs/{job.id}/cancel")
    assert (asked.status_code, asked.json()["cancelling"]) == (202, True)


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({"model": "xgboost"}, "model"),
        ({"rows": 0}, "rows"),
        ({"since": "2026-01-01T00:00:00"}, "since"),
        ({"kind": "predict"}, "kind"),
        ({"diagnostic": "learning_curve"}, "diagnostic"),
        ({"kind": "diagnose"}, "diagnostic"),
        ({"kind": "diagnose", "diagnostic": "confusion"}, "diagnostic"),
        ({"kind": "diagnose", "diagnostic": "learning_curve", "rows": 5}, "rows"),
        ({"row": 5}, ""),
    ],
)
def test_what_nobody_could_do_is_refused_with_its_field(
    bare: Served, store: JobStore, body: dict[str, Any], location: str
) -> None:
    answer = post(bare, "/jobs", **body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["location"] == location
    assert store.newest(bare.project.slug) == []


def test_diagnostic_that_takes_long_is_a_job(bare: Served, store: JobStore) -> None:
    post(bare, "/jobs", kind="diagnose", diagnostic="learning_curve", version=3)
    job = store.take("w")
    assert job is not None
    assert (job.kind, job.order) == ("diagnose", {"name": "learning_curve", "version": 3})


@pytest.mark.parametrize("path", ["", "/cancel", "/again"])
def test_unknown_job_is_not_found(bare: Served, store: JobStore, path: str) -> None:
    del store
    ask = bare.get if not path else lambda where: bare.client.post(bare.url + where, json={})
    answer = ask(f"/batch/jobs/none{path}")
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:realtime:problem:unknown-job"


def test_without_a_model_there_is_none_to_ask(bare: Served) -> None:
    for answer in (
        bare.get("/batch/model"),
        bare.get("/batch/diagnostics"),
        bare.client.post(f"{bare.url}/predict?model=batch", json=example(bare.project)),
    ):
        assert answer.status_code == 503, answer.text
        assert answer.json()["type"] == "urn:realtime:problem:no-model"
        assert "train one" in answer.json()["detail"]


def test_model_tells_what_it_is_beside_the_one_that_learns(served: Served) -> None:
    told = served.get("/batch/model").json()
    assert (told["version"], told["rows"], told["name"]) == (1, ROWS, "logistic_regression")
    assert told["score"]["name"] == "FBeta"
    assert told["score"]["value"] == told["metrics"]["FBeta"] > 0.5
    assert set(told["candidates"]) == {"logistic_regression"}
    assert set(told["data"]) == {PROJECT.topic, f"{PROJECT.topic}_outcomes"}
    assert told["first"] < told["last"] < told["created"]
    assert told["online"] == served.get("/metrics").json()["metrics"]


def test_batch_answers_like_any_version(served: Served) -> None:
    event = example(served.project)
    mine, batch = (
        served.client.post(f"{served.url}/predict{asked}", json=event)
        for asked in ("", "?model=batch")
    )
    assert batch.status_code == 200, batch.text
    told, live = batch.json(), mine.json()
    assert told.keys() == live.keys()
    assert told["prediction"].keys() == live["prediction"].keys()
    model = told["model"]
    assert (model["alias"], model["number"], model["source"]) == ("batch", 1, "registry")
    assert (model["version"], model["events_learned"]) == ("batch.1", ROWS)


def test_prediction_is_the_models_own(served: Served, settings: Settings) -> None:
    from flows.batch.frozen import load

    values = example(served.project)
    event = EventReader(served.project).read(msgspec.json.encode(values))
    model = load(served.project, settings)
    past = learner_of(served.project, 100).state.past
    [expected] = model.predict_many([model.row(served.project.inputs(event, past))])
    told = served.client.post(f"{served.url}/predict?model=batch", json=values).json()
    assert told["prediction"] == msgspec.to_builtins(expected)


def test_several_models_answer_side_by_side(served: Served) -> None:
    events = [example(served.project) | {"transaction_id": str(n)} for n in range(3)]
    url = f"{served.url}/predict"
    answer = served.client.post(url, json=events, params={"model": "live,batch,champion"})
    assert answer.status_code == 503
    answer = served.client.post(url, json=events, params={"model": "baseline,batch,live"})
    told = answer.json()["predictions"]
    assert [(one["event_id"], one["model"]["alias"]) for one in told] == [
        (str(n), alias) for n in range(3) for alias in ("baseline", "batch", "live")
    ]
    alone = served.client.post(url, json=events, params={"model": "batch"}).json()["predictions"]
    assert [one["prediction"] for one in alone] == [one["prediction"] for one in told[1::3]]


def test_batch_predictions_are_kept_until_their_label_comes(served: Served) -> None:
    event = example(served.project) | {"transaction_id": "to be labelled"}
    served.client.post(f"{served.url}/predict?model=batch", json=event)
    client = connect(served.settings.redis_url.get_secret_value())
    key = f"realtime:{served.project.slug}:served:events"
    with client:
        until(lambda: client.hexists(key, "to be labelled"), "what is kept")
        kept: Any = client.hget(key, "to be labelled")
    assert b"batch.1" in kept


def test_diagnostics_are_listed_and_given(served: Served) -> None:
    told = served.get("/batch/diagnostics").json()
    states = {one["name"]: (one["long"], one["ready"]) for one in told["diagnostics"]}
    assert told["version"] == 1
    assert states == dict.fromkeys(short(PROJECT), (False, True)) | dict.fromkeys(
        long(PROJECT), (True, False)
    )
    found = served.get("/batch/diagnostics/confusion")
    assert (found.status_code, found.headers["vary"]) == (200, "Accept")
    assert found.json()


@pytest.mark.parametrize(
    ("kind", "begins"), [("image/png", b"\x89PNG"), ("image/svg+xml", b"<?xml")]
)
def test_diagnostic_is_drawn_for_who_accepts_pictures(
    served: Served, kind: str, begins: bytes
) -> None:
    answer = served.client.get(
        f"{served.url}/batch/diagnostics/confusion", headers={"Accept": kind}
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(kind)
    assert answer.content.startswith(begins)


@pytest.mark.parametrize(
    ("name", "told"), [("nothing", "known: "), ("learning_curve", "learning_curve")]
)
def test_diagnostic_that_is_not_there_is_not_found(served: Served, name: str, told: str) -> None:
    answer = served.get(f"/batch/diagnostics/{name}")
    assert answer.status_code == 404
    assert told in answer.json()["detail"]


def test_what_is_not_offered_is_not_acceptable(served: Served) -> None:
    answer = served.client.get(
        f"{served.url}/batch/diagnostics/confusion", headers={"Accept": "text/csv"}
    )
    assert answer.status_code == 406


def test_all_is_there_after_a_restart(served: Served, settings: Settings) -> None:
    with connect(settings.redis_url.get_secret_value()) as client:
        job = JobStore(client).submit(served.project.slug, "train", {})
    with serving(settings, served.project.slug, PROJECT) as again:
        assert [one["id"] for one in again.get("/batch/jobs").json()["jobs"]] == [job.id]
        assert again.get("/batch/model").json()["version"] == 1
        assert again.predict().status_code == 200


def test_silent_mlflow_stops_nothing_but_what_it_has(settings: Settings, unique: Unique) -> None:
    away = settings.model_copy(update={"mlflow_uri": "http://127.0.0.1:1"})
    with serving(away, unique("away"), replace(PROJECT)) as bare:
        assert bare.get("/batch/model").status_code == 503
        assert bare.get("/batch/jobs").status_code == 200
        assert post(bare, "/jobs").status_code == 202
