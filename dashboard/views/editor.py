"""An editor for SQL: a text area with coloured words, which needs nothing from elsewhere."""
# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import panel as pn
import param

KEYWORDS = """
all and any as asc avg between by case cast coalesce count cross current_date date desc describe
distinct else end epoch except exists explain extract false filter first following from full
group having if ilike in inner intersect interval is join last lateral left like limit max min
natural not null nulls offset on or order outer over partition preceding qualify range right row
rows select show sum summarize then to true try_cast unbounded union unnest using
values when where window with
"""

_ESM = """
const KINDS = new RegExp([
  "(?<comment>--.*|\\\\/\\\\*[^]*?(?:\\\\*\\\\/|$))",
  "(?<string>'(?:[^']|'')*'?)",
  '(?<name>"(?:[^"]|"")*"?)',
  "(?<number>\\\\b\\\\d+(?:\\\\.\\\\d+)?(?:e[+-]?\\\\d+)?\\\\b)",
  "(?<keyword>\\\\b(?:KEYWORDS)\\\\b)",
].join("|"), "gi")

function coloured(text) {
  const parts = []
  let end = 0
  for (const found of text.matchAll(KINDS)) {
    const span = document.createElement("span")
    span.className = Object.entries(found.groups).find(([, value]) => value !== undefined)[0]
    span.textContent = found[0]
    parts.push(text.slice(end, found.index), span)
    end = found.index + found[0].length
  }
  return [...parts, text.slice(end), "\\n"]
}

export function render({ model }) {
  const box = document.createElement("div")
  const shown = document.createElement("pre")
  const area = document.createElement("textarea")
  box.className = "box"
  shown.setAttribute("aria-hidden", "true")
  area.setAttribute("aria-label", model.label)
  area.setAttribute("aria-keyshortcuts", "Control+Enter")
  area.spellcheck = false
  area.autocapitalize = "off"
  area.value = model.value
  const colour = () => shown.replaceChildren(...coloured(area.value))
  area.addEventListener("input", () => { colour(); model.value = area.value })
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault()
      model.send_msg(area.value)
    }
  })
  model.on("value", () => {
    if (area.value !== model.value) { area.value = model.value; colour() }
  })
  colour()
  box.append(shown, area)
  return box
}
"""

_STYLE = """
:host { color: inherit }
.box {
  display: grid; border: 1px solid color-mix(in srgb, currentColor 45%, transparent);
  border-radius: 6px; min-height: 9em; max-height: 26em; overflow: auto; width: 100%;
}
.box:focus-within { outline: 2px solid #6366f1; outline-offset: -1px }
pre, textarea {
  grid-area: 1 / 1; margin: 0; padding: 12px; border: 0; box-sizing: border-box; min-width: 0;
  font: 14px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; tab-size: 2;
  white-space: pre-wrap; overflow-wrap: anywhere; letter-spacing: 0;
}
pre { pointer-events: none; color: inherit }
textarea {
  resize: none; overflow: hidden; background: transparent; color: transparent; outline: none;
  caret-color: color-mix(in srgb, currentColor, #6366f1); width: 100%;
}
textarea::selection { background: #6366f155 }
.keyword { color: color-mix(in srgb, currentColor 40%, #4f46e5); font-weight: 600 }
.string { color: color-mix(in srgb, currentColor 45%, #0f9d6a) }
.name { color: color-mix(in srgb, currentColor 45%, #0ea5e9) }
.number { color: color-mix(in srgb, currentColor 45%, #d97706) }
.comment { color: color-mix(in srgb, currentColor 65%, transparent); font-style: italic }
"""


class Editor(pn.custom.JSComponent):
    """A SQL text; Ctrl-Enter in it sets `value` and counts up `runs`. The Tab key leaves it."""

    value = param.String(default="")
    label = param.String(default="SQL", doc="What it is called by those who cannot see it")
    runs = param.Integer(default=0)

    _esm = _ESM.replace("KEYWORDS", "|".join(KEYWORDS.split()))
    _stylesheets = [_STYLE]  # noqa: RUF012 - as Panel has it

    def __init__(self, **params: Any) -> None:
        super().__init__(**{"sizing_mode": "stretch_width", "margin": 0, **params})

    def _handle_msg(self, data: str) -> None:
        self.param.update(value=data, runs=self.runs + 1)
