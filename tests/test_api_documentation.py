"""The page at /docs: whole, harmless, and nothing of it comes from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.documentation import page
from api.openapi import PREDICT
from flows.projects import PROJECTS
from flows.settings import Settings

VOID = {"meta", "br"}


class Reader(HTMLParser):
    """Collects tags, links and ids; fails on tags that do not match."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def values(self, name: str) -> set[str]:
        return {value for key, value in self.attributes if key == name and value is not None}


@pytest.fixture(scope="module")
def answer() -> Any:
    """Without its platform: the page needs no server."""
    return TestClient(create_app(Settings(_env_file=None))).get("/docs")


@pytest.fixture(scope="module")
def reader(answer: Any) -> Reader:
    reader = Reader()
    reader.feed(answer.text)
    assert reader.open == []
    return reader


def test_nothing_is_loaded_and_nothing_runs(answer: Any, reader: Reader) -> None:
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert not reader.tags & {"script", "link", "img", "iframe", "object", "form"}
    assert not [name for name, _ in reader.attributes if name in ("src", "style")]
    assert not [name for name, _ in reader.attributes if name.startswith("on")]
    assert all(link.startswith("#") or link == "/openapi.json" for link in reader.values("href"))


def test_its_policy_allows_its_own_style_only(answer: Any) -> None:
    (style,) = re.findall("(?s)<style>(.*?)</style>", answer.text)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["style-src"] == f"'sha256-{digest}'"
    assert "script-src" not in policy


def test_links_lead_somewhere(reader: Reader) -> None:
    anchors = {link[1:] for link in reader.values("href") if link.startswith("#")}
    assert anchors
    assert anchors <= reader.values("id")


def test_every_operation_is_there_with_an_example_of_each_event(answer: Any) -> None:
    document = TestClient(create_app(Settings(_env_file=None))).get("/openapi.json").json()
    for path in document["paths"]:
        assert f"<code>{path}</code>" in answer.text
    for slug in PROJECTS:
        assert f"localhost:8000{PREDICT.format(project=slug)} --json" in answer.text


def test_texts_are_shown_and_not_obeyed() -> None:
    evil = "<script>alert(1)</script>"
    operation: dict[str, Any] = {
        "summary": evil,
        "description": evil,
        "responses": {evil: {"description": evil}},
    }
    operation |= {"parameters": [{"name": evil, "in": "query", "description": evil}]}
    body = {"content": {evil: {"schema": {"enum": [evil]}, "example": {evil: evil}}}}
    schemas = {evil: {"properties": {evil: {"type": evil, "default": evil}}}}
    made = page(
        {
            "info": {"title": evil, "description": evil},
            "paths": {f"/{evil}": {"get": {**operation, "requestBody": body, "tags": [evil]}}},
            "components": {"schemas": schemas},
        }
    )
    assert "<script" not in made
    assert made.count("&lt;script&gt;") > 10


@pytest.mark.parametrize("path", ["/redoc", "/docs/oauth2-redirect", "/docs/anything"])
def test_there_are_no_other_pages(path: str) -> None:
    assert TestClient(create_app(Settings(_env_file=None))).get(path).status_code == 404
