"""A challenger that is better wins; one that is as good does not, however often it is looked at."""

from __future__ import annotations

import math
import random

import pytest
from scipy import stats

from flows.learning.contest import BLOCK, BLOCKS, CRITICAL, WINDOW, Contest

LOOKS = 200


def run(seed: int, labels: int, advantage: float, memory: float = 0.0) -> list[bool]:
    """Errors that resemble their neighbours by `memory`, the challenger's less by `advantage`."""
    draw, contest = random.Random(seed), Contest()
    level, found = 0.0, []
    for _ in range(labels):
        level = memory * level + draw.gauss(0, 1)
        champion = 10 + level + draw.gauss(0, 1)
        challenger = 10 - advantage - memory * level + draw.gauss(0, 1)
        found.append(contest.update(champion, challenger))
    return found


def test_the_level_is_one_in_a_million() -> None:
    assert stats.t.isf(1e-6, BLOCKS - 1) == pytest.approx(CRITICAL, abs=1e-3)


def test_equals_never_win() -> None:
    assert not any(run(0, WINDOW * LOOKS // 4, 0.0))
    assert not any(run(1, WINDOW * LOOKS // 4, 0.0, memory=0.8))


def test_the_worse_never_wins() -> None:
    assert not any(run(2, WINDOW * 5, -1.0))


def test_the_better_wins_at_the_end_of_a_window_and_only_there() -> None:
    found = run(3, 2 * WINDOW + 10, 0.5)
    assert [number + 1 for number, won in enumerate(found) if won] == [WINDOW, 2 * WINDOW]


def test_t_is_that_of_the_paired_test() -> None:
    draw, contest, pairs = random.Random(4), Contest(), []
    for _ in range(WINDOW + 7 * BLOCK):
        pairs.append((draw.random(), draw.random() - 0.01))
        contest.update(*pairs[-1])
    newest = pairs[-WINDOW:]
    blocks = [newest[start : start + BLOCK] for start in range(0, WINDOW, BLOCK)]
    ours, theirs = ([sum(p[i] for p in block) / BLOCK for block in blocks] for i in (0, 1))
    standing = contest.standing
    assert standing.labels == WINDOW
    assert standing.t == pytest.approx(stats.ttest_rel(ours, theirs).statistic)
    assert standing.champion_error == pytest.approx(sum(ours) / BLOCKS)
    assert standing.challenger_error == pytest.approx(sum(theirs) / BLOCKS)


def test_before_a_block_is_full_nothing_is_said() -> None:
    contest = Contest()
    for _ in range(BLOCK - 1):
        contest.update(1.0, 0.0)
    assert contest.standing.labels == 0
    assert contest.standing.t is None


def test_a_constant_advantage_wins_and_is_a_number() -> None:
    contest = Contest()
    won = [contest.update(1.0, 0.5) for _ in range(WINDOW)]
    assert won[-1]
    assert math.isfinite(contest.standing.t or math.inf)


@pytest.mark.parametrize("error", [math.inf, -math.inf, math.nan])
def test_an_error_that_is_no_number_decides_nothing(error: float) -> None:
    contest = Contest()
    assert not any(contest.update(error, 0.0) for _ in range(WINDOW))
    assert not any(contest.update(0.0, error) for _ in range(WINDOW))
