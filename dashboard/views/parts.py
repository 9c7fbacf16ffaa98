"""The pieces that pages are made of: few components, since each costs milliseconds to make."""
# mypy: allow-untyped-calls

from __future__ import annotations

from datetime import datetime
from html import escape
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from dashboard import theme, wording
from dashboard.client import Answer, Failure

LONG = 12
"""Characters of a tile's value from which it is set smaller."""

_FLAT = {"margin": 0, "sizing_mode": "stretch_width"}


def text(content: str = "", variant: str = "body2", **params: Any) -> pmui.Typography:
    """Show text as it is; use `say` to change it."""
    return pmui.Typography(_plain(content), variant=variant, **{**_FLAT, **params})


def quiet(content: str = "", variant: str = "body2", **params: Any) -> pmui.Typography:
    """Show text that steps back."""
    return text(content, variant, sx={"color": "text.secondary"}, **params)


def figure(content: str = "", size: str = "h4", **params: Any) -> pmui.Typography:
    """Show a value as large as a heading, which it is none of."""
    return text(content, sx={"typography": size}, **params)


def say(target: pmui.Typography, content: str) -> None:
    """Change a text."""
    target.object = _plain(content)


def heading(title: str, note: str = "", variant: str = "h2") -> pmui.Typography:
    """Show a title, and a quiet line that says how to read what follows; the page's own is h1."""
    html = f"<div>{escape(title)}<span class='note'>{escape(note)}</span></div>"
    return pmui.Typography(html, variant=variant, sx=theme.HEADING, **_FLAT)


def titled(title: str, note: str, *controls: Any) -> pmui.Row:
    """Show a heading with what steers the picture below it."""
    alone = {"& > :first-of-type > *": {"flexBasis": "100% !important"}}
    wrap = {"flexWrap": {"xs": "wrap", "sm": "nowrap"}, "@media (max-width: 599px)": alone}
    return line(heading(title, note), *controls, sx=wrap)


def card(*objects: Any, **params: Any) -> pmui.Paper:
    """Put objects on a surface of their own."""
    sx = {**theme.CARD, **params.pop("sx", {})}
    return pmui.Paper(*objects, variant="outlined", sx=sx, **{**_FLAT, **params})


def stack(*objects: Any, gap: int = 2, **params: Any) -> pmui.Column:
    """Lay objects out below each other."""
    return pmui.Column(*objects, sx={"gap": gap}, **{**_FLAT, **params})


def columns(*objects: Any, widths: dict[str, Any], gap: float = 2, **params: Any) -> pmui.Row:
    """Lay objects out in a grid: its column template, or their number, per breakpoint."""
    template = {name: theme.template(width) for name, width in widths.items()}
    sx = {"display": "grid", "gridTemplateColumns": template, "gap": gap, "& > *": {"minWidth": 0}}
    return pmui.Row(*objects, sx=sx, **{**_FLAT, **params})


def line(*objects: Any, **params: Any) -> pmui.Row:
    """Lay objects out beside each other, wrapping where there is no room."""
    sx = {"gap": 1.5, "alignItems": "center", "flexWrap": "wrap", **params.pop("sx", {})}
    return pmui.Row(*objects, sx=sx, **{**_FLAT, **params})


