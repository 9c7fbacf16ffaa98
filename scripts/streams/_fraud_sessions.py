"""Which session has the next payment: people start them by day and week, strangers at any time."""

from __future__ import annotations

import random
from datetime import datetime
from heapq import heappop, heappush
from itertools import count
from math import cos, pi

from scripts.streams._fraud_people import CITIES, DAY, Merchant, People, User, device
from scripts.streams._fraud_ways import (
    ATTACK,
    HABIT,
    OTHER_WAY,
    SHARES_OF_WAYS,
    USUAL_WAYS,
    Session,
    Way,
)
from scripts.streams.controls import Controls

ARRIVALS_PER_SECOND = 1.29
NEWCOMERS = 0.002
TRIPS = 0.006
NEW_DEVICES = 0.004
ATTACKERS = 0.3
YOUNGEST_DAYS = 15.0
BUSIEST_HOUR = 18.0


class Sessions:
    """The sessions under way, and those to come, by the time of their next payment.

    Times are seconds of the stream as drawn; the clock that dates events may go at another rate.
    `fraudsters` is the share of sessions that are theirs; `shady` are the merchants of each way.
    """

    def __init__(
        self,
        rng: random.Random,
        people: People,
        controls: Controls,
        fraudsters: float,
        shady: dict[str, list[Merchant]],
    ) -> None:
        self.time = 0.0
        self._rng = rng
        self._people = people
        self._controls = controls
        self._fraudsters = fraudsters
        self._shady = shady
        self._target: list[Merchant] = []
        self._order = count()
        self._agenda: list[tuple[float, int, User, Session | None]] = []
        self._add(0.0, people.somebody())

    def next(self, now: datetime, shift: float) -> tuple[Session, float]:
        """Whose payment comes next, and how many seconds before the one after it.

        `now` is the time of the payment before.
        """
        self.time, _, user, session = heappop(self._agenda)
        if session is None:
            session = self._begin(user, now, shift)
            self._plan_arrival(now)
        session.left -= 1
        if session.left:
            wait = self._rng.expovariate(1 / session.way.seconds)
            self._add(self.time + wait, session.user, session)
        return session, self._agenda[0][0] - self.time

    def _add(self, time: float, user: User, session: Session | None = None) -> None:
        heappush(self._agenda, (time, next(self._order), user, session))

    def _plan_arrival(self, now: datetime) -> None:
        """Draw who starts the next session, when: a Poisson process, thinned by habits."""
        rng, holiday = self._rng, self._controls.scenario("holiday")
        rate = ARRIVALS_PER_SECOND * (1 + self._controls.scenario("attack"))
        started, time = now.timestamp(), self.time
        while True:
            time += rng.expovariate(rate)
            user = self._people.somebody()
            habit = wakefulness(started + time - self.time, user)
            if rng.random() < habit * (1 + 0.5 * holiday):
                return self._add(time, user)

    def _begin(self, user: User, now: datetime, shift: float) -> Session:
        way = self._way(shift)
        if way is HABIT:
            return self._habitual(user, now)
        user = self._people.somebody()
        if way.cause == "new_account":
            age = self._rng.uniform(0, YOUNGEST_DAYS)
            user = self._people.newcomer(now.timestamp() - age * DAY)
        return self._fraudulent(user, way)

    def _way(self, shift: float) -> Way:
        rng, attack = self._rng, self._controls.scenario("attack")
        if attack and rng.random() < ATTACKERS * attack:
            if not self._target:
                self._target = [self._people.merchant()]
            return ATTACK
        if not attack:
            self._target = []
        if rng.random() >= self._fraudsters:
            return HABIT
        if rng.random() < shift:
            return OTHER_WAY
        return rng.choices(USUAL_WAYS, SHARES_OF_WAYS)[0]

    def _habitual(self, user: User, now: datetime) -> Session:
        rng = self._rng
        if rng.random() < NEWCOMERS:
            user = self._people.newcomer(now.timestamp())
        if rng.random() < NEW_DEVICES:
            user.devices[rng.randrange(len(user.devices))] = device(rng)
        self._travel(user)
        place = user.away
        lat, lon = (user.lat, user.lon) if place is None else (place.lat, place.lon)
        used = user.devices[min(int(rng.expovariate(1.5)), len(user.devices) - 1)]
        return Session(user, HABIT, rng.randint(*HABIT.payments), lat, lon, used, user.favourites)

    def _travel(self, user: User) -> None:
        rng = self._rng
        if user.away is not None:
            user.sessions_away -= 1
            if user.sessions_away <= 0:
                user.away = None
        elif rng.random() < TRIPS * (1 + 4 * self._controls.scenario("holiday")):
            user.away, user.sessions_away = rng.choice(CITIES), rng.randint(2, 8)

    def _fraudulent(self, user: User, way: Way) -> Session:
        rng = self._rng
        lat, lon, used = user.lat, user.lon, user.devices[0]
        if way.stranger:
            city = rng.choice(CITIES)
            lat, lon, used = city.lat, city.lon, device(rng)
        if way.imitator:
            used = device(rng, like=used)
        merchants = self._target if way is ATTACK else self._shady.get(way.cause, [])
        return Session(user, way, rng.randint(*way.payments), lat, lon, used, merchants)


def wakefulness(time: float, user: User) -> float:
    """Probability that a user is up for paying, by the sun's hour at home and the weekday."""
    hour = (time / 3600 + user.lon / 15 - user.late) % 24
    weekend = int(time // DAY + 3) % 7 >= 5
    day = 0.5 + 0.5 * cos((hour - BUSIEST_HOUR) * pi / 12)
    awake: float = 0.03 + 0.97 * day**1.5
    return awake if weekend else 0.8 * awake
