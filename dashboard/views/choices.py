"""Several choices beside each other, as the browser's own lists."""
# mypy: allow-untyped-calls

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import panel as pn
import param

_STYLE = """
:host { color: inherit; font-size: 0.875rem; line-height: 1.43 }
.lists {
  display: grid; gap: 8px 12px; grid-template-columns: repeat(auto-fill, minmax(140px, 1fr));
  width: 100%;
}
label { display: grid; gap: 2px; min-width: 0 }
span { color: color-mix(in srgb, currentColor 75%, transparent); font-size: 0.78rem }
select {
  background: color-mix(in srgb, currentColor 6%, transparent); border-radius: 4px; color: inherit;
  border: 1px solid color-mix(in srgb, currentColor 50%, transparent); font: inherit;
  min-height: 36px; min-width: 0; padding: 4px 6px; width: 100%;
}
option { background: Canvas; color: CanvasText }
select:focus-visible { outline: 2px solid #6366f1; outline-offset: 1px }
"""


class Choices(pn.custom.JSComponent):
    """`fields` are names, labels, and what can be chosen, each as its value and its words; `value`
    is what is chosen, as JSON by name. Listens from the start, as React's components do not."""

    fields = param.List(default=[])
    value = param.String(default="{}")

    _esm = """
export function render({ model }) {
  const box = document.createElement("div")
  box.className = "lists"
  function draw() {
    const chosen = JSON.parse(model.value)
    box.replaceChildren(...model.fields.map(([name, words, options]) => {
      const label = document.createElement("label")
      const said = document.createElement("span")
      const list = document.createElement("select")
      said.textContent = words
      list.setAttribute("aria-label", words)
      for (const [value, shown] of options) list.append(new Option(shown, value))
      if (options.some(([value]) => value === chosen[name])) list.value = chosen[name]
      list.addEventListener("change", () => {
        model.value = JSON.stringify({ ...JSON.parse(model.value), [name]: list.value })
      })
      label.append(said, list)
      return label
    }))
  }
  model.on("fields", draw)
  model.on("value", () => {
    const chosen = JSON.parse(model.value)
    box.querySelectorAll("select").forEach((list, place) => {
      const wanted = chosen[model.fields[place][0]]
      if (wanted !== undefined && list.value !== wanted) list.value = wanted
    })
  })
  draw()
  return box
}
"""
    _stylesheets = [_STYLE]  # noqa: RUF012 - as Panel has it

    def __init__(self, **params: Any) -> None:
        super().__init__(**{"sizing_mode": "stretch_width", "margin": 0, **params})

    @property
    def chosen(self) -> dict[str, str]:
        """What is chosen, or the first that can be, by name."""
        told = json.loads(self.value)
        found = {}
        for name, _, options in self.fields:
            values = [value for value, _ in options]
            if values:
                found[name] = told[name] if told.get(name) in values else values[0]
        return found

    def choose(self, values: Mapping[str, str]) -> None:
        """Choose these beside what is chosen already."""
        self.value = json.dumps(self.chosen | dict(values))
