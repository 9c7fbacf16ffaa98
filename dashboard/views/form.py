"""A form for one event, made from the fields of its project."""
# mypy: allow-untyped-calls

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import panel as pn
import panel_material_ui as pmui

from dashboard import wording
from dashboard.views import parts
from flows.projects.forms import FormField, form_fields, of_clock, random_event
from flows.projects.spec import Project

_GROUPS = (
    ("Choices", ("choice",)),
    ("Numbers", ("number", "integer")),
    ("Yes or no", ("boolean",)),
    ("Texts", ("text",)),
    ("Identity and time", ("id", "time")),
)
_WIDTHS = {"xs": 1, "sm": 2, "lg": 3}
_WHOLE_LINE = {"grid-column": "1 / -1"}


class EventForm(pn.viewable.Viewer):
    """One input per field of the event that decides; starts with plausible values.

    Left out are its label, what no model may see, and what follows from the event's time.
    """

    def __init__(self, project: Project, rng: random.Random | None = None, **params: Any) -> None:
        super().__init__(**params)
        self._project = project
        self._rng = rng or random.Random()  # noqa: S311 - plausible, not secret
        fields = form_fields(project.event, hidden=project.hidden)
        self._fields = [field for field in fields if not field.clock]
        self._clocks = [field for field in fields if field.clock]
        self._time: str | None = None
        self.inputs = {field.path: _input(field) for field in self._fields}
        self.randomise()

    def randomise(self) -> None:
        """Draw other values for every field, as the project's own stream might bring them."""
        drawn = dict(_leaves(random_event(self._project.event, self._rng, self._project.hidden)))
        if self._time is not None:
            drawn[self._project.time] = self._time
        for path, widget in self.inputs.items():
            widget.value = drawn[path]
        self.mark({})

    def set_time(self, time: str | None) -> None:
        """Let events begin at the stream's own time, unless somebody has chosen another."""
        shown = self.inputs.get(self._project.time)
        if time is None or shown is None or time == self._time:
            return
        first, untouched = self._time is None, shown.value == self._time
        self._time = time
        if first or untouched:
            shown.value = time

    @property
    def event(self) -> dict[str, Any]:
        """The values as the nested object that Kafka would carry."""
        event: dict[str, Any] = {}
        for path, widget in self.inputs.items():
            *parents, name = path.split(".")
            place = event
            for parent in parents:
                place = place.setdefault(parent, {})
            place[name] = widget.value
        return event | self._told_by_time(event)

    def _told_by_time(self, event: dict[str, Any]) -> dict[str, int]:
        """The fields that follow from the time; from now while that is no time."""
        try:
            time = datetime.fromisoformat(str(event.get(self._project.time)))
        except ValueError:
            time = datetime.now(UTC)
        return {field.path: of_clock(field.clock, time) for field in self._clocks}

    def mark(self, errors: dict[str, str]) -> dict[str, str]:
        """Show each error at its field; return those of fields that are not in the form."""
        for path, widget in self.inputs.items():
            if hasattr(widget, "error_state"):
                widget.param.update(error_state=path in errors, helper_text=errors.get(path, ""))
        return {path: text for path, text in errors.items() if not self._can_show(path)}

    def _can_show(self, path: str) -> bool:
        return hasattr(self.inputs.get(path), "error_state")

    def __panel__(self) -> pmui.Row:
        return parts.columns(*self._groups(), widths=_WIDTHS, gap=1.5)

    def _groups(self) -> Iterator[Any]:
        for title, kinds in _GROUPS:
            inputs = [self.inputs[each.path] for each in self._fields if each.kind in kinds]
            if inputs:
                yield parts.quiet(title, "subtitle2", styles=_WHOLE_LINE)
                yield from inputs


def _input(field: FormField) -> Any:
    kinds = {
        "number": pmui.FloatInput,
        "integer": pmui.IntInput,
        "boolean": pmui.Switch,
        "choice": pmui.AutocompleteInput,
    }
    options: dict[str, Any] = {
        "label": f"{field.label} ({field.unit})" if field.unit else field.label,
        "description": explanation(field),
        "margin": 0,
        "width": None,
        "sizing_mode": "stretch_width",
        "css_classes": [f"field-{field.path.replace('.', '-')}"],
    }
    if field.kind != "boolean":
        options["size"] = "small"
    if field.kind == "choice":
        options |= {"options": list(field.choices), "restrict": False, "min_characters": 0}
    return kinds.get(field.kind, pmui.TextInput)(**options)


def explanation(field: FormField) -> str:
    """What a field means, where its values usually lie, and between which they must."""
    lines = [f"{field.help}."] if field.help and field.help[-1] not in ".?!" else [field.help]
    if field.typical:
        lines.append(f"Usually {_span(*field.typical)}.")
    if field.minimum is not None and field.maximum is not None:
        lines.append(f"Allowed: {_span(field.minimum, field.maximum)}.")
    return " ".join(lines)


def _span(low: float, high: float) -> str:
    return f"{low:,.6g} to {high:,.6g}".replace(",", "\u202f").replace("-", wording.MINUS)


def _leaves(event: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in event.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
