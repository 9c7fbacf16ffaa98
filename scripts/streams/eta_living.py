"""Trips of drivers who are known, through a city whose roads, hours and weather have memory."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import exp, log
from statistics import NormalDist

from flows.projects.houston import HOUSTON, crosses_the_channel
from scripts.streams.controls import Controls
from scripts.streams.eta_city import (
    HUBS,
    SLOWNESS,
    Hub,
    Sky,
    crowd,
    demand,
    fullness,
    purposes,
    somewhere,
    tide,
)
from scripts.streams.eta_reference import (
    FIRST_MONDAY,
    SHORTEST_SECONDS,
    SHORTEST_STEP,
    SPEED,
    distance_km,
    first_estimate,
)
from scripts.streams.stream import (
    Clock,
    Event,
    Stream,
    check_at_least,
    check_probability,
    iso,
    uuid4,
)

MEAN_GAP = 0.576
"""Seconds between trips by the stream's own clock: 5 000 trips make a day."""

VEHICLES = {"Sedan": 0.5, "SUV": 0.2, "Hatchback": 0.15, "Motorcycle": 0.05, "Van": 0.1}
NATURE = {"Sedan": 0.0, "SUV": 0.01, "Hatchback": -0.01, "Motorcycle": -0.06, "Van": 0.06}
"""Logarithm of how many times longer a vehicle takes on empty, dry roads."""
LANE_SPLITTING = 0.5
SCENARIOS = {
    "accident": "crowded roads are blocked; trips there take up to 2.2 times as long",
    "closure": "the bridge over the channel is closed; trips across take up to 1.8 times as long",
    "storm": "a thunderstorm over the whole city that slows every trip down by up to a half more",
}


@dataclass(frozen=True, slots=True)
class Options:
    """Probabilities are in [0, 1]."""

    drivers: int = field(default=600, metadata={"help": "how many drivers there are"})
    noise: float = field(
        default=0.11, metadata={"help": "spread of what nobody can foresee, as a logarithm"}
    )
    incident_probability: float = field(default=0.02, metadata={"help": "share with an incident"})

    def __post_init__(self) -> None:
        """Refuse values that no stream can have."""
        check_at_least("drivers", self.drivers, 1)
        check_at_least("noise", self.noise, 0.001)
        check_probability("incident_probability", self.incident_probability)


@dataclass(slots=True)
class Driver:
    """One driver. `skill` and `patience` are logarithms of how many times longer trips take."""

    name: str
    vehicle: str
    kind: str
    skill: float
    patience: float
    rating: float
    haunt: Hub
    begins: int
    free_from: datetime | None = None

    def works(self, time: datetime, local: datetime) -> bool:
        """Whether the driver is on shift, and not on another trip."""
        on_shift = (local.hour - self.begins) % 24 < 11
        return on_shift and (self.free_from is None or self.free_from <= time)


def generate(
    rng: random.Random, clock: Clock, options: Options, controls: Controls
) -> Iterator[Event]:
    """Draw trips for ever."""
    city = _Living(rng, options)
    local_hour = 0.0
    while True:
        time = clock(rng.expovariate(demand(local_hour) / MEAN_GAP))
        local = time.astimezone(HOUSTON)
        local_hour = local.hour + local.minute / 60
        yield city.trip(time, local, controls)


