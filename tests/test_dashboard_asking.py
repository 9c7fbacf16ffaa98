"""Asking several models at once, and telling what came true."""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import json
from typing import Any

import panel_material_ui as pmui
import pytest

from dashboard import theme
from dashboard.client import Client, Failure
from dashboard.store import Store
from dashboard.views.beside import Beside
from dashboard.views.binary import BinaryVerdict
from dashboard.views.clustering import ClusterVerdict
from dashboard.views.forecasting import ForecastingVerdict
from dashboard.views.labelling import Labelling
from dashboard.views.multiclass import MulticlassVerdict
from dashboard.views.predict import Predict
from dashboard.views.regression import RegressionVerdict
from dashboard.views.tasks import Verdict
from flows import projects
from flows.projects import fraud
from tests.http_server import HttpServer

SURE = {"probability": 0.62, "decision": 1, "threshold": 0.3}
UNSURE = {"probability": 0.1, "decision": 0, "threshold": 0.3}
ACCEPTED = {"event_id": "e", "topic": "labels", "partition": 0, "offset": 7}


def said(alias: str, prediction: dict[str, Any]) -> dict[str, Any]:
    model = {"alias": alias, "version": alias, "source": "live", "events_learned": 9}
    return {
        "prediction_id": f"by-{alias}",
        "prediction": prediction,
        "reasons": None,
        "model": model | {"age_seconds": 1.0},
    }


def answers(reply: Any) -> tuple[Predict, HttpServer]:
    """Ask an API that answers so, with one more model chosen."""

    async def once(url: str) -> Predict:
        client = Client(url)
        predict = Predict(fraud.PROJECT, Store(client), BinaryVerdict())
        predict.beside.choice.value = ["baseline"]
        await predict._ask(None)
        await predict.labelling._send(None)
        await client.close()
        return predict

    with HttpServer(lambda path: (200, json.dumps(reply(path)))) as server:
        return asyncio.run(once(server.url)), server


def reply(path: str) -> dict[str, Any]:
    if "predict" in path:
        return {"predictions": [said("live", SURE), said("baseline", UNSURE)]}
    return ACCEPTED


def test_models_that_were_chosen_answer_side_by_side() -> None:
    predict, server = answers(reply)
    assert server.asked[0] == "/projects/fraud/predict?model=live%2Cbaseline"
    assert predict._verdict.answer == SURE
    assert predict.beside._bars._pipe.data == [
        ("live: 62.0 %, positive", 0.62, theme.ACCENT),
        ("baseline: 10.0 %, negative", 0.1, theme.QUIET),
    ]


def test_label_belongs_to_the_answer_that_is_shown() -> None:
    predict, server = answers(reply)
    assert server.asked[1] == "/projects/fraud/labels"
    assert json.loads(server.bodies[1]) == {"prediction_id": "by-live", "label": 0}
    assert "labels, partition 0, offset 7" in predict.labelling.said.object
    assert predict.labelling.send.disabled


def test_nobody_is_asked_beside_the_one_that_serves_unless_chosen() -> None:
    beside = Beside(fraud.PROJECT, BinaryVerdict())
    assert beside.asked == []
    beside.tell([said("live", SURE)])
    assert not beside.__panel__().visible


def test_newest_versions_are_offered_and_chosen_ones_stay() -> None:
    beside = Beside(fraud.PROJECT, BinaryVerdict())
    beside.offer([{"version": number} for number in range(20, 10, -1)])
    assert beside.choice.options == ["champion", "baseline", "20", "19", "18", "17", "16", "15"]
    beside.choice.value = ["15"]
    beside.offer([{"version": number} for number in range(30, 20, -1)])
    assert beside.choice.options[-1] == "15"
    assert beside.asked == ["live", "15"]


@pytest.mark.parametrize(
    ("verdict", "prediction", "words"),
    [
        (RegressionVerdict(unit="s"), {"value": 75.0}, "1 min 15 s"),
        (ClusterVerdict(), {"name": "visits", "distance": 1.5}, "visits, 1.50 away"),
        (ForecastingVerdict(unit="units"), {"today": {"value": 12.0}}, "12 units"),
        (MulticlassVerdict(), {"decision": "oak", "probability": 0.7}, "oak, 70.0 %"),
        (Verdict(), {"rank": 3}, "3.000"),
    ],
)
def test_every_task_says_its_answer_in_brief(
    verdict: Verdict, prediction: dict[str, Any], words: str
) -> None:
    assert verdict.brief(prediction)[0] == words


@pytest.mark.parametrize(
    ("verdict", "kind"),
    [
        (BinaryVerdict(), pmui.Select),
        (MulticlassVerdict(), pmui.TextInput),
        (RegressionVerdict(), pmui.FloatInput),
    ],
)
def test_label_is_asked_for_as_the_task_has_them(verdict: Verdict, kind: type) -> None:
    labelling = Labelling(fraud.PROJECT, Store(Client("http://127.0.0.1:1")), verdict)
    assert isinstance(labelling.input, kind)


def test_project_without_labels_asks_for_none() -> None:
    store = Store(Client("http://127.0.0.1:1"))
    labelling = Labelling(projects.get("interactions"), store, ClusterVerdict())
    labelling.ask("p")
    assert not labelling.__panel__().visible


def test_refused_label_is_shown_and_can_be_sent_again() -> None:
    labelling = Labelling(fraud.PROJECT, Store(Client("http://127.0.0.1:1")), BinaryVerdict())
    labelling.ask("p")
    labelling.told(Failure(422, "Invalid", "label 7 is not 0 or 1"))
    assert labelling._problem.message == "label 7 is not 0 or 1"
    assert not labelling.send.disabled
