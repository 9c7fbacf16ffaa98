"""Inputs look and begin as those who use them expect."""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from typing import Any

import panel_material_ui as pmui
import pytest

from dashboard.views import inputs


def press(button: pmui.Button) -> None:
    button.param.trigger("clicks")


def test_button_is_quiet_unless_it_is_the_main_one() -> None:
    pressed: list[Any] = []
    quiet = inputs.button("Cancel", pressed.append)
    assert (quiet.label, quiet.variant) == ("Cancel", "outlined")
    assert inputs.button("Run", pressed.append, variant="contained").variant == "contained"
    press(quiet)
    assert [event.obj for event in pressed] == [quiet]


@pytest.mark.parametrize(
    ("options", "first"),
    [
        ({"DuckDB": "duckdb", "Polars": "polars"}, "duckdb"),
        ({"All": "", "Newest": "1000"}, ""),
        (("sudden", "gradual"), "sudden"),
        ({}, None),
        ((), None),
    ],
)
def test_first_of_what_is_offered_is_chosen(options: Any, first: Any) -> None:
    chosen = inputs.select("Which", options, 120)
    assert chosen.value == first
    assert (chosen.label, chosen.width) == ("Which", 120)
    assert chosen.options == (options if isinstance(options, dict) else list(options))


@pytest.mark.parametrize(("value", "kind"), [(5, pmui.IntInput), (0.5, pmui.FloatInput)])
def test_number_is_whole_if_its_first_value_is(value: float, kind: type[Any]) -> None:
    number = inputs.number("Rows", value, (0, 10), "So many.")
    assert type(number) is kind
    assert (number.value, number.start, number.end, number.description) == (
        value,
        0,
        10,
        "So many.",
    )


def test_what_was_typed_before_a_press_has_arrived_when_it_is_answered() -> None:
    """Panel hands a changed input over after 50 ms."""
    arrived: list[str] = []

    async def answer() -> None:
        asyncio.get_running_loop().call_later(0.05, arrived.append, "typed")
        await inputs.settled()
        assert arrived == ["typed"]

    asyncio.run(answer())
