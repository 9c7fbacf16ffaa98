"""Tells when what was added to a page can be changed."""
# mypy: allow-untyped-calls

from __future__ import annotations

import panel as pn
import param


class Arrival(pn.custom.JSComponent):
    """Becomes `there` in the browser after what stands before it on the page.

    A component of React listens for changes only some time after it was drawn first; what changes
    in between is never shown.
    """

    there = param.Boolean(default=False)

    _esm = """
export function render({ model }) {
  requestAnimationFrame(() => setTimeout(() => { model.there = true }, 50))
  return null
}
"""

    def __init__(self) -> None:
        super().__init__(width=0, height=0, margin=0)
