"""Logs are collected, kept and alerted on: by labels that there are, by what is really logged."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from flows import logs
from flows.streaming.guard import guarded
from flows.streaming.messages import Source
from flows.streaming.topic_watch import offset_gone
from scripts.grafana_boards import boards
from scripts.relay import enclosed
from tests import test_alert_rules
from tests.k8s_objects import K8S, OVERLAYS, ROOT, Pods, pods
from tests.test_k8s_network import allowed

EACH = pytest.mark.parametrize("overlay", OVERLAYS)
LOGGING = K8S / "components/logging"
CONFIG = yaml.safe_load((LOGGING / "loki/loki.yml").read_text(encoding="utf-8"))
ALERTS = {rule["alert"]: rule for rule in test_alert_rules.alerts(LOGGING / "loki/rules.yml")}
ALLOY = (LOGGING / "alloy/config.alloy").read_text(encoding="utf-8")
EVERY = pytest.mark.parametrize("name", ALERTS)


def pattern(name: str) -> re.Pattern[str]:
    """What an alert looks for in lines."""
    [(kind, text)] = re.findall(r"(\|[=~]) `([^`]+)`", ALERTS[name]["expr"])
    return re.compile(text if kind == "|~" else re.escape(text))


def line(level: int, message: str, error: BaseException | None = None) -> str:
    """A line as our parts write it."""
    told = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("flows", level, "a.py", 1, message, (), told)
    return logs.JsonLines({"part": "flow", "project": "fraud"}).format(record)


def uncaught() -> str:
    done = subprocess.run(
        [sys.executable, "-c", "raise ValueError(7)"], capture_output=True, text=True, check=False
    )
    return done.stderr.splitlines()[0]


def failed_step(caplog: pytest.LogCaptureFixture) -> str:
    """What a step's failure looks like in a container."""

    def learn() -> None:
        raise ZeroDivisionError("no pages")

    with pytest.raises(ZeroDivisionError):
        guarded(learn)()
    return logs.JsonLines({"project": "fraud"}).format(caplog.records[-1])


QUIET = [
    line(logging.INFO, "reading transaction_fraud_detection/0 from offset 7"),
    line(logging.WARNING, "MLflow does not answer; asking again"),
    '{"level": "info", "msg": "a password is set"}',
    "2026-11-22 08:00:00,000 INFO Kafka Server started (kafka.server.KafkaRaftServer)",
]


@EVERY
def test_an_alert_is_as_complete_as_those_of_metrics(name: str) -> None:
    test_alert_rules.test_an_alert_says_how_bad_it_is_what_it_means_and_what_to_do(ALERTS[name])
    test_alert_rules.test_an_alert_has_a_runbook_with_something_to_do(name)
    assert name not in test_alert_rules.EVERY
    assert ALERTS[name]["expr"].startswith("sum by (")


@EVERY
def test_an_alert_names_labels_that_lines_have(name: str) -> None:
    expression = ALERTS[name]["expr"]
    [selector] = re.findall(r"\{([^}]*)\}", expression)
    used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector))
    used |= set(re.findall(r"\w+", re.findall(r"by \(([^)]*)\)", expression)[0]))
    used |= set(re.findall(r"\$labels\.(\w+)", str(ALERTS[name]["annotations"])))
    assert used <= labels()


def labels() -> set[str]:
    """What Alloy says of every line."""
    targets = set(re.findall(r'target_label\s+= "(\w+)"', ALLOY))
    [levels] = re.findall(r"stage\.labels \{\s+values = \{ (\w+) = \"\" \}", ALLOY)
    return targets | {levels}


def test_boards_name_labels_that_lines_have() -> None:
    [board] = [board for board in boards() if board.reads == "logs"]
    for panel in board.panels:
        for query in panel.queries.values():
            [selector] = re.findall(r"\{([^}]*)\}", query)
            assert set(re.findall(r"(\w+)\s*=~?", selector)) <= labels()


def test_alloy_reads_the_fields_that_our_lines_have() -> None:
    [fields] = re.findall(r"expressions = \{ (.+) \}", ALLOY)
    assert set(re.findall(r"\w+(?= =)", fields)) <= json.loads(QUIET[0]).keys()
    [(source, form)] = re.findall(r'source = "(\w+)"\s+format = "(\w+)"', ALLOY)
    assert form == "RFC3339Nano"
    time = json.loads(QUIET[0])[source]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", time)


