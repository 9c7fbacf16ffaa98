"""What a user's earlier payments, and a merchant's, say of the next one."""

from __future__ import annotations

from collections import OrderedDict
from math import cos, exp, hypot, log, radians
from typing import TYPE_CHECKING, Any
from zlib import crc32

import msgspec

if TYPE_CHECKING:
    from flows.projects.fraud import Transaction

USERS = 5_000
MERCHANTS = 1_000
DEVICES = 4
TIMES = 6
PARTNERS = 10
RECENT_SECONDS = 900.0
RUSH_SECONDS = 900.0
NEAR_KM = 100.0
KM_PER_DEGREE = 111.2
MOST_VOTES = 20
LARGEST_STEP = 1.0
SLOWEST = 0.05
STRANGE_SECONDS = 3_600.0


class _User(msgspec.Struct, gc=False):
    """A user's habits; texts as checksums. `level` is the mean log of amount over merchant's."""

    payments: int
    level: float
    lat: float
    lon: float
    votes: int
    devices: list[tuple[int, float]]
    times: list[float]
    partners: list[int]


class _Merchant(msgspec.Struct, gc=False):
    """A merchant's mean log of amount over user's, and strangers' payments, which fade."""

    payments: int
    level: float
    strangers: float
    time: float


class FraudPast:
    """Remembers the users and merchants who paid and were paid last.

    A stranger, who pays in a user's name, spoils little: amounts far off count as if nearer, a
    home is where most payments are from, and a device is as well known as it is old.
    """

    def __init__(self, users: int = USERS, merchants: int = MERCHANTS) -> None:
        self._most_users = users
        self._most_merchants = merchants
        self._users: OrderedDict[str, _User] = OrderedDict()
        self._merchants: OrderedDict[str, _Merchant] = OrderedDict()

    def recall(self, event: Transaction) -> dict[str, Any]:
        """How the payment differs from its user's habits; nothing for a user not seen yet."""
        user = self._users.get(event.user_id)
        if user is None:
            return {}
        now = event.timestamp.timestamp()
        merchant = self._merchants.get(event.merchant_id)
        level = user.level + (merchant.level if merchant is not None else 0.0)
        return {
            "amount_over_usual": log(event.amount + 0.01) - level,
            "device_known_hours": _known_seconds(user, _device(event), now) / 3600,
            "km_from_home": _km(user, event),
            "recent_payments": _recent(user, now),
            "merchant_known": crc32(event.merchant_id.encode()) in user.partners,
            "merchant_strangers": _strangers(merchant, now),
        }

    def note(self, event: Transaction) -> None:
        """Take a payment in."""
        now = event.timestamp.timestamp()
        amount = log(event.amount + 0.01)
        merchant = self._merchant(event.merchant_id)
        user = self._user(event, amount - merchant.level)
        device = _device(event)
        strange = user.payments > 0 and _known_seconds(user, device, now) < STRANGE_SECONDS
        merchant.strangers = _strangers(merchant, now) + strange
        merchant.time = now
        residual = max(-LARGEST_STEP, min(amount - merchant.level - user.level, LARGEST_STEP))
        user.level += residual * max(SLOWEST, 1 / (user.payments + 2))
        merchant.level += residual * max(SLOWEST, 1 / (merchant.payments + 2))
        user.payments += 1
        merchant.payments += 1
        _settle(user, event)
        _keep_device(user, device, now)
        user.times = [*user.times[1 - TIMES :], now]
        partner = crc32(event.merchant_id.encode())
        user.partners = [*(one for one in user.partners if one != partner), partner][-PARTNERS:]

    def _user(self, event: Transaction, level: float) -> _User:
        users = self._users
        user = users.get(event.user_id)
        if user is None:
            place = event.location
            user = users[event.user_id] = _User(0, level, place.lat, place.lon, 0, [], [], [])
            if len(users) > self._most_users:
                users.popitem(last=False)
        else:
            users.move_to_end(event.user_id)
        return user

    def _merchant(self, name: str) -> _Merchant:
        merchants = self._merchants
        merchant = merchants.get(name)
        if merchant is None:
            merchant = merchants[name] = _Merchant(0, 0.0, 0.0, 0.0)
            if len(merchants) > self._most_merchants:
                merchants.popitem(last=False)
        else:
            merchants.move_to_end(name)
        return merchant


def _device(event: Transaction) -> int:
    return crc32(event.user_agent.encode())


def _known_seconds(user: _User, device: int, now: float) -> float:
    """For how long the user has had a device; 0 for one that is new."""
    return max((max(0.0, now - since) for one, since in user.devices if one == device), default=0.0)


def _keep_device(user: _User, device: int, now: float) -> None:
    """Remember a device, the least recently used ones are forgotten."""
    since = next((since for one, since in user.devices if one == device), now)
    others = [pair for pair in user.devices if pair[0] != device]
    user.devices = [*others, (device, since)][-DEVICES:]


def _recent(user: _User, now: float) -> int:
    return sum(now - time <= RECENT_SECONDS for time in user.times)


def _strangers(merchant: _Merchant | None, now: float) -> float:
    if merchant is None or not merchant.strangers:
        return 0.0
    return merchant.strangers * exp(-max(0.0, now - merchant.time) / RUSH_SECONDS)


def _km(user: _User, event: Transaction) -> float:
    """Distance from home, by the flat-earth formula."""
    east = (event.location.lon - user.lon + 180) % 360 - 180
    return KM_PER_DEGREE * hypot(event.location.lat - user.lat, east * cos(radians(user.lat)))


def _settle(user: _User, event: Transaction) -> None:
    """Vote for where home is: Boyer and Moore's majority vote (1981), with a bound."""
    if _km(user, event) <= NEAR_KM:
        user.votes = min(user.votes + 1, MOST_VOTES)
    elif user.votes:
        user.votes -= 1
    else:
        user.lat, user.lon, user.votes = event.location.lat, event.location.lon, 1
