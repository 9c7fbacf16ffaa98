"""What a reader chooses, types and presses: inputs of one look."""
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import panel_material_ui as pmui

_LOOK: dict[str, Any] = {"size": "small", "margin": 0}

_SETTLE = 0.2
"""Seconds: Panel takes a changed input over only 50 ms later, but a press at once."""


async def settled() -> None:
    """Wait, after a press, until what was typed before it has arrived."""
    await asyncio.sleep(_SETTLE)


def button(label: str, on_click: Any, **look: Any) -> pmui.Button:
    """Make a button; quiet, unless its `variant` says otherwise."""
    return pmui.Button(label=label, on_click=on_click, margin=0, **{"variant": "outlined", **look})


def select(label: str, options: Mapping[str, Any] | Sequence[str], width: int) -> pmui.Select:
    """Offer what is known beforehand; the first is chosen. What changes is a `Choice`."""
    values = list(options.values() if isinstance(options, Mapping) else options)
    offered = dict(options) if isinstance(options, Mapping) else values
    first = next(iter(values), None)
    return pmui.Select(
        label=label, options=offered, value=first, width=width, description="", **_LOOK
    )


def number(label: str, value: float, bounds: tuple[float, float], note: str) -> Any:
    """Ask for a number, whole if its first value is; browsers keep it in its bounds."""
    kind = pmui.IntInput if isinstance(value, int) else pmui.FloatInput
    start, end = bounds
    return kind(
        label=label, value=value, start=start, end=end, description=note, width=150, **_LOOK
    )
