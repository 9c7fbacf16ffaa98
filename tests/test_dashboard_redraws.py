"""Figures of one page are drawn one by one at first, then together, and none too often."""
# mypy: allow-untyped-calls

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator
from weakref import ref

import pytest
from bokeh.document import Document
from bokeh.plotting import figure
from bokeh.server.callbacks import NextTickCallback, TimeoutCallback

from dashboard.pictures import redraws
from dashboard.pictures.redraws import BREATH, PAUSE, SHARE, Redraws


class Page(Document):
    """A document whose callbacks a test calls itself; counts how often it was looked through."""

    def __init__(self) -> None:
        super().__init__()
        self.add_root(figure())
        self.looks = 0
        self.models.recompute = self._look  # type: ignore[method-assign]

    def _look(self) -> None:
        self.looks += 1

    def turn(self) -> list[int]:
        """Do what is due; after how many milliseconds it was to be done."""
        due = [one for one in self.session_callbacks if isinstance(one, TimeoutCallback)]
        for each in due:
            self.remove_timeout_callback(each)
            each.callback()
        return [each.timeout for each in due]

    def tick(self) -> int:
        """Do what is to be done in the next tick; how much that was."""
        due = [one for one in self.session_callbacks if isinstance(one, NextTickCallback)]
        for each in due:
            self.remove_next_tick_callback(each)
            each.callback()
        return len(due)


@pytest.fixture
def page() -> Page:
    return Page()


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    now = [100.0]
    monkeypatch.setattr("dashboard.pictures.redraws.time.monotonic", lambda: now[0])
    yield now


def test_what_is_due_is_drawn_together_in_its_order(page: Page) -> None:
    due, drawn = Redraws(), list[str]()
    for name in "abc":
        due.add(page, lambda name=name: drawn.append(name))  # type: ignore[misc]
    assert drawn == []
    assert page.turn() == [1]
    assert drawn == ["a", "b", "c"]
    assert page.looks == 1


def test_figures_are_first_drawn_one_by_one_with_time_for_others_between(page: Page) -> None:
    due, drawn = Redraws(), list[str]()
    for name in "ab":
        due.add_first(page, lambda name=name: drawn.append(name))  # type: ignore[misc]
    assert page.tick() == 1
    assert (page.tick(), drawn) == (0, ["a"])
    assert page.turn() == [BREATH]
    assert (page.turn(), drawn) == ([], ["a", "b"])
    due.add_first(page, lambda: drawn.append("c"))
    assert page.tick() == 1
    assert drawn == ["a", "b", "c"]


def test_first_drawing_that_fails_keeps_no_other_from_being_drawn(page: Page) -> None:
    due, drawn = Redraws(), list[str]()
    due.add_first(page, lambda: drawn.append(str(1 / 0)))
    due.add_first(page, lambda: drawn.append("drawn"))
    page.tick()
    page.turn()
    assert drawn == ["drawn"]


def test_the_next_drawing_waits(page: Page, clock: list[float]) -> None:
    due, drawn = Redraws(), list[str]()
    due.add(page, lambda: drawn.append("first"))
    page.turn()
    clock[0] += 0.5
    due.add(page, lambda: drawn.append("second"))
    assert page.turn() == [int(1_000 * (PAUSE - 0.5)) + 1]
    clock[0] += 10 * PAUSE
    due.add(page, lambda: drawn.append("third"))
    assert page.turn() == [1]
    assert drawn == ["first", "second", "third"]


def test_drawings_of_many_pages_take_no_more_than_their_share(
    page: Page, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = {Document(): Redraws() for _ in range(20)}
    monkeypatch.setattr(redraws, "_PAGES", pages)
    due = Redraws()

    def slow() -> None:
        clock[0] += 0.3

    due.add(page, slow)
    page.turn()
    due.add(page, slow)
    (wait,) = page.turn()
    assert 20 * 300 / (wait + 300) == pytest.approx(SHARE, abs=0.01)


def test_what_becomes_due_while_drawing_is_drawn_the_next_time(page: Page) -> None:
    due, drawn = Redraws(), list[str]()

    def draw() -> None:
        drawn.append("once")
        due.add(page, lambda: drawn.append("again"))

    due.add(page, draw)
    page.turn()
    assert drawn == ["once"]
    page.turn()
    assert drawn == ["once", "again"]


def test_one_that_fails_keeps_no_other_from_being_drawn(
    page: Page, caplog: pytest.LogCaptureFixture
) -> None:
    due, drawn = Redraws(), list[str]()
    due.add(page, lambda: drawn.append(str(1 / 0)))
    due.add(page, lambda: drawn.append("drawn"))
    with caplog.at_level(logging.ERROR, logger="dashboard"):
        page.turn()
    assert drawn == ["drawn"]
    assert "division by zero" in caplog.text
    assert page.looks == 1


def test_every_page_has_its_own_and_is_forgotten_with_it(page: Page) -> None:
    assert redraws.of(page) is redraws.of(page)
    other = Document()
    assert redraws.of(other) is not redraws.of(page)
    kept = ref(redraws.of(other))
    del other
    gc.collect()
    assert kept() is None


def test_page_is_forgotten_with_what_is_due_of_it() -> None:
    kept = ended()
    gc.collect()
    assert kept() is None


def ended() -> ref[Redraws]:
    """What was due of a page whose session is over."""
    page = Document()
    due = redraws.of(page)
    due.add(page, page.clear)
    for each in page.callbacks.session_destroyed_callbacks:
        each(None)  # type: ignore[arg-type]
    return ref(due)
