from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, HTTPException
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from api import problems
from api.bodies import LARGEST_BODY, BodyLimit, InvalidBody, decode_object, read_body

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    app = FastAPI()
    app.add_middleware(BodyLimit)
    problems.install(app)

    async def size(body: Annotated[bytes, Depends(read_body)]) -> int:
        return len(body)

    app.add_api_route("/size", size, methods=["POST"])
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@given(st.binary(max_size=200))
def test_decode_object_of_any_bytes_is_an_object_or_a_clear_error(body: bytes) -> None:
    try:
        assert isinstance(decode_object(body), dict)
    except HTTPException as error:
        assert error.status_code == 400
    except InvalidBody as error:
        assert error.location == ""


@pytest.mark.parametrize("body", [b"", b'{"a":', b"\xff", b'{"a": NaN}', b'{"a":' + b"[" * 100_000])
def test_decode_object_of_no_json_is_a_400(body: bytes) -> None:
    with pytest.raises(HTTPException, match="no JSON"):
        decode_object(body)


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"null", b"1"])
def test_decode_object_of_other_json_says_what_it_expected(body: bytes) -> None:
    with pytest.raises(InvalidBody, match="Expected `object`"):
        decode_object(body)


def test_body_of_the_largest_size_is_read(client: TestClient) -> None:
    answer = client.post("/size", content=b"x" * LARGEST_BODY, headers=JSON)
    assert (answer.status_code, answer.json()) == (200, LARGEST_BODY)


def test_body_with_too_large_a_declared_size_is_a_413(client: TestClient) -> None:
    answer = client.post("/size", content=b"x" * (LARGEST_BODY + 1), headers=JSON)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == problems.MEDIA_TYPE


def test_body_that_turns_out_too_large_is_a_413(client: TestClient) -> None:
    chunks = (b"x" * 100_000 for _ in range(11))
    answer = client.post("/size", content=chunks, headers=JSON)
    assert answer.status_code == 413
    assert "1000000 bytes" in answer.json()["detail"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_body_that_a_foreign_page_could_send_is_a_415(client: TestClient, kind: str) -> None:
    answer = client.post("/size", content=b"{}", headers={"Content-Type": kind})
    assert answer.status_code == 415


def test_body_of_json_with_a_charset_is_read(client: TestClient) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert client.post("/size", content=b"{}", headers=headers).json() == 2
