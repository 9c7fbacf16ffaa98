from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.api_parts import LINE, Served, learner_of, local, serving

Unique = Callable[[str], str]
Sample = dict[frozenset[tuple[str, str]], float]


@pytest.fixture
def served(redis_url: str, unique: Unique) -> Iterator[Served]:
    with serving(local(redis_url), unique("fraud")) as served:
        yield served


def samples(served: Served, name: str) -> Sample:
    """Every value of one metric by its labels."""
    text = served.client.get("/metrics").text
    return {
        frozenset(sample.labels.items()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name
    }


def labels(**values: str) -> frozenset[tuple[str, str]]:
    return frozenset(values.items())


def test_ready_without_a_model_is_a_warning(served: Served) -> None:
    answer = served.client.get("/readyz")
    assert answer.status_code == 200
    checks = {check["name"]: check["status"] for check in answer.json()["checks"]}
    slug = served.project.slug
    assert checks == {f"redis:{slug}": "ok", f"model:{slug}:0": "warning", "keys": "warning"}


def test_ready_with_a_model_names_its_version(served: Served) -> None:
    facts = served.publish(learner_of(served.project, 20))
    (check,) = (
        check
        for check in served.client.get("/readyz").json()["checks"]
        if check["name"].startswith("model:")
    )
    assert check["status"] == "ok"
    assert facts.version in check["detail"]


def test_requests_are_counted_by_route_and_class_of_status(served: Served) -> None:
    served.get()
    served.get()
    served.client.get("/projects/weather")
    served.client.get("/nowhere/at/all")
    counts = samples(served, "http_requests_total")
    route = "/projects/{project}"
    assert counts[labels(method="GET", handler=route, status="2xx")] == 2
    assert counts[labels(method="GET", handler=route, status="4xx")] == 1
    assert counts[labels(method="GET", handler="none", status="4xx")] == 1


def test_requests_are_timed(served: Served) -> None:
    served.get()
    counts = samples(served, "http_request_duration_seconds_count")
    assert counts[labels(method="GET", handler="/projects/{project}")] == 1


def test_requests_of_unheard_methods_share_one_label(served: Served) -> None:
    for method in ("BREW", "WHEN"):
        served.client.request(method, "/projects")
    counts = samples(served, "http_requests_total")
    assert sum(v for name, v in counts.items() if ("method", "other") in name) == 2


def test_probes_are_not_counted(served: Served) -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        served.client.get(path)
    assert samples(served, "http_requests_total") == {}


def test_models_are_measured(served: Served) -> None:
    slug = served.project.slug
    assert samples(served, "realtime_model_info") == {}
    served.publish(learner_of(served.project, 20))
    served.predict()
    served.predict()
    version = f"{LINE}.20"
    name = labels(project=slug, shard="0", version=version, alias="live", source="live")
    assert samples(served, "realtime_model_info") == {name: 1}
    (age,) = samples(served, "realtime_model_age_seconds").values()
    assert age >= 0
    assert samples(served, "realtime_predictions_total") == {
        labels(project=slug, source="live"): 2,
        labels(project=slug, source="registry"): 0,
    }


def test_refusals_are_measured_from_the_start(served: Served) -> None:
    counts = samples(served, "realtime_model_refused_total")
    assert {dict(name)["reason"]: value for name, value in counts.items()} == {
        "signature": 0,
        "format": 0,
        "content": 0,
    }
