from __future__ import annotations

import ast
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from flows.projects import PROJECTS
from scripts.local.ports import free_port
from tests.api_parts import local

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(local("redis://127.0.0.1:1/0")).openapi()


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def references(part: Any) -> set[str]:
    if isinstance(part, dict):
        own = {part["$ref"]} if "$ref" in part else set()
        return own.union(*(references(value) for value in part.values()))
    return set().union(*map(references, part)) if isinstance(part, list) else set()


def test_operation_ids_are_stable(document: dict[str, Any]) -> None:
    ids = sorted(operation["operationId"] for operation in operations(document))
    assert ids == sorted(
        [
            *(f"predict_{slug}" for slug in PROJECTS),
            "cancel_job",
            "compare_models",
            "create_job",
            "get_alarms",
            "get_all_training",
            "get_batch_model",
            "get_changes",
            "get_chart",
            "get_coverage",
            "get_diagnostic",
            "get_job",
            "get_measurements",
            "get_metrics",
            "get_metrics_history",
            "get_model",
            "get_model_ready",
            "get_model_version",
            "get_model_version_ready",
            "get_producer",
            "get_profile",
            "get_project",
            "get_sample",
            "get_schema",
            "get_server",
            "get_server_live",
            "get_server_ready",
            "get_model_history",
            "get_registered_model",
            "get_report",
            "get_training",
            "infer",
            "infer_by_version",
            "list_diagnostics",
            "list_jobs",
            "list_models",
            "list_projects",
            "list_queries",
            "list_repository",
            "list_tables",
            "livez",
            "promote_model",
            "put_all_training",
            "put_training",
            "readyz",
            "repeat_job",
            "roll_back_model",
            "run_query",
            "send_label",
            "stream_facts",
            "tell_producer",
        ]
    )


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    found = references(document)
    assert found
    for reference in found:
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]


def test_every_operation_has_a_tag_and_advertises_problems(document: dict[str, Any]) -> None:
    for operation in operations(document):
        assert operation["tags"]
        content = operation["responses"]["default"]["content"]
        assert list(content) == ["application/problem+json"]
        assert "422" not in operation["responses"]


def test_predict_documents_the_event_without_its_label(document: dict[str, Any]) -> None:
    body = document["paths"]["/projects/fraud/predict"]["post"]["requestBody"]
    schema = document["components"]["schemas"]["Transaction"]
    event, events = body["content"]["application/json"]["schema"]["anyOf"]
    assert event["$ref"].endswith("/Transaction")
    assert (events["type"], events["items"], events["maxItems"]) == ("array", event, 1000)
    assert "is_fraud" not in schema["properties"]
    assert "amount" in schema["required"]
    assert not {"transaction_id", "user_id", "timestamp"} & set(schema["required"])
    assert schema["properties"]["amount"]["minimum"] == 0


def test_predict_example_fits_its_schema(document: dict[str, Any]) -> None:
    body = document["paths"]["/projects/fraud/predict"]["post"]["requestBody"]
    example = body["content"]["application/json"]["example"]
    schema = document["components"]["schemas"]["Transaction"]
    assert set(schema["required"]) <= set(example) <= set(schema["properties"])


def test_docs_are_served(redis_url: str) -> None:
    with TestClient(create_app(local(redis_url))) as client:
        assert client.get("/docs").status_code == 200
        assert client.get("/openapi.json").json()["openapi"].startswith("3.")


def test_app_starts_again_after_it_stopped(redis_url: str) -> None:
    app = create_app(local(redis_url))
    for _ in range(2):
        with TestClient(app) as client:
            assert client.get("/livez").json()["status"] == "ok"


def test_api_imports_neither_bytewax_nor_the_dashboard() -> None:
    for path in (ROOT / "api").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert not re.match(r"(bytewax|flows\.streaming|dashboard)\b", name), path


def test_importing_the_app_does_not_import_mlflow() -> None:
    code = "import sys, api.app; sys.exit('mlflow' in sys.modules or 'bytewax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_main_serves_until_it_is_told_to_end(part_env: dict[str, str], redis_url: str) -> None:
    port = free_port()
    env = {**part_env, "REALTIME_API_PORT": str(port), "REALTIME_REDIS_URL": redis_url}
    with subprocess.Popen([sys.executable, "-m", "api"], cwd=ROOT, env=env) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/livez", process)
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) in (0, -signal.SIGTERM)


def test_main_with_wrong_settings_says_so(part_env: dict[str, str]) -> None:
    env = {**part_env, "REALTIME_API_PORT": "many"}
    ended = subprocess.run(
        [sys.executable, "-m", "api"], cwd=ROOT, env=env, capture_output=True, check=False
    )
    assert ended.returncode == 1
    assert b"REALTIME_API_PORT" in ended.stderr
    assert b"Traceback" not in ended.stderr


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310
            return
        except urllib.error.URLError:
            time.sleep(0.1)
    pytest.fail("the API did not come up")
