"""Whatever fits the API's own description, or nearly does, it answers without failing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from starlette.testclient import TestClient

from api.app import create_app
from tests.api_parts import local
from tests.sql_parts import fill

EXAMPLES = 12
DESCRIBED = create_app(local("redis://127.0.0.1:1/0")).openapi()
SCHEMA = schemathesis.openapi.from_dict(DESCRIBED)
OPERATIONS = [(path, method) for path, item in DESCRIBED["paths"].items() for method in item]


@pytest.fixture(scope="module")
def client(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    lake = fill(tmp_path_factory.mktemp("lake")).lake_uri
    app = create_app(local(redis_url, lake_uri=lake, sql_seconds=2.0))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_no_request_makes_the_api_fail(client: TestClient, path: str, method: str) -> None:
    """What another server's absence costs is told as 503; anything else above 499 is a failure."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=SCHEMA[path][method.upper()].as_strategy())
    def run(case: Any) -> None:
        sent = case.as_transport_kwargs(base_url="http://testserver")
        sent.pop("cookies", None)
        answer = client.request(**sent)
        assert answer.status_code < 500 or answer.status_code == 503, answer.text
        if 400 <= answer.status_code < 500:
            assert answer.headers["content-type"] == "application/problem+json"

    run()
