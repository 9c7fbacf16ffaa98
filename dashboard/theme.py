"""One look for every page, in light and dark."""

from __future__ import annotations

from typing import Any

from panel_material_ui.theme import linear_gradient

ACCENT = "#6366f1"
GOOD = "#059669"
BAD = "#f43f5e"
WARN = "#d97706"
QUIET = "#7b899d"
FAINT = "#7b899d33"
"""Mid tones: all but FAINT stand 3 : 1 against white and against near black, so that pictures need
no second palette."""

CELL_SHADES = linear_gradient("#64748b", "#4338ca", 32)
TWO_SIDED = [
    *linear_gradient("#1d4ed8", "#64748b", 16),
    *linear_gradient("#64748b", "#be123c", 16),
]
CELL_INK = "#ffffff"
LABEL_PAPER = "#475569"
"""What names in pictures stand on, in CELL_INK: no ink reads well on both backgrounds."""

KINDS = (ACCENT, GOOD, WARN, BAD, "#0284c7", "#a855f7", "#65a30d", "#db2777", "#0d9488", "#ea580c")


def shade(number: int) -> str:
    """The lasting colour of the kind with this number."""
    return KINDS[number % len(KINDS)]


STATE_COLORS = {
    "running": "success",
    "paused": "warning",
    "stale": "error",
    "absent": "default",
    "silent": "default",
}

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
    "cursor": "help",
    "flexShrink": 0,
}
TIP = {
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
TILES: dict[str, Any] = {
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
    "& .change": {**_NOTE, "letterSpacing": 0, "fontWeight": 500},
    "& .change.better": {"color": "success.main"},
    "& .change.worse": {"color": "error.main"},
    "& .note:empty": {"display": "none"},
    "& .sign": _SIGN,
    "& .sign:focus-visible": {"outline": "2px solid", "outlineColor": "primary.main"},
    "& .sign:hover::after, & .sign:focus::after": TIP,
}
FLAT_TILES = {
    **TILES,
    "gap": 1,
    "& .tile": {"position": "relative", "minWidth": 0},
    "& .label": {**TILES["& .label"], "justifyContent": "flex-start", "fontSize": "0.75rem"},
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
    "& .header .MuiToolbar-root": {"flexWrap": {"xs": "wrap", "md": "nowrap"}},
    "& .header .MuiToolbar-root > div:first-of-type": {"flexGrow": {"xs": 1, "md": 0}},
    "& .header .MuiToolbar-root > div:nth-of-type(2)": {
        "order": {"xs": 1, "md": 0},
        "flexBasis": {"xs": "100%", "md": "auto"},
        "overflowX": "auto",
        "pb": {"xs": 1, "md": 0},
    },
    "& .main .MuiToolbar-root": {"minHeight": {"xs": 92, "md": 64}},
    "& .MuiDrawer-paper": {"backgroundColor": "background.paper", "backgroundImage": "none"},
}

_TITLE = {"fontSize": "1.75rem", "fontWeight": 600, "lineHeight": 1.2, "letterSpacing": 0}
_HEADING = {"fontSize": "1rem", "fontWeight": 600, "lineHeight": 1.6, "letterSpacing": 0}
_TYPOGRAPHY = {
    "h1": _TITLE,
    "h2": _HEADING,
    "h3": {"fontSize": "1.15rem", "fontWeight": 600},
    "h4": _TITLE,
    "h5": {"fontSize": "1.4rem", "fontWeight": 600, "lineHeight": 1.25},
    "subtitle2": {"fontWeight": 500},
    "overline": {"fontWeight": 500, "letterSpacing": "0.04em", "textTransform": "none"},
}

_ELEMENTS = {"h3": "div", "subtitle2": "h3"}
"""What groups are called stands below h2; the brand on every page is no heading."""


def _mode(palette: dict[str, str], divider: str) -> dict[str, Any]:
    button = {"styleOverrides": {"root": {"textTransform": "none"}}}
    words = {"defaultProps": {"variantMapping": _ELEMENTS}}
    colors = {name: {"main": palette[name]} for name in ("primary", *INKS)}
    return {
        "palette": {
            **colors,
            "background": {"default": palette["background"], "paper": palette["paper"]},
            "divider": divider,
            "contrastThreshold": 4.5,
        },
        "typography": _TYPOGRAPHY,
        "shape": {"borderRadius": 6},
        "components": {"MuiButton": button, "MuiTab": button, "MuiTypography": words},
    }


INKS = ("success", "error", "warning")
LIGHT = {
    "background": "#f4f5f9",
    "paper": "#ffffff",
    "primary": "#4f46e5",
    "success": "#047857",
    "error": "#be123c",
    "warning": "#a84a06",
}
DARK = {
    "background": "#0e1118",
    "paper": "#171b25",
    "primary": "#a5b4fc",
    "success": "#34d399",
    "error": "#fb7185",
    "warning": "#fbbf24",
}
"""Surfaces, and the colours of words on them: each reads at 4.5 : 1 or better."""

CONFIG = {"light": _mode(LIGHT, "#e3e6ee"), "dark": _mode(DARK, "#2a3040")}


def template(width: int | str) -> str:
    """CSS grid columns: so many equal ones, or as given."""
    return f"repeat({width}, minmax(0, 1fr))" if isinstance(width, int) else width
