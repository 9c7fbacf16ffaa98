"""Small tables of text, each one component."""
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape

import panel as pn
import param

_STYLE = """
:host { display: block; font-size: 0.875rem; line-height: 1.43; color: inherit }
.scroll { overflow: auto; max-height: 360px }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td {
  padding: 6px 12px 6px 0; text-align: left; vertical-align: top; overflow-wrap: break-word;
  min-width: 4.5em; max-width: 36em;
  border-bottom: 1px solid color-mix(in srgb, currentColor 16%, transparent);
}
th { font-weight: 500; font-size: 0.8rem; overflow-wrap: normal }
th, .nothing { color: color-mix(in srgb, currentColor 72%, transparent) }
.number { text-align: right; white-space: nowrap }
"""


class Grid(pn.custom.JSComponent):
    """HTML that is shown as it is.

    Components of React miss what changes before they listen, which is some time after they are
    drawn; this one listens at once, and keeps the place that was scrolled to.
    """

    html = param.String(default="")

    _esm = """
export function render({ model }) {
  const box = document.createElement("div")
  const show = () => {
    const { scrollTop, scrollLeft } = box.firstElementChild ?? box
    box.innerHTML = model.html
    box.firstElementChild?.scrollTo(scrollLeft, scrollTop)
  }
  model.on("html", show)
  show()
  return box
}
"""
    _stylesheets = [_STYLE]  # noqa: RUF012 - as Panel has it


class Table(pn.viewable.Viewer):
    """Rows of texts below headings; set `rows`. `numbers` are the columns aligned as such.

    `label` names the table to those who cannot see it, `nothing` stands where there are no rows.
    """

    rows = param.List(default=[])

    def __init__(
        self,
        label: str,
        headings: Sequence[str],
        numbers: Collection[int] = (),
        nothing: str = "",
        css_classes: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._label, self._headings = label, headings
        self._numbers, self._nothing = frozenset(numbers), nothing
        self._view = Grid(
            html=self.html, margin=0, sizing_mode="stretch_width", css_classes=[*css_classes]
        )

    @property
    def html(self) -> str:
        """The whole table; it scrolls by itself where it is too large."""
        if not self.rows:
            return f"<div class='nothing'>{escape(self._nothing)}</div>"
        head = self._line("th scope='col'", "th", self._headings)
        body = "".join(self._line("td", "td", row) for row in self.rows)
        return (
            f"<div class='scroll' role='region' tabindex='0' aria-label='{escape(self._label)}'>"
            f"<table><thead>{head}</thead><tbody>{body}</tbody></table></div>"
        )

    def _line(self, start: str, end: str, texts: Sequence[str]) -> str:
        cells = (
            f"<{start}{' class=number' if number in self._numbers else ''}>{_shown(text)}</{end}>"
            for number, text in enumerate(texts)
        )
        return f"<tr>{''.join(cells)}</tr>"

    @param.depends("rows", watch=True)
    def _show(self) -> None:
        self._view.html = self.html

    def __panel__(self) -> pn.viewable.Viewable:
        return self._view


def _shown(text: str) -> str:
    return "<br>".join(escape(line) for line in text.splitlines())
