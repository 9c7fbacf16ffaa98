"""Every alert fires when it should and is silent otherwise, by Prometheus' own promtool."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
Series = dict[str, str]


@dataclass(frozen=True, slots=True)
class Case:
    """How an alert's state comes about; series in which it fires, and in which it does not."""

    alert: str
    how: str
    fires: Series
    quiet: Series | None


CASES = [
    Case(**one)
    for one in yaml.safe_load((ROOT / "tests/alert_cases.yml").read_text(encoding="utf-8"))
]
RULES = sorted((ROOT / "k8s/components/monitoring/rules").glob("*.yml"))
RUNBOOKS = ROOT / "k8s/RUNBOOKS.md"
LONGEST_FILE = 45
KNOWN = {one.alert: one for one in CASES}
NAMES = [path.stem for path in RULES]

promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="no `promtool`; install Debian's prometheus"
)


def alerts(path: Path) -> list[dict[str, Any]]:
    groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


EVERY = {rule["alert"]: rule for path in RULES for rule in alerts(path)}


def test_there_are_enough_alerts_and_a_case_for_each() -> None:
    assert len(EVERY) >= 30
    assert EVERY.keys() == KNOWN.keys()
    assert len(CASES) == len(KNOWN)


@pytest.mark.parametrize("alert", EVERY.values(), ids=EVERY)
def test_an_alert_says_how_bad_it_is_what_it_means_and_what_to_do(alert: dict[str, Any]) -> None:
    severity = alert["labels"]["severity"]
    assert severity in ("critical", "warning", "info") or alert["alert"] == "Watchdog"
    told = alert["annotations"]
    assert told.keys() == {"summary", "description", "runbook_url"}
    assert told["description"].endswith(".")
    assert not told["summary"].endswith(".")
    assert told["runbook_url"] == f"k8s/RUNBOOKS.md#{alert['alert'].lower()}"


@pytest.mark.parametrize("alert", EVERY)
def test_an_alert_has_a_runbook_with_something_to_do(alert: str) -> None:
    parts = re.split(r"^### ", RUNBOOKS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    (text,) = [part for part in parts if part.splitlines()[0] == alert]
    assert len(" ".join(text.splitlines()[1:])) > 60


@pytest.mark.parametrize("alert", EVERY.values(), ids=EVERY)
def test_no_alert_only_asks_whether_something_is_absent(alert: dict[str, Any]) -> None:
    assert "absent(" not in alert["expr"]


@pytest.mark.parametrize("path", RULES, ids=NAMES)
def test_files_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE


@promtool
def test_prometheus_takes_the_rules() -> None:
    subprocess.run(["promtool", "check", "rules", *RULES], check=True, capture_output=True)


@promtool
@pytest.mark.parametrize("path", RULES, ids=NAMES)
def test_alerts_fire_and_are_silent(path: Path, tmp_path: Path) -> None:
    cases = [KNOWN[rule["alert"]] for rule in alerts(path)]
    told = check(path, [test for case in cases for test in _tests(case)], tmp_path)
    assert told == ""


@promtool
def test_the_check_finds_an_alert_that_does_not_fire(tmp_path: Path) -> None:
    case = KNOWN["RedisDown"]
    rules = next(path for path in RULES if path.stem == "redis")
    assert case.quiet is not None
    told = check(rules, [_test(case, case.quiet, fires=True)], tmp_path)
    assert "RedisDown" in told


def check(rules: Path, tests: list[dict[str, Any]], directory: Path) -> str:
    """What promtool finds wrong."""
    file = directory / "tests.yml"
    file.write_text(
        json.dumps({"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": tests})
    )
    done = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def _tests(case: Case) -> Iterator[dict[str, Any]]:
    yield _test(case, case.fires, fires=True)
    if case.quiet is not None:
        yield _test(case, case.quiet, fires=False)


def _test(case: Case, series: Series, *, fires: bool) -> dict[str, Any]:
    firing = f'count(ALERTS{{alertname="{case.alert}",alertstate="firing"}})'
    found = [{"labels": "{}", "value": 1}] if fires else []
    return {
        "name": f"{case.alert}: {case.how}" if fires else f"{case.alert} is silent",
        "interval": "1m",
        "input_series": [
            {"series": name, "values": values if "x" in values else f"{values}x120"}
            for name, values in series.items()
        ],
        "promql_expr_test": [{"expr": firing, "eval_time": "90m", "exp_samples": found}],
    }
