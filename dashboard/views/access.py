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

// Whatever shows a newer value is made anew: what of it had the focus gets it again, without which
// who moves slowly by the keyboard would never get past it. A component may say more than once that
// it was drawn.
const kept = new WeakSet()
after("panel.models.esm.ReactComponent", "after_rendered", ({model, container}) => {
  if (!model.css_classes.includes("tiles") || kept.has(container)) return
  kept.add(container)
  let key = null
  container.addEventListener("focusin", ({target}) => key = target.closest(".tile")?.dataset.key)
  container.addEventListener("focusout", ({target}) => queueMicrotask(() => {
    if (target.isConnected) key = null
  }))
  new MutationObserver(() => {
    if (key == null || container.getRootNode().activeElement != null) return
    container.querySelector(`.tile[data-key="${key}"] .sign`)?.focus({preventScroll: true})
  }).observe(container, {childList: true, subtree: true})
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
