"""Who pays whom in the living stream of payments: users with habits, merchants, devices."""

from __future__ import annotations

import random
from bisect import bisect
from collections import deque
from dataclasses import dataclass, field
from itertools import accumulate
from math import cos, hypot, radians

from flows.projects.fraud import CATEGORIES, PAYMENT_METHODS
from scripts.streams.stream import uuid4

KM_PER_DEGREE = 111.2
DAY = 86_400.0
OLDEST_DAYS = 1825.0
MEAN_AGE_DAYS = 600.0
REMEMBERED_PAYMENTS = 8


@dataclass(frozen=True, slots=True)
class City:
    """Where people live."""

    lat: float
    lon: float
    currency: str


CITIES = (
    *(City(40.71, -74.01, "USD"), City(29.76, -95.37, "USD"), City(34.05, -118.24, "USD")),
    *(City(41.88, -87.63, "USD"), City(25.76, -80.19, "USD"), City(47.61, -122.33, "USD")),
    *(City(52.52, 13.40, "EUR"), City(48.86, 2.35, "EUR"), City(40.42, -3.70, "EUR")),
    *(City(41.90, 12.50, "EUR"), City(52.37, 4.90, "EUR"), City(38.72, -9.14, "EUR")),
    *(City(51.51, -0.13, "GBP"), City(53.48, -2.24, "GBP"), City(55.95, -3.19, "GBP")),
    *(City(-23.55, -46.63, "BRL"), City(-22.91, -43.17, "BRL"), City(-15.79, -47.88, "BRL")),
    *(City(43.65, -79.38, "CAD"), City(49.28, -123.12, "CAD"), City(45.50, -73.57, "CAD")),
    *(City(-33.87, 151.21, "AUD"), City(-37.81, 144.96, "AUD"), City(35.68, 139.69, "JPY")),
)

PLATFORMS = {
    "iOS": "iPhone; CPU iPhone OS 17_5 like Mac OS X",
    "Android": "Linux; Android 14; Pixel 8",
    "Windows": "Windows NT 10.0; Win64; x64",
    "macOS": "Macintosh; Intel Mac OS X 10_15_7",
    "Linux": "X11; Linux x86_64",
    "Other": "Unknown",
}
SHARES_OF_SYSTEMS = (0.26, 0.32, 0.26, 0.10, 0.04, 0.02)
BROWSERS_OF_SYSTEMS = {
    "iOS": ("Safari", "Safari", "Safari", "Chrome"),
    "Android": ("Chrome", "Chrome", "Chrome", "Firefox", "Opera"),
    "Windows": ("Chrome", "Chrome", "Edge", "Edge", "Firefox", "Opera"),
    "macOS": ("Safari", "Safari", "Chrome", "Firefox"),
    "Linux": ("Firefox", "Chrome"),
    "Other": ("Other",),
}
LEVELS_OF_CATEGORIES = dict(
    zip(CATEGORIES, (120.0, 60.0, 35.0, 220.0, 70.0, 25.0, 350.0, 60.0, 45.0), strict=True)
)
SHARES_OF_CATEGORIES = (0.12, 0.16, 0.30, 0.05, 0.12, 0.10, 0.03, 0.03, 0.09)
SHARES_OF_METHODS = (0.38, 0.32, 0.18, 0.10, 0.02)


@dataclass(frozen=True, slots=True)
class Device:
    """What somebody pays with, and the network it is usually in."""

    os: str
    browser: str
    user_agent: str
    network: str


@dataclass(frozen=True, slots=True)
class Merchant:
    """Somebody who is paid; `level` is the usual sum of money."""

    number: int
    category: str
    level: float
    popularity: float

    @property
    def id(self) -> str:
        return f"merchant_{self.number}"


