"""The living shop: customers with habits, one catalogue, and a truth that no event tells."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import fmean, median

import msgspec
import pytest

from flows.errors import SettingsError
from flows.projects import interactions
from scripts import streams
from scripts.streams import Drift, Event, Scenario, Truth
from scripts.streams.personas import DRIFTED, PERSONAS, SHARES, between
from scripts.streams.shop import busyness

Drawn = list[tuple[Event, Truth]]

COUNT = 12_000


def draw(count: int = COUNT, **arguments: object) -> Drawn:
    return list(streams.drawn("interactions", profile="living", count=count, **arguments))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def drawn() -> Drawn:
    return draw(seed=0)


def visits(drawn: Drawn) -> dict[str, list[tuple[Event, Truth]]]:
    found: defaultdict[str, list[tuple[Event, Truth]]] = defaultdict(list)
    for event, truth in drawn:
        found[event["session_id"]].append((event, truth))
    return found


def of_persona(drawn: Drawn, persona: str) -> list[Event]:
    return [event for event, truth in drawn if truth["persona"] == persona]


def share(drawn: Drawn, persona: str) -> float:
    personas = [one[0][1]["persona"] for one in visits(drawn).values()]
    return personas.count(persona) / len(personas)


def test_every_event_decodes(drawn: Drawn) -> None:
    decode = msgspec.json.Decoder(interactions.Interaction).decode
    for event, _ in drawn:
        assert decode(msgspec.json.encode(event)).session_id == event["session_id"]


def test_same_seed_draws_the_same(drawn: Drawn) -> None:
    assert draw(500, seed=0) == drawn[:500]
    assert draw(500, seed=1) != drawn[:500]


def test_the_persona_is_the_truth_of_a_visit_and_in_no_field(drawn: Drawn) -> None:
    for steps in visits(drawn).values():
        assert len({truth["persona"] for _, truth in steps}) == 1
    texts = msgspec.json.encode([event for event, _ in drawn]).decode()
    assert all(persona not in texts for persona in PERSONAS)
    assert {truth["persona"] for _, truth in drawn} == set(PERSONAS)


def test_no_single_field_gives_a_persona_away(drawn: Drawn) -> None:
    for path in ("event_type", "product_category", "referrer_url", "product_id"):
        by_value: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for event, truth in drawn:
            by_value[str(event[path])][truth["persona"]] += 1
        commonest = sum(count.most_common(1)[0][1] for count in by_value.values())
        assert commonest / len(drawn) < 0.7, path


def test_personas_are_as_common_as_planned() -> None:
    drawn = draw(30_000, seed=2)
    for persona, planned in SHARES.items():
        assert share(drawn, persona) == pytest.approx(planned, abs=0.04)


def test_a_product_keeps_its_category_and_price(drawn: Drawn) -> None:
    found: defaultdict[str, set[tuple[str, float]]] = defaultdict(set)
    for event, _ in drawn:
        if event["product_id"]:
            found[event["product_id"]].add((event["product_category"], event["price"]))
    assert len(found) > 90
    assert all(len(one) == 1 for one in found.values())


def test_a_visit_has_one_customer_one_device_and_one_place(drawn: Drawn) -> None:
    for steps in visits(drawn).values():
        told = [
            (event["customer_id"], str(event["device_info"]), str(event["location"]))
            for event, _ in steps
        ]
        assert len(set(told)) == 1


def test_steps_are_counted_and_follow_each_other_by_the_time_on_page(drawn: Drawn) -> None:
    for steps in visits(drawn).values():
        events = [event for event, _ in steps]
        assert [one["session_event_sequence"] for one in events] == list(range(1, len(events) + 1))
        times = [msgspec.convert(one["timestamp"], datetime) for one in events]
        for before, time, after in zip(events, times, times[1:], strict=False):
            late = (after - time).total_seconds() - before["time_on_page_seconds"]
            assert 0 <= late <= 1.001


def test_events_are_in_the_order_of_time(drawn: Drawn) -> None:
    times = [event["timestamp"] for event, _ in drawn]
    assert times == sorted(times)


def test_what_is_bought_was_in_the_cart(drawn: Drawn) -> None:
    for steps in visits(drawn).values():
        cart: Counter[str] = Counter()
        for event, _ in steps:
            if event["event_type"] == "add_to_cart":
                cart[event["product_id"]] += 1
            if event["event_type"] == "purchase":
                cart[event["product_id"]] -= 1
                assert cart[event["product_id"]] >= 0


def test_customers_come_back_mostly_with_their_own_habit() -> None:
    drawn = draw(20_000, seed=3, customers=150, new_customer_probability=0.02)
    by_customer: defaultdict[str, list[str]] = defaultdict(list)
    for steps in visits(drawn).values():
        event, truth = steps[0]
        by_customer[event["customer_id"]].append(truth["persona"])
    returning = [habits for habits in by_customer.values() if len(habits) >= 5]
    assert len(returning) > 100
    own = [Counter(habits).most_common(1)[0][1] / len(habits) for habits in returning]
    assert 0.85 < fmean(own) < 0.98


def test_personas_behave_as_they_are_described(drawn: Drawn) -> None:
    def kinds(persona: str, kind: str) -> float:
        return fmean(one["event_type"] == kind for one in of_persona(drawn, persona))

    def seconds(persona: str) -> float:
        return median(float(one["time_on_page_seconds"]) for one in of_persona(drawn, persona))

    assert kinds("bargain_hunter", "search") > 3 * kinds("window_shopper", "search")
    assert kinds("loyal_repurchaser", "purchase") > 4 * kinds("bargain_hunter", "purchase")
    assert kinds("reviewer", "leave_review") > 0.2
    assert kinds("window_shopper", "page_view") > 0.85
    assert seconds("researcher") > 4 * seconds("loyal_repurchaser")


def times_of(starts: Sequence[int], day: int) -> list[float]:
    return [busyness(datetime(2026, 3, day, hour, tzinfo=UTC)) for hour in starts]


def test_evenings_are_busier_than_nights_and_sundays_than_tuesdays() -> None:
    night, evening = times_of([9, 2], day=4)
    assert evening > 5 * night
    tuesday, sunday = sum(times_of(range(6, 24), day=3)), sum(times_of(range(6, 24), day=8))
    assert sunday > 1.2 * tuesday


def test_more_visits_begin_in_the_evening() -> None:
    def duration(hour: int) -> float:
        some = draw(3000, seed=4, start=datetime(2026, 3, 4, hour, tzinfo=UTC))
        first, last = (msgspec.convert(some[at][0]["timestamp"], datetime) for at in (1000, -1))
        return (last - first).total_seconds()

    assert duration(9) > 2 * duration(1)


def test_a_flash_sale_halves_prices_and_draws_bargain_hunters() -> None:
    usual = draw(8000, seed=5)
    sale = draw(8000, seed=5, scenarios=[Scenario("flash_sale", at=2000, events=4000)])
    assert sale[:2000] == usual[:2000]
    before = {event["product_id"]: event["price"] for event, _ in usual if event["product_id"]}
    for event, _ in sale[2000:6000]:
        if event["product_id"] in before and event["product_id"]:
            assert event["price"] == pytest.approx(before[event["product_id"]] / 2, abs=0.011)
    assert share(sale[2500:6000], "bargain_hunter") > 1.3 * share(usual, "bargain_hunter")
    after = [event for event, _ in sale[6000:6100] if event["product_id"]]
    assert all(event["price"] == before[event["product_id"]] for event in after)


def test_a_holiday_fills_carts() -> None:
    def pieces(drawn: Drawn) -> float:
        return fmean(event["quantity"] for event, _ in drawn if event["quantity"])

    usual = draw(8000, seed=6)
    holiday = draw(8000, seed=6, scenarios=[Scenario("holiday", at=0, events=8000)])
    assert pieces(holiday) > 1.2 * pieces(usual)
    assert share(holiday, "impulse_buyer") > share(usual, "impulse_buyer")


def test_a_drift_changes_habits_and_their_mix() -> None:
    drawn = draw(24_000, seed=7, drifts=[Drift("sudden", "severe", 12_000)])
    before, after = drawn[:12_000], drawn[13_000:]
    assert share(after, "bargain_hunter") > 1.4 * share(before, "bargain_hunter")

    def seconds(part: Drawn, persona: str) -> float:
        return median(float(one["time_on_page_seconds"]) for one in of_persona(part, persona))

    assert seconds(after, "window_shopper") > 1.6 * seconds(before, "window_shopper")
    assert seconds(after, "reviewer") == pytest.approx(seconds(before, "reviewer"), rel=0.2)


@pytest.mark.parametrize("persona", PERSONAS)
def test_half_way_to_the_other_concept_lies_between(persona: str) -> None:
    usual, other = PERSONAS[persona], DRIFTED[persona]
    assert between(usual, other, 0.0) == usual
    assert between(usual, other, 1.0).seconds == pytest.approx(other.seconds)
    assert between(usual, other, 0.5).seconds == pytest.approx((usual.seconds + other.seconds) / 2)


def test_anomalies_are_valid_and_as_common_as_asked() -> None:
    drawn = draw(6000, seed=8, anomaly_rate=0.05)
    odd = [event for event, truth in drawn if truth["anomaly"]]
    assert len(odd) == pytest.approx(300, abs=70)
    assert all(event["time_on_page_seconds"] in (0, 86_400) for event in odd)
    decode = msgspec.json.Decoder(interactions.Interaction).decode
    for event in odd:
        decode(msgspec.json.encode(event))


@pytest.mark.parametrize(
    "option",
    [
        {"events_per_second": 0.0},
        {"customers": 0},
        {"habit_probability": 1.5},
        {"new_customer_probability": -0.1},
    ],
)
def test_impossible_options_are_refused(option: dict[str, float]) -> None:
    with pytest.raises(SettingsError, match=next(iter(option))):
        draw(1, **option)
