"""The switch that lets a flow learn or pause."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from dashboard.client import Client
from dashboard.store import Store
from dashboard.views.training import Training
from tests.http_server import HttpServer


def tell(status: int, body: dict[str, Any], learn: bool) -> tuple[Training, list[str]]:
    """Tell an API that answers so."""

    async def once(url: str) -> Training:
        client = Client(url)
        training = Training("fraud", Store(client))
        training.follow("running" if not learn else "paused")
        await training.tell(learn)
        await client.close()
        return training

    with HttpServer(lambda _path: (status, json.dumps(body))) as server:
        return asyncio.run(once(server.url)), server.asked


@pytest.mark.parametrize(
    ("wanted", "value", "disabled"),
    [("running", True, False), ("paused", False, False), (None, True, True)],
)
def test_switch_shows_what_the_flow_is_told(
    wanted: str | None, value: bool, disabled: bool
) -> None:
    training = Training("fraud", Store(Client("http://127.0.0.1:1")))
    training.follow(wanted)
    assert (training.switch.value, training.switch.disabled) == (value, disabled)


def test_flow_is_told() -> None:
    training, asked = tell(200, {"wanted": "paused"}, learn=False)
    assert asked == ["/projects/fraud/training"]
    assert not training.problem.__panel__().visible


def test_older_word_of_the_flow_does_not_turn_the_switch_back() -> None:
    training, _ = tell(200, {"wanted": "running"}, learn=True)
    training._show(True, disabled=False)
    training.follow("paused")
    assert training.switch.value


def test_failure_is_shown_and_the_switch_turned_back() -> None:
    body = {"title": "Redis does not answer", "detail": "try later"}
    training, _ = tell(503, body, learn=False)
    assert training.problem.title == "Redis does not answer"
    assert training.switch.value
    training.follow("paused")
    assert not training.switch.value
