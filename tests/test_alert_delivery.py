"""Alerts reach whom they should: routes by amtool, and one alert from Prometheus to a webhook."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from scripts.local.ports import free_port
from tests.alerting import (
    ALERTMANAGER,
    MONITORING,
    SECRETS,
    Mailbox,
    alertmanager_config,
    has_alertmanager,
    has_prometheus,
    running,
    until,
)
from tests.test_alert_rules import EVERY

CONFIG = yaml.safe_load((MONITORING / "alertmanager/alertmanager.yml").read_text(encoding="utf-8"))
MAIL = {
    "smtp-host": "127.0.0.1:9",
    "smtp-user": "realtime",
    "mail-from": "realtime@here.invalid",
    "mail-to": "on-call@here.invalid",
}


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    """Where all alerts of this file go."""
    with Mailbox() as mailbox:
        yield mailbox


@pytest.fixture(scope="module")
def config(mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is deployed, with addresses of the mailbox, and without a wait before the first word."""
    directory = tmp_path_factory.mktemp("alertmanager")
    for name in _secrets():
        (directory / name).write_text(MAIL.get(name, f"{mailbox.url}/{name}"))
    text = re.sub(r"group_wait: \w+", "group_wait: 0s", alertmanager_config(directory))
    path = directory / "alertmanager.yml"
    path.write_text(text)
    return path


def _secrets() -> set[str]:
    return set(re.findall(rf"{SECRETS}/([a-z-]+)", yaml.safe_dump(CONFIG))) | MAIL.keys()


def test_secrets_are_those_that_the_readme_and_the_example_name() -> None:
    k8s = MONITORING.parents[1]
    lines = (k8s / "overlays/k3d/secrets/alertmanager.env.example").read_text().splitlines()
    assert {line.split("=")[0] for line in lines if not line.startswith("#")} == _secrets()
    [row] = re.findall(r"^\| `alertmanager` .+$", (k8s / "README.md").read_text(), re.MULTILINE)
    assert set(re.findall(r"`([a-z-]+)`", row)) - {"alertmanager"} == _secrets()


def test_mail_goes_where_the_secret_says(config: Path) -> None:
    """All braces are filled in, and no address is written into the file."""
    told = yaml.safe_load(config.read_text())
    [mail] = [one for receiver in told["receivers"] for one in receiver.get("email_configs", [])]
    assert mail["to"] == MAIL["mail-to"]
    assert told["global"]["smtp_smarthost"] == MAIL["smtp-host"]
    assert told["global"]["smtp_from"] == MAIL["mail-from"]
    assert told["global"]["smtp_auth_username"] == MAIL["smtp-user"]
    written = (MONITORING / "alertmanager/alertmanager.yml").read_text()
    assert set(re.findall(r"\{([a-z-]+)\}", written)) == MAIL.keys()
    assert "@" not in written


def test_every_kind_of_receiver_is_there_and_its_secrets_are_files() -> None:
    kinds = {kind for receiver in CONFIG["receivers"] for kind in receiver if kind != "name"}
    known = ("slack", "discord", "email", "pagerduty", "webhook")
    assert kinds == {f"{name}_configs" for name in known}
    text = yaml.safe_dump(CONFIG)
    assert "http://" not in text
    assert "https://" not in text
    assert not re.search(r"\b(api_url|routing_key|url|webhook_url|password): ", text)


def test_each_route_says_when_and_how_often() -> None:
    for route in (CONFIG["route"], *CONFIG["route"]["routes"]):
        assert {"receiver", "group_wait", "group_interval", "repeat_interval"} <= route.keys()


def test_inhibition_names_alerts_that_exist() -> None:
    for rule in CONFIG["inhibit_rules"]:
        for side in ("source_matchers", "target_matchers"):
            for matcher in rule[side]:
                name, pattern = re.split(r"\s*=~?\s*", matcher.replace('"', ""))
                if name == "alertname":
                    for each in pattern.split("|"):
                        assert any(re.fullmatch(each, alert) for alert in EVERY), each


@has_alertmanager
@pytest.mark.parametrize("alert", EVERY)
def test_an_alert_goes_by_its_severity(alert: str, config: Path) -> None:
    severity = EVERY[alert]["labels"]["severity"]
    expected = {"critical": "on-call", "warning": "chat", "info": "log", "none": "heartbeat"}
    labels = [f"alertname={alert}", f"severity={severity}", "project=fraud"]
    command = ["amtool", "config", "routes", "test", f"--config.file={config}", *labels]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert told.split() == [expected[severity]]


@has_alertmanager
def test_alertmanager_takes_the_configuration(config: Path) -> None:
    subprocess.run(["amtool", "check-config", config], check=True, capture_output=True)


def _rules(directory: Path) -> Path:
    """The rule of targets that are down, and the one that always fires, at once."""
    rules = [{**EVERY[name], "for": "0s"} for name in ("TargetDown", "Watchdog")]
    path = directory / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "now", "rules": rules}]}))
    return path


def _prometheus(directory: Path, alertmanager: str) -> list[str]:
    nobody = {"targets": [f"127.0.0.1:{free_port()}"]}
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(_rules(directory))],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alertmanager]}]}]},
        "scrape_configs": [{"job_name": "api", "static_configs": [nobody]}],
    }
    path = directory / "prometheus.yml"
    path.write_text(yaml.safe_dump(config))
    return ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={directory / 'data'}"]


@has_prometheus
@has_alertmanager
@pytest.mark.slow
def test_an_alert_of_prometheus_is_delivered(
    mailbox: Mailbox, config: Path, tmp_path: Path
) -> None:
    there, address = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    assert ALERTMANAGER is not None
    alertmanager = [
        *(ALERTMANAGER, f"--config.file={config}", f"--web.listen-address={there}"),
        *(f"--storage.path={tmp_path / 'alerts'}", "--cluster.listen-address="),
    ]
    prometheus = [*_prometheus(tmp_path, there), f"--web.listen-address={address}"]
    with (
        running(alertmanager, f"http://{there}", tmp_path / "alertmanager.log"),
        running(prometheus, f"http://{address}", tmp_path / "prometheus.log"),
    ):
        until(lambda: mailbox.got("/slack-url", "TargetDown"), "a word on Slack")
        until(lambda: mailbox.got("/discord-url", "TargetDown"), "a word on Discord")
        until(lambda: mailbox.got("/heartbeat-url", "Watchdog"), "a heartbeat")
    assert not mailbox.got("/slack-url", "Watchdog")
    assert not mailbox.got("/webhook-url", "")
