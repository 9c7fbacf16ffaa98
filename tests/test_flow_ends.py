"""However a flow ends, its runs in MLflow say so, at once or from the next start on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from confluent_kafka.admin import AdminClient

from flows.settings import Settings
from scripts.kafka import Record
from scripts.local.ports import free_port
from tests.flow_process import FlowProcess, fraud_records, live, seen, send
from tests.flow_remains import PROJECT, curve, ends

NO_EPOCH = ("-s", "3600")


def test_a_flow_killed_before_its_first_epoch_is_closed_by_the_next(
    surroundings: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = surroundings(start_from="earliest")
    store = live(settings)
    send(settings, PROJECT.topic, fraud_records(300))
    before = ends(settings)
    with FlowProcess(settings, tmp_path / "recovery", arguments=NO_EPOCH) as flow:
        flow.until(lambda: 300 in curve(settings, store))
        flow.kill()
    (died,) = ends(settings).keys() - before.keys()
    assert ends(settings)[died] == "RUNNING"
    with FlowProcess(settings, tmp_path / "recovery") as flow:
        flow.until(lambda: ends(settings)[died] == "KILLED")
        flow.until(lambda: 300 in curve(settings, store))
        assert flow.stop() == 0
    after = {run: end for run, end in ends(settings).items() if run not in before}
    assert Counter(after.values()) == {"KILLED": 1, "FINISHED": 1}


def test_a_flow_whose_step_fails_is_not_called_finished(
    surroundings: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = surroundings(start_from="earliest")
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    for deleted in admin.delete_topics([PROJECT.dead_letters_topic]).values():
        deleted.result()
    before = ends(settings)
    send(settings, PROJECT.topic, fraud_records(100))
    with FlowProcess(settings, tmp_path / "recovery") as flow:
        flow.until(lambda: 100 in curve(settings, live(settings)))
        send(settings, PROJECT.topic, [Record(None, b"no event")])
        assert flow.wait() == 1
    after = {run: end for run, end in ends(settings).items() if run not in before}
    assert list(after.values()) == ["FAILED"], flow.output()


def test_a_process_that_outlives_another_is_not_called_finished(
    surroundings: Callable[..., Settings], tmp_path: Path
) -> None:
    settings = surroundings(start_from="earliest", shards=2)
    store, before = live(settings), ends(settings)
    send(settings, PROJECT.topic, fraud_records(600))
    addresses = f"127.0.0.1:{free_port()};127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(
                FlowProcess(
                    settings, tmp_path / "recovery", arguments=("-i", number, "-a", addresses)
                )
            )
            for number in "01"
        )
        one.until(lambda: seen(store, 0) + seen(store, 1) == 600)
        one.until(lambda: len(ends(settings).keys() - before.keys()) == 2)
        one.kill()
        assert other.wait() != 0
    after = {run: end for run, end in ends(settings).items() if run not in before}
    assert Counter(after.values()) == {"KILLED": 1, "RUNNING": 1}
