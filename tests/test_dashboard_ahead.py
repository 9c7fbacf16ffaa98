"""A server makes things ahead in its spare time only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.views.ahead import RATIO, Spare


@dataclass
class Clock:
    """Stands still unless somebody works or waits."""

    time: float = 0.0

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.time += seconds


seconds = st.floats(min_value=0.001, max_value=10)


@given(st.lists(st.tuples(seconds, seconds), max_size=50))
def test_works_for_its_share_of_the_time_at_most(asked: list[tuple[float, float]]) -> None:
    clock, worked = Clock(), 0.0
    spare = Spare(clock.now)
    for work, pause in asked:
        before, rested = clock.time, (1 + RATIO) * worked
        if spare.use(lambda work=work: clock.wait(work)):  # type: ignore[misc]
            assert before >= rested - 1e-6
            worked += work
        assert clock.time - before in (0.0, pytest.approx(work))
        clock.wait(pause)


def test_rests_as_long_as_it_says() -> None:
    clock = Clock()
    spare = Spare(clock.now)
    assert spare.use(lambda: clock.wait(2))
    clock.wait(2 * RATIO - 0.01)
    assert not spare.use(lambda: clock.wait(2))
    clock.wait(0.01)
    assert spare.use(lambda: clock.wait(2))


def test_what_fails_is_told() -> None:
    def fail() -> Any:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Spare().use(fail)
