"""One look for every page, in light and dark."""

from __future__ import annotations

from typing import Any

from panel_material_ui.theme import linear_gradient

ACCENT = "#6366f1"
GOOD = "#10b981"
BAD = "#f43f5e"
WARN = "#f59e0b"
QUIET = "#94a3b8"
FAINT = "#94a3b833"
"""Mid tones: they read on white and on near black, so that pictures need no second palette."""

CELL_SHADES = linear_gradient("#64748b", "#4338ca", 32)
TWO_SIDED = [
    *linear_gradient("#1d4ed8", "#64748b", 16),
    *linear_gradient("#64748b", "#be123c", 16),
]
CELL_INK = "#ffffff"
LABEL = "#6b7a90"
"""Text in pictures, on either background."""

KINDS = (ACCENT, GOOD, WARN, BAD, "#0ea5e9", "#a855f7", "#84cc16", "#ec4899", "#14b8a6", "#f97316")


def shade(number: int) -> str:
    """The lasting colour of the kind with this number."""
    return KINDS[number % len(KINDS)]


STATE_COLORS = {"running": "success", "paused": "warning", "stale": "error", "absent": "default"}

CARD = {
    "p": 2,
    "borderRadius": 3,
    "gap": "8px",
    "boxSizing": "border-box",
    "backgroundImage": "none",
    "backgroundColor": "background.paper",
}
_NOTE = {"fontSize": "0.78rem", "fontWeight": 400, "color": "text.secondary", "lineHeight": 1.4}
HEADING = {"& .note": {**_NOTE, "display": "block"}}
_SIGN = {
    "display": "inline-block",
    "width": "14px",
    "height": "14px",
    "border": "1px solid currentColor",
    "borderRadius": "50%",
    "boxSizing": "border-box",
    "fontSize": "9px",
    "lineHeight": "12px",
    "textAlign": "center",
    "opacity": 0.6,
    "cursor": "help",
    "flexShrink": 0,
}
_TIP = {
    "content": "attr(data-tip)",
    "position": "absolute",
    "left": "-1px",
    "minWidth": "100%",
    "bottom": "calc(100% + 6px)",
    "boxSizing": "border-box",
    "padding": "8px 10px",
    "borderRadius": "8px",
    "backgroundColor": "#1e2433",
    "color": "#f1f5f9",
    "fontSize": "0.75rem",
    "fontWeight": 400,
    "lineHeight": 1.5,
    "textAlign": "left",
    "whiteSpace": "pre-line",
    "boxShadow": "0 4px 16px rgba(0, 0, 0, 0.25)",
    "zIndex": 10,
    "pointerEvents": "none",
}
NUMBER = {"fontVariantNumeric": "tabular-nums"}
TILES = {
    "display": "grid",
    "gap": 2,
    "& > div": {"display": "contents"},
    "& .tile": {
        "position": "relative",
        "padding": "12px 16px",
        "border": "1px solid",
        "borderColor": "divider",
        "borderRadius": 3,
        "backgroundColor": "background.paper",
        "minWidth": 0,
    },
    "& .label": {
        "display": "flex",
        "alignItems": "center",
        "justifyContent": "space-between",
        "gap": "6px",
        "fontSize": "0.8rem",
        "fontWeight": 500,
        "lineHeight": 1.5,
        "letterSpacing": 0,
        "color": "text.secondary",
    },
    "& .value.long": {"fontSize": "0.95rem", "lineHeight": 1.9, "overflowWrap": "anywhere"},
    "& .note": {**_NOTE, "letterSpacing": 0},
    "& .note:empty": {"display": "none"},
    "& .sign": _SIGN,
    "& .sign:hover, & .sign:focus": {"opacity": 1, "outline": "none"},
    "& .sign:hover::after, & .sign:focus::after": _TIP,
}
PAGE = {
    "& main": {"backgroundColor": "background.default"},
    "& .MuiAppBar-root": {
        "backgroundColor": "background.paper",
        "color": "text.primary",
        "backgroundImage": "none",
        "boxShadow": "none",
        "borderBottom": "1px solid",
        "borderColor": "divider",
    },
    "& .header > .MuiLinearProgress-root": {"display": "none"},
    "& .header .title": {"color": "text.primary", "whiteSpace": "nowrap"},
    "& .MuiDrawer-paper": {"backgroundColor": "background.paper", "backgroundImage": "none"},
}

_TYPOGRAPHY = {
    "h3": {"fontSize": "1.15rem", "fontWeight": 600},
    "h4": {"fontSize": "1.75rem", "fontWeight": 600, "lineHeight": 1.2},
    "h5": {"fontSize": "1.4rem", "fontWeight": 600, "lineHeight": 1.25},
    "h6": {"fontSize": "1rem", "fontWeight": 600},
    "subtitle2": {"fontWeight": 500},
    "overline": {"fontWeight": 500, "letterSpacing": "0.04em", "textTransform": "none"},
}


def _palette(background: str, paper: str, primary: str, divider: str) -> dict[str, Any]:
    return {
        "primary": {"main": primary},
        "success": {"main": GOOD},
        "error": {"main": BAD},
        "warning": {"main": WARN},
        "background": {"default": background, "paper": paper},
        "divider": divider,
    }


def _mode(palette: dict[str, Any]) -> dict[str, Any]:
    button = {"styleOverrides": {"root": {"textTransform": "none"}}}
    return {
        "palette": palette,
        "typography": _TYPOGRAPHY,
        "shape": {"borderRadius": 6},
        "components": {"MuiButton": button, "MuiTab": button},
    }


CONFIG = {
    "light": _mode(_palette("#f4f5f9", "#ffffff", "#4f46e5", "#e3e6ee")),
    "dark": _mode(_palette("#0e1118", "#171b25", "#a5b4fc", "#2a3040")),
}


def template(width: int | str) -> str:
    """CSS grid columns: so many equal ones, or as given."""
    return f"repeat({width}, minmax(0, 1fr))" if isinstance(width, int) else width
