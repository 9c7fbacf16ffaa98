"""A pace holds its average whatever the sleeps and the work take."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scripts.pace import LONGEST_SLEEP, SHORTEST_SLEEP, Pace

delays = st.floats(0, 0.3)


class SimulatedTime:
    """A clock that moves when somebody sleeps, and oversleeps by the next of `extra`."""

    def __init__(self, extra: list[float] | None = None) -> None:
        self.now = 1000.0
        self.slept: list[float] = []
        self._extra = iter(extra or [])

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds + next(self._extra, 0.0)

    def clock(self) -> float:
        return self.now


def take(pace: Pace, turns: int) -> None:
    while turns:
        turns -= pace.due()


@given(rate=st.floats(0.5, 1e6), turns=st.integers(1, 300), extra=st.lists(delays, max_size=5))
def test_no_turn_is_early_and_oversleeping_is_made_up(
    rate: float, turns: int, extra: list[float]
) -> None:
    time = SimulatedTime(extra)
    pace = Pace(rate, time.sleep, time.clock)
    for turn in range(turns):
        take(pace, 1)
        assert time.now - 1000 >= turn / rate - 1e-6
    assert time.now - 1000 <= (turns - 1) / rate + SHORTEST_SLEEP + sum(extra) + 1e-6


def test_late_turns_are_taken_at_once() -> None:
    time = SimulatedTime()
    pace = Pace(10, time.sleep, time.clock)
    take(pace, 1)
    time.now += 5
    take(pace, 50)
    assert time.now == 1005
    assert not pace.due()


def test_fast_rates_sleep_seldom() -> None:
    time = SimulatedTime()
    take(Pace(100_000, time.sleep, time.clock), 100_000)
    assert len(time.slept) <= 1 / SHORTEST_SLEEP


def test_slow_rates_sleep_in_short_slices() -> None:
    time = SimulatedTime()
    take(Pace(0.1, time.sleep, time.clock), 2)
    assert time.now >= 1010 - 1e-6
    assert max(time.slept) <= LONGEST_SLEEP


def test_rate_zero_never_waits() -> None:
    time = SimulatedTime()
    take(Pace(0, time.sleep, time.clock), 1000)
    assert time.slept == []
