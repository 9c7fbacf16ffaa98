"""The living stream of payments: people return, causes make fraud, and drift changes them."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from flows.errors import SettingsError
from flows.projects import fraud
from scripts.streams import Drift, Event, Scenario, Truth, drawn, events, get

Drawn = list[tuple[Event, Truth]]
MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def draw(count: int, **arguments: Any) -> Drawn:
    return list(drawn("fraud", profile="living", count=count, start=MONDAY, **arguments))


@pytest.fixture(scope="module")
def usual() -> Drawn:
    return draw(40_000, seed=100)


@pytest.fixture(scope="module")
def drifted() -> Drawn:
    return draw(12_000, seed=101, drifts=[Drift()], fraud_share=0.05)


@pytest.fixture(scope="module")
def often() -> Drawn:
    """Much fraud of the usual kind."""
    return draw(12_000, seed=101, fraud_share=0.05)


def labels(found: Drawn) -> Any:
    return np.array([event["is_fraud"] for event, _ in found])


def probabilities(found: Drawn) -> Any:
    return np.array([truth["probability"] for _, truth in found])


def of_cause(found: Drawn, *causes: str) -> list[Event]:
    return [event for event, truth in found if truth["cause"] in causes]


def share(found: list[Event], field: str, value: object) -> float:
    return float(np.mean([event[field] == value for event in found]))


def test_fields_are_those_of_the_project_in_order(usual: Drawn) -> None:
    for event, _ in usual[:200]:
        assert tuple(event) == fraud.Transaction.__struct_fields__


def test_about_one_percent_is_fraud(usual: Drawn) -> None:
    assert 0.008 <= labels(usual).mean() <= 0.015


def test_labels_follow_from_their_probabilities(usual: Drawn) -> None:
    p = probabilities(usual)
    assert abs(labels(usual).sum() - p.sum()) <= 4 * math.sqrt((p * (1 - p)).sum())
    for low, high in [(0.0, 0.01), (0.01, 0.5), (0.5, 0.95), (0.95, 1.0)]:
        chosen = (p >= low) & (p <= high)
        deviation = math.sqrt((p * (1 - p))[chosen].sum())
        assert abs(labels(usual)[chosen].sum() - p[chosen].sum()) <= 4 * deviation + 1


def test_one_who_knows_all_tells_fraud_well_but_not_perfectly(usual: Drawn) -> None:
    assert 0.97 <= roc_auc_score(labels(usual), probabilities(usual)) <= 0.999


def test_users_return(usual: Drawn) -> None:
    counts = Counter(event["user_id"] for event, _ in usual)
    assert 2_000 <= len(counts) <= 3_300
    assert np.median(list(counts.values())) >= 5
    assert max(counts.values()) <= 0.05 * len(usual)


def test_users_have_a_home_devices_and_ways_of_paying(usual: Drawn) -> None:
    by_user: dict[str, list[Event]] = defaultdict(list)
    for event in of_cause(usual, "habit"):
        by_user[event["user_id"]].append(event)
    for found in (found for found in by_user.values() if len(found) >= 40):
        lat = np.array([event["location"]["lat"] for event in found])
        assert np.mean(abs(lat - np.median(lat)) < 1) >= 0.5
        for field, most, least in [("user_agent", 3, 0.6), ("payment_method", 2, 0.8)]:
            used = Counter(event[field] for event in found)
            assert sum(count for _, count in used.most_common(most)) >= least * len(found)


def test_accounts_grow_older(usual: Drawn) -> None:
    ages: dict[str, int] = {}
    for event in of_cause(usual, "habit"):
        assert event["account_age_days"] >= ages.get(event["user_id"], 0)
        ages[event["user_id"]] = event["account_age_days"]


def test_a_day_has_its_rhythm_and_the_rate_of_the_stream() -> None:
    one = events("fraud", profile="living", start=MONDAY, users=500)
    times = (datetime.fromisoformat(event["timestamp"]) for event in one)
    by_hour = Counter(time.hour for time in takewhile(lambda time: time.day == MONDAY.day, times))
    assert len(by_hour) == 24
    assert max(by_hour.values()) >= 2 * min(by_hour.values())
    assert by_hour.total() / 86_400 == pytest.approx(get("fraud", "living").rate, rel=0.2)


def test_usual_fraud_is_by_strangers_with_high_amounts_and_missing_card_data(
    often: Drawn,
) -> None:
    habit, takeover = of_cause(often, "habit"), of_cause(often, "takeover")
    amounts = [np.median([event["amount"] for event in found]) for found in (habit, takeover)]
    assert amounts[1] > 4 * amounts[0]
    assert share(habit, "cvv_provided", True) > 0.95
    assert 0.4 < share(takeover, "cvv_provided", True) < 0.6
    assert share(of_cause(often, "stolen_card"), "cvv_provided", False) > 0.8
    known = {(event["user_id"], event["user_agent"]) for event in habit}
    assert np.mean([(event["user_id"], event["user_agent"]) in known for event in takeover]) < 0.1
    new = of_cause(often, "new_account")
    assert max(event["account_age_days"] for event in new) <= 20


def test_after_a_severe_drift_fraud_is_of_small_amounts_with_all_card_data(
    drifted: Drawn, often: Drawn
) -> None:
    habit, imitation = of_cause(drifted, "habit"), of_cause(drifted, "imitation")
    assert {truth["cause"] for _, truth in drifted} == {"habit", "imitation"}
    assert "imitation" not in {truth["cause"] for _, truth in often}
    amounts = [np.median([event["amount"] for event in found]) for found in (habit, imitation)]
    assert amounts[1] < amounts[0] / 4
    assert share(imitation, "cvv_provided", True) > 0.95
    assert labels(drifted).mean() == pytest.approx(labels(often).mean(), rel=0.6)
    assert roc_auc_score(labels(drifted), probabilities(drifted)) >= 0.97


def test_what_gave_fraud_away_does_so_no_more_after_a_severe_drift(
    often: Drawn, drifted: Drawn
) -> None:
    def risk_of_high_amounts(found: Drawn) -> float:
        return float(np.mean([event["is_fraud"] for event, _ in found if event["amount"] > 600]))

    assert risk_of_high_amounts(often) > 0.3
    assert risk_of_high_amounts(drifted) < 0.02


@pytest.mark.parametrize("severity", ["mild", "moderate"])
def test_lesser_drifts_have_fraud_of_both_kinds(severity: Any) -> None:
    found = draw(8_000, drifts=[Drift(severity=severity)], fraud_share=0.05)
    frauds = [truth["cause"] for event, truth in found if event["is_fraud"]]
    assert 0.1 < frauds.count("imitation") / len(frauds) < 0.9


def test_attack_is_on_one_merchant_from_many_accounts_in_a_short_time() -> None:
    found = draw(4_000, scenarios=[Scenario("attack", 1_000, 500)])
    attack = [
        (number, event) for number, (event, truth) in enumerate(found) if truth["cause"] == "attack"
    ]
    numbers = [number for number, _ in attack]
    assert min(numbers) >= 1_000 and max(numbers) < 1_600
    assert len(attack) > 50
    assert len({event["merchant_id"] for _, event in attack}) == 1
    assert len({event["user_id"] for _, event in attack}) > 0.5 * len(attack)
    assert np.mean([event["is_fraud"] for _, event in attack]) > 0.8


def test_holiday_makes_payments_more_and_higher() -> None:
    usual, holiday = (
        draw(4_000, scenarios=scenarios) for scenarios in ([], [Scenario("holiday", 0, 4_000)])
    )
    ends = [datetime.fromisoformat(found[-1][0]["timestamp"]) for found in (usual, holiday)]
    assert ends[1] - MONDAY < 0.9 * (ends[0] - MONDAY)
    spent = [np.median([event["amount"] for event, _ in found]) for found in (usual, holiday)]
    assert spent[1] > 1.2 * spent[0]


def test_anomalies_are_as_many_as_asked_for() -> None:
    def odd(event: Event) -> bool:
        place: dict[str, float] = event["location"]
        return place["lat"] == 90 or bool(
            event["account_age_days"] > 50_000 or event["amount"] > 10_000
        )

    found = draw(4_000, anomaly_rate=0.1)
    assert sum(odd(event) for event, _ in found) == pytest.approx(400, abs=4 * 19)
    assert not any(odd(event) for event, _ in draw(2_000))


@pytest.mark.parametrize(("name", "value"), [("users", 0), ("merchants", 19), ("fraud_share", 1.5)])
def test_impossible_option_is_refused_by_name_and_value(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=f"{name}={value}"):
        draw(1, **{name: value})
