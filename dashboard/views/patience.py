"""Lets a page take every change, however slow the browser is."""
# mypy: allow-untyped-calls

from __future__ import annotations

import panel as pn

SCRIPT = """
const models = window.Bokeh.Models

// Bokeh measures all figures when something changes its size, and fails at one that it has not laid
// out yet: a component of React puts a new figure on the page some time after it has made it. That
// one is laid out and measured as soon as it is put there, and one that is hidden when it is seen.
const figure = models.get("Figure").prototype.default_view.prototype
for (const name of ["_measure_layout", "_after_layout"]) {
  const step = figure[name]
  figure[name] = function () { if (this.layout != null && this.is_displayed) step.call(this) }
}

// A component of React begins to listen some time after it was drawn first, and Panel forgets to
// look whether something has changed in between. And whatever such a component shows it tells the
// server a little later, as if it came from the reader: a value that the server had sent, and had
// changed since, would take the newer one's place. Only what it changed itself is told.
const react = models.get("panel.models.esm.ReactComponent").prototype
const code = react._render_code
const listen = "react_proxy.on(prop, cb, true)"
const begin = "let initialized = React.useRef(false)"
const tell = "targetModel.setv({ [resolvedProp]: value })"
const give = "return [value, setValue]"
const own = "const own = React.useRef(false)"
const change = "React.useCallback((next) => { own.current = true; setValue(next) }, [])"
react._render_code = function () {
  return code.call(this)
    .replace(listen, `${listen}; queueMicrotask(cb)`)
    .replace(begin, `${own}; ${begin}`)
    .replace(tell, `if (own.current) { own.current = false; ${tell} }`)
    .replace(give, `return [value, ${change}]`)
}
"""
"""Runs before there is anything on the page."""


def tell_at_once() -> None:
    """Let the session tell its browser of every change, from its first one on.

    Panel drops changes until the browser says that all is drawn, though it says so long after
    there is something to press: what a reader saw then was not what was sent.
    """
    document = pn.state.curdoc
    if document is not None:
        pn.state._connected[document] = pn.state._loaded[document] = True
