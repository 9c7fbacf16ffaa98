"""Names and roles that Panel's components leave out, for readers who cannot see or point."""

from __future__ import annotations

SCRIPT = """
const models = window.Bokeh.Models
const after = (model, method, more) => {
  const view = models.get(model).prototype.default_view.prototype
  const step = view[method]
  view[method] = function (...given) {
    const answer = step.apply(this, given)
    more(this)
    return answer
  }
}
const each = (root, chosen, set) => root?.querySelectorAll(chosen).forEach(set)
const STEPS = {RemoveIcon: "Less", AddIcon: "More"}

// What an input means is the name of an empty element; the arrow keys do what the two buttons do.
after("panel.models.esm.ReactComponent", "after_rendered", ({container}) => {
  each(container, "label span[aria-label]", (one) => one.setAttribute("role", "note"))
  each(container, ".MuiInputAdornment-root button", (one) => {
    one.ariaLabel = STEPS[one.firstElementChild?.dataset.testid] ?? "Open"
    one.tabIndex = -1
  })
})

// A grid consists of groups of rows; one that scrolls must be reached by the keyboard.
after("panel.models.tabulator.DataTabulator", "tableBuilt", ({tabulator}) => {
  const roles = {
    ".tabulator-tableholder": "rowgroup",
    ".tabulator-table": "presentation",
    ".tabulator-footer": "rowgroup",
    ".tabulator-footer-contents": "row",
    ".tabulator-paginator": "gridcell",
  }
  for (const [chosen, role] of Object.entries(roles)) {
    each(tabulator.element, chosen, (one) => one.setAttribute("role", role))
  }
})
"""
"""Runs before there is anything on the page."""