def test_a_failed_step_is_found(caplog: pytest.LogCaptureFixture) -> None:
    assert pattern("FlowStepFails").search(failed_step(caplog))


def test_an_offset_that_is_gone_is_found() -> None:
    told = offset_gone(Source("transaction_fraud_detection", 0), 7)
    assert pattern("OffsetGone").search(line(logging.ERROR, told))
    source = (ROOT / "flows/streaming/kafka_source.py").read_text()
    [said] = re.findall(r'"(offset %d of %s is gone;[^"]+)"', source)
    assert pattern("OffsetGone").search(line(logging.WARNING, said % (7, "a/0", 9, 2)))


def test_what_nobody_caught_is_found_and_what_was_logged_is_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    looks = pattern("UncaughtError")
    panic = "thread '<unnamed>' panicked at src/worker.rs:124:13:"
    for text in (uncaught(), panic):
        assert looks.search(text)
        assert looks.search(enclosed("interactions-0", text))
    assert not looks.search(failed_step(caplog))


def test_a_full_disk_is_found() -> None:
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert pattern("DiskFull").search(line(logging.ERROR, "writing", error))


@pytest.mark.parametrize(
    "told",
    [
        "WRONGPASS invalid username-password pair or user is disabled.",
        "NOAUTH Authentication required.",
        'FATAL:  password authentication failed for user "mlflow"',
        "sasl_ssl://kafka:9093: SASL authentication error: Authentication failed",
        "<Code>SignatureDoesNotMatch</Code>",
    ],
)
def test_a_store_that_refuses_is_found(told: str) -> None:
    assert pattern("AccessRefused").search(line(logging.WARNING, told))


@EVERY
def test_an_alert_is_silent_while_nothing_is_wrong(name: str) -> None:
    assert [text for text in QUIET if pattern(name).search(text)] == []


def by_name(overlay: str) -> dict[str, Pods]:
    return {pod.owner["metadata"]["name"]: pod for pod in pods(overlay)}


def containers(name: str) -> Iterator[Any]:
    for overlay in OVERLAYS:
        [container] = by_name(overlay)[name].spec["containers"]
        yield container


def test_loki_reads_its_rules_where_they_are_mounted() -> None:
    for container in containers("loki"):
        mounts = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
        # The tenant of an installation without tenants.
        assert mounts["rules"] == f"{CONFIG['ruler']['storage']['local']['directory']}/fake"
        assert container["args"] == [f"-config.file={mounts['config']}/loki.yml"]
        written = (CONFIG["common"]["path_prefix"], CONFIG["ruler"]["rule_path"])
        assert all(path.startswith(mounts["data"]) for path in written)


def test_everybody_means_the_same_loki() -> None:
    sources = yaml.safe_load((K8S / "components/monitoring/grafana/sources.yml").read_text())
    [url] = [one["url"] for one in sources["datasources"] if one["type"] == "loki"]
    port = CONFIG["server"]["http_listen_port"]
    assert url == f"http://loki:{port}"
    assert f'url = "{url}/loki/api/v1/push"' in ALLOY
    for container in containers("loki"):
        assert [one["containerPort"] for one in container["ports"]] == [port]
    assert CONFIG["ruler"]["alertmanager_url"] == "http://alertmanager:9093"


@EACH
def test_who_writes_and_reads_logs_may_and_nobody_else(overlay: str) -> None:
    every = by_name(overlay)
    reach = {name for name, pod in every.items() if allowed(overlay, pod, every["loki"], 3100)}
    assert reach == {"alloy", "grafana", "prometheus"}
    alerts = {
        name for name, pod in every.items() if allowed(overlay, pod, every["alertmanager"], 9093)
    }
    assert alerts == {"loki", "prometheus"}


@EACH
def test_apps_that_alerts_name_are_there(overlay: str) -> None:
    named = {name for one in ALERTS.values() for name in re.findall(r'app="(\w+)"', one["expr"])}
    assert named <= {pod.labels["app.kubernetes.io/name"] for pod in pods(overlay)}
