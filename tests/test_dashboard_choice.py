"""A choice shows what was chosen by the name that it has now."""
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from bokeh.document import Document
from hypothesis import given
from hypothesis import strategies as st

from dashboard.views.choice import Choice

OFFERS = st.lists(
    st.dictionaries(st.integers(0, 4), st.integers(0, 9), min_size=1, max_size=4), max_size=8
)
"""Values that are offered one after the other, each with what its label counts."""


def labels(offer: dict[int, int]) -> dict[str, str]:
    return {f"{value}: {number} events": str(value) for value, number in offer.items()}


def shown(choice: Choice, offers: Iterable[dict[str, str]]) -> list[str]:
    """What a browser shows as chosen after each offer."""
    model: Any = choice._select.get_root(Document())
    texts = []
    for offer in offers:
        choice.offer(offer)
        texts.append(model.data.value)
        assert model.data.options == list(offer)
    return texts


@pytest.mark.usefixtures("own_document")
@given(OFFERS, st.booleans())
def test_browsers_show_one_of_what_is_offered(offers: list[dict[int, int]], follows: bool) -> None:
    choice = Choice("Version", follows=follows)
    for offer, text in zip(offers, shown(choice, map(labels, offers)), strict=True):
        assert text in labels(offer)
    if offers:
        assert text == next(one for one, value in labels(offer).items() if value == choice.value)


@pytest.mark.usefixtures("own_document")
def test_a_label_that_changes_is_shown_though_the_choice_is_the_same() -> None:
    choice, told = Choice("Compared with", follows=True), []
    choice.param.watch(lambda event: told.append(event.new), "value")
    offers = [{f"before: version {number}": "before", "2": "2"} for number in (26, 27)]
    assert shown(choice, offers) == ["before: version 26", "before: version 27"]
    assert told == ["before"]


@pytest.mark.usefixtures("own_document")
def test_what_was_chosen_is_kept_while_it_is_offered() -> None:
    choice = Choice("Version", follows=True)
    choice.offer({"one": "1", "two": "2"})
    choice.choose("2")
    choice.offer({"three": "3", "two, champion": "2"})
    assert choice.value == "2"
    choice.offer({"three": "3"})
    assert choice.value == "3"
