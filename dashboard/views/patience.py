"""Lets figures be added to a page that is already there."""
# mypy: allow-untyped-calls

from __future__ import annotations

import panel as pn


class Patience(pn.custom.JSComponent):
    """Keeps Bokeh from measuring figures before it has laid them out.

    A component of React puts a new figure on the page some time after it has made it. What changes
    its size in between makes Bokeh measure all there is, and it fails at the new figure; that is
    laid out and measured as soon as it is put there.
    """

    _esm = """
const view = window.Bokeh.Models.get("Figure").prototype.default_view.prototype
if (!view.waits_for_layout) {
  view.waits_for_layout = true
  for (const name of ["_measure_layout", "_after_layout"]) {
    const step = view[name]
    view[name] = function () { if (this.layout != null) step.call(this) }
  }
}

export function render() { return null }
"""

    def __init__(self) -> None:
        super().__init__(width=0, height=0, margin=0)