class Tiles(pn.viewable.Viewer):
    """A row of numbers, each with a name, a note, and an explanation to point at; `flat` ones stand
    on a card that is there already.

    `names` gives key → (label, explanation) once; set `values`, `notes` and `changes` by key. A
    change begins with its words for better or worse.
    """

    values = param.Dict(default={})
    notes = param.Dict(default={})
    changes = param.Dict(default={})

    def __init__(
        self,
        names: dict[str, tuple[str, str]],
        widths: dict[str, Any],
        *,
        large: bool = False,
        flat: bool = False,
        **params: Any,
    ) -> None:
        super().__init__(**params)
        self._names = names
        template = {name: theme.template(width) for name, width in widths.items()}
        sx = {
            **(theme.FLAT_TILES if flat else theme.TILES),
            "gridTemplateColumns": template,
            "& .value": {**theme.NUMBER, "typography": _size(large, flat)},
        }
        self._view = pmui.Typography(self.html, sx=sx, css_classes=["tiles"], **_FLAT)

    @property
    def html(self) -> str:
        """All tiles; one component shows them, in place of six for each."""
        return f"<div>{''.join(self._tile(key) for key in self._names)}</div>"

    def _tile(self, key: str) -> str:
        label, explanation = self._names[key]
        value = self.values.get(key, wording.NOTHING)
        size = "value long" if len(value) > LONG else "value"
        note = "<br>".join(escape(line) for line in self.notes.get(key, "").splitlines())
        return (
            f"<div class='tile' data-key='{escape(key)}'>"
            f"<div class='label'>{escape(label)}{_sign(explanation)}</div>"
            f"<div class='{size}'>{escape(value)}</div>{_change(self.changes.get(key, ''))}"
            f"<div class='note'>{note}</div></div>"
        )

    @param.depends("values", "notes", "changes", watch=True)
    def _show(self) -> None:
        self._view.object = self.html

    def __panel__(self) -> pmui.Typography:
        return self._view


class StateChip(pn.viewable.Viewer):
    """Running, paused, stale or absent."""

    state = param.String(default="")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._chip = pmui.Chip(
            "connecting", size="small", variant="outlined", margin=0, css_classes=["state"]
        )
        self._show()

    @param.depends("state", watch=True)
    def _show(self) -> None:
        color = theme.STATE_COLORS.get(self.state, "default")
        self._chip.param.update(label=self.state or "connecting", color=color)

    def __panel__(self) -> pmui.Chip:
        return self._chip


class Banner(pn.viewable.Viewer):
    """Says what is wrong; not there while nothing is."""

    title = param.String(default="")
    message = param.String(default="")
    severity = param.String(default="error")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._message = text()
        self._alert = pmui.Alert(self._message, css_classes=["banner"], **_FLAT)
        self._show()

    @param.depends("title", "message", "severity", watch=True)
    def _show(self) -> None:
        say(self._message, self.message)
        self._alert.param.update(
            title=self.title or None,
            severity=self.severity,
            visible=bool(self.title or self.message),
        )

    def __panel__(self) -> pmui.Alert:
        return self._alert


def _size(large: bool, flat: bool) -> str:
    return "h4" if large else "body1" if flat else "h5"


def outage(failure: Failure | None, down_since: datetime | None) -> dict[str, str]:
    """What a banner says of a failure: since when, and that the page is as old as that."""
    if failure is None:
        return {"title": "", "message": ""}
    if down_since is None:
        return {"title": failure.title, "message": failure.detail}
    message = f"Since {wording.since(down_since)}. What this page shows is from before."
    return {"title": failure.title, "message": message}


def trouble(answer: Answer | None) -> dict[str, str]:
    """What a banner says of an answer: why there is none, or nothing."""
    if isinstance(answer, Failure):
        return {"title": answer.title, "message": answer.detail, "severity": "error"}
    return {"title": "", "message": "", "severity": "error"}


def _plain(content: str) -> str:
    """Text as HTML that shows it, whatever it contains."""
    lines = [escape(line) for line in content.splitlines() or [""]]
    return f"<div>{'<br>'.join(lines)}</div>"


def _change(text: str) -> str:
    """How a value has changed, in the colour of good or bad news."""
    kind = next((word for word in ("better", "worse") if f" {word} " in text), "same")
    return f"<div class='change {kind}'>{escape(text)}</div>" if text else ""


def _sign(explanation: str) -> str:
    """Make a small sign that explains when pointed at or focused."""
    if not explanation:
        return ""
    tip = escape(explanation).replace("\n", "&#10;")
    return (
        f"<span class='sign' tabindex='0' role='note' aria-label='{tip}' data-tip='{tip}'>i</span>"
    )
