"""The frame around every page: title, navigation, theme."""
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import panel as pn
import panel_material_ui as pmui
from panel.util.parameters import edit_readonly
from panel.viewable import Viewable
from panel_material_ui.template.base import Page

from dashboard import theme
from dashboard.views import access, patience
from flows.projects.spec import Project

STREAMS = "streams"
"""The address of the page of generators; a project of that name would take it."""

BRAND = "COELHO RealTime"


def page(view: Any, projects: Sequence[Project], here: str, *unseen: Viewable) -> Viewable:
    """Put a view in the frame; `here` is the slug whose link is the current one.

    What is to happen when the page is there has been said before.
    """
    content = pmui.Column(
        view,
        *unseen,
        sizing_mode="stretch_width",
        margin=0,
        sx={"p": {"xs": 1.5, "sm": 3}},
    )
    frame = _undisturbed(
        title=BRAND,
        meta_title=f"{view.title} · {BRAND}",
        header=_links(projects, here),
        main=[content],
        main_width=1280,
        template=_TEMPLATE,
        theme_config=theme.CONFIG,
        sx=theme.PAGE,
        busy_indicator=None,
        raw_css=[_LOADER],
        sizing_mode="stretch_both",
    )
    frame.jscallback(dark_theme=_REMEMBER)
    patience.tell_at_once()
    return frame


def _undisturbed(**parts: Any) -> Page:
    """Make a page that does not follow whether anything in this process works, for any session:
    each time all of its models would be looked through, and the process would keep it for ever."""
    known = _followers()
    frame = Page(**parts)
    with edit_readonly(frame):
        frame.busy = False
    for each in _followers():
        if each not in known:
            pn.state.param.unwatch(each)
    return frame


def _followers() -> list[Any]:
    return list(pn.state.param.watchers["busy"]["value"])


def recall_theme() -> None:
    """Start a session in the theme that its reader chose last, unless the address names one."""
    if pn.state.cookies.get(_COOKIE) == "dark" and "theme" not in pn.state.session_args:
        pn.config.theme = "dark"  # type: ignore[misc]


_SCRIPTS = "".join(f"<script>{{{each.SCRIPT}}}</script>" for each in (patience, access))
_TEMPLATE = f"""
{{% extends "base.html" %}}
{{% block js_resources %}}{{% endblock %}}
{{% block loader %}}
<div id="loader"><div class="spinner"></div><div>{{{{ title | e }}}}</div>
<div id="loader-error"></div></div>
{{{{ bokeh_js }}}}
{{% raw %}}{_SCRIPTS}{{% endraw %}}
{{% endblock %}}
"""
"""What opens is said before the browser reads its scripts, which takes it a second."""

_LOADER = "#loader { display: flex; background: transparent; font: 1rem sans-serif }"
_COOKIE = "theme"
_REMEMBER = f"""
const theme = cb_obj.dark_theme ? "dark" : "light"
document.cookie = `{_COOKIE}=${{theme}}; path=/; max-age=31536000; SameSite=Lax`
"""


def _links(projects: Sequence[Project], here: str) -> list[pmui.Button]:
    pages = [("Overview", "", "."), *((p.slug.capitalize(), p.slug, p.slug) for p in projects)]
    pages.append(("Streams", STREAMS, STREAMS))
    return [_link(label, href, slug == here) for label, slug, href in pages]


def _link(label: str, href: str, current: bool) -> pmui.Button:
    look = {"color": "inherit", "opacity": 1 if current else 0.65, "minWidth": 0}
    room = {"px": {"xs": "6px", "sm": "12px"}}
    return pmui.Button(
        label=label, href=href, target="_self", variant="text", margin=0, size="small",
        sx={"&.MuiButton-root": {**look, **room, "fontWeight": 600 if current else 400}},
    )  # fmt: skip