class _Living:
    """The city's drivers and its sky."""

    def __init__(self, rng: random.Random, options: Options) -> None:
        self._rng = rng
        self._options = options
        self._drivers = [_driver(rng, number) for number in range(options.drivers)]
        self._sky = Sky(rng)
        self._noise = NormalDist(0, options.noise)
        without = 1 - options.incident_probability
        # Half of all trips take less; those with an incident do not.
        self._usual_luck = exp(self._noise.inv_cdf(0.5 / without)) if without > 0.5 else 1.0

    def trip(self, time: datetime, local: datetime, controls: Controls) -> Event:
        self._sky.pass_time(time)
        shift, storm = controls.shift(self._rng), controls.scenario("storm")
        driver = self._someone(time, local)
        event = self._plan(driver, time, local, storm)
        factors = self._factors(event, driver, local, shift, controls)
        self._drive(event, factors, controls)
        took = event["simulated_actual_travel_time_seconds"]
        driver.free_from = time + timedelta(seconds=took)
        driver.skill += self._rng.gauss(0, 0.002)
        return event

    def _someone(self, time: datetime, local: datetime) -> Driver:
        """Someone on shift, if a few tries find one."""
        for _ in range(8):
            driver = self._rng.choice(self._drivers)
            if driver.works(time, local):
                break
        return driver

    def _plan(self, driver: Driver, time: datetime, local: datetime, storm: float) -> Event:
        """What is known of a trip when it begins."""
        rng, sky = self._rng, self._sky
        origin, destination = self._two_places(driver, local)
        distance = distance_km(origin, destination)
        stormy = storm and rng.random() < storm
        return {
            "trip_id": uuid4(rng),
            "driver_id": driver.name,
            "vehicle_id": driver.vehicle,
            "timestamp": iso(time),
            "origin": origin,
            "destination": destination,
            "estimated_distance_km": round(distance, 2),
            "weather": "Thunderstorm" if stormy else sky.weather,
            "temperature_celsius": round(sky.temperature(local), 1),
            "day_of_week": time.weekday(),
            "hour_of_day": time.hour,
            "driver_rating": driver.rating,
            "vehicle_type": driver.kind,
            "initial_estimated_travel_time_seconds": first_estimate(rng, distance),
        }

    def _two_places(self, driver: Driver, local: datetime) -> tuple[Event, Event]:
        rng = self._rng
        starts, ends = purposes(local)
        while True:
            usual = rng.random() < 0.4
            here = driver.haunt if usual else rng.choices(HUBS, cum_weights=starts)[0]
            there = rng.choices(HUBS, cum_weights=ends)[0]
            origin, destination = somewhere(rng, here), somewhere(rng, there)
            if any(abs(origin[name] - destination[name]) >= SHORTEST_STEP for name in origin):
                return origin, destination

    def _factors(
        self, event: Event, driver: Driver, local: datetime, shift: float, controls: Controls
    ) -> dict[str, float]:
        """Logarithms of how many times longer the trip takes, by cause."""
        origin, destination = event["origin"], event["destination"]
        there, here = crowd(destination), crowd(origin)
        full, rider = fullness(local, shift), driver.kind == "Motorcycle"
        traffic = full * (0.18 + 0.14 * (here + there)) + 0.1 * tide(local) * (there - here)
        traffic *= (LANE_SPLITTING if rider else 1.0) * (1 + driver.patience)
        weather = SLOWNESS.get(event["weather"], 0.0) * (1 + 0.5 * full) + 0.15 * rider * (
            event["weather"] in SLOWNESS
        )
        weather += log(1.5) * controls.scenario("storm") + _icy(event["temperature_celsius"])
        blocked = log(2.2) * controls.scenario("accident") * min(1.0, max(here, there))
        crossing = 0.1 + 0.45 * shift + log(1.8) * controls.scenario("closure")
        bridge = crossing * crosses_the_channel(origin["lon"], destination["lon"])
        return {
            "traffic": traffic + blocked + bridge + 0.45 * shift,
            "weather": weather,
            "driver": driver.skill + NATURE[driver.kind],
        }

    def _drive(self, event: Event, factors: dict[str, float], controls: Controls) -> None:
        """Add how long it took, and why."""
        rng, options = self._rng, self._options
        incident = rng.randint(300, 1800) if rng.random() < options.incident_probability else 0
        odd = rng.random() < controls.anomaly_rate
        expected = _empty_road(distance_km(event["origin"], event["destination"]))
        expected *= exp(sum(factors.values()))
        luck = self._noise.inv_cdf(rng.random() or 0.5) + (log(rng.uniform(3, 6)) if odd else 0.0)
        took = max(SHORTEST_SECONDS, int(expected * exp(luck) + incident))
        event["simulated_actual_travel_time_seconds"] = took
        event["debug_traffic_factor"] = round(exp(factors["traffic"]), 2)
        event["debug_weather_factor"] = round(exp(factors["weather"]), 2)
        event["debug_incident_delay_seconds"] = incident
        event["debug_driver_factor"] = round(exp(factors["driver"]), 2)
        median = max(SHORTEST_SECONDS, expected * self._usual_luck)
        event["_truth"] = {"median": median, "anomaly": odd}


def _driver(rng: random.Random, number: int) -> Driver:
    skill = rng.gauss(0, 0.07)
    kind = rng.choices(list(VEHICLES), list(VEHICLES.values()))[0]
    rating = min(5.0, max(3.0, 4.5 - 3 * skill + rng.gauss(0, 0.2)))
    return Driver(
        name=f"driver_{1000 + number}",
        vehicle=f"vehicle_{100 + number}",
        kind=kind,
        skill=skill,
        patience=rng.gauss(0, 0.15),
        rating=round(rating, 1),
        haunt=rng.choices(HUBS, [hub.home + hub.work for hub in HUBS])[0],
        begins=rng.choice((4, 6, 7, 8, 12, 14, 15, 20)),
    )


def _empty_road(distance: float) -> float:
    """Seconds at night, in fine weather: streets first, then a faster road."""
    road = 1.3 * distance
    return 90 + road / (28 + 42 * (1 - exp(-road / 10))) * 3600


def _icy(temperature: float) -> float:
    return 0.03 * max(0.0, min(5.0, 4 - temperature)) + 0.01 * max(0.0, temperature - 34)


STREAM = Stream(
    Options,
    generate,
    rate=1 / MEAN_GAP,
    start=FIRST_MONDAY,
    speed=SPEED,
    scenarios=SCENARIOS,
)