@dataclass(slots=True)
class User:
    """Somebody with an account; habits are for life, `away` is the city of the trip at hand.

    `created` is in seconds since 1970; `level` multiplies the merchants' usual sums; `payments`
    are the newest times of paying, in seconds of the stream.
    """

    id: str
    city: City
    lat: float
    lon: float
    created: float
    level: float
    late: float
    favourites: list[Merchant]
    methods: list[str]
    devices: list[Device]
    gives_cvv: float
    address_matches: float
    away: City | None = None
    sessions_away: int = 0
    payments: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED_PAYMENTS))

    def km_from_home(self, lat: float, lon: float) -> float:
        """Distance, by the flat-earth formula, which is plenty here."""
        east = (lon - self.lon + 180) % 360 - 180
        return KM_PER_DEGREE * hypot(lat - self.lat, east * cos(radians(self.lat)))

    def recent_payments(self, now: float, seconds: float) -> int:
        """How many payments there were in the last so many seconds, of the eight newest."""
        return sum(now - time <= seconds for time in self.payments)


class People:
    """All users and merchants; users come and go, their number stays."""

    def __init__(self, rng: random.Random, users: int, merchants: int, now: float) -> None:
        self._rng = rng
        self.merchants = [_merchant(rng, number) for number in range(1, merchants + 1)]
        self._popularity = list(accumulate(one.popularity for one in self.merchants))
        self.users = [self._user(now - _age_days(rng) * DAY) for _ in range(users)]
        self._activity = list(accumulate(rng.paretovariate(1.5) for _ in range(users)))

    def somebody(self) -> User:
        """Draw a user; some are far more active than others."""
        return self.users[bisect(self._activity, self._rng.random() * self._activity[-1])]

    def newcomer(self, now: float) -> User:
        """A new account, in the place of one that is given up."""
        place = self._rng.randrange(len(self.users))
        user = self.users[place] = self._user(now)
        return user

    def merchant(self) -> Merchant:
        """Draw a merchant by popularity."""
        return self.merchants[bisect(self._popularity, self._rng.random() * self._popularity[-1])]

    def _user(self, created: float) -> User:
        rng = self._rng
        city = rng.choice(CITIES)
        return User(
            id=uuid4(rng),
            city=city,
            lat=city.lat + rng.gauss(0, 0.2),
            lon=city.lon + rng.gauss(0, 0.2),
            created=created,
            level=rng.lognormvariate(0, 0.5),
            late=rng.gauss(0, 1.5),
            favourites=[self.merchant() for _ in range(rng.randint(4, 9))],
            methods=rng.choices(PAYMENT_METHODS, SHARES_OF_METHODS, k=2),
            devices=[device(rng) for _ in range(rng.choice((1, 1, 2, 2, 3)))],
            gives_cvv=1 - rng.betavariate(1, 60),
            address_matches=rng.choice((0.999,) * 19 + (0.7,)),
        )


def device(rng: random.Random, like: Device | None = None) -> Device:
    """Draw a device; one `like` another says the same of itself and is in another network."""
    network = f"{rng.randint(11, 223)}.{rng.randint(0, 255)}"
    if like is not None:
        return Device(like.os, like.browser, like.user_agent, network)
    (system,) = rng.choices(tuple(PLATFORMS), SHARES_OF_SYSTEMS)
    browser = rng.choice(BROWSERS_OF_SYSTEMS[system])
    agent = f"Mozilla/5.0 ({PLATFORMS[system]}) {browser}/{rng.randint(110, 129)}.0"
    return Device(system, browser, agent, network)


def _merchant(rng: random.Random, number: int) -> Merchant:
    (category,) = rng.choices(CATEGORIES, SHARES_OF_CATEGORIES)
    level = LEVELS_OF_CATEGORIES[category] * rng.lognormvariate(0, 0.3)
    return Merchant(number, category, level, rng.paretovariate(1.2))


def _age_days(rng: random.Random) -> float:
    return min(rng.expovariate(1 / MEAN_AGE_DAYS), OLDEST_DAYS)
