"""What of a page its address names, so that it can be linked to and gone back to."""
# mypy: allow-untyped-calls

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

import panel as pn
import param

AnyView = TypeVar("AnyView", bound=param.Parameterized)


class Address(pn.custom.JSComponent):
    """The part of the address after the `?`: each change is a step in the browser's history,
    and each step back is a change. Panel's own `Location` does not hear of steps back."""

    search = param.String(default="")

    _esm = """
export function render({ model }) {
  const follow = () => { model.search = window.location.search }
  const tell = () => {
    const { search, pathname, hash } = window.location
    if (model.search !== search) window.history.pushState({}, "", pathname + model.search + hash)
  }
  model.on("search", tell)
  tell()
  model.on("remove", () => window.removeEventListener("popstate", follow))
  window.addEventListener("popstate", follow)
  return null
}
"""

    def __init__(self, **params: Any) -> None:
        super().__init__(**{"width": 0, "height": 0, "margin": 0, **params})

    def keep(self, make: Callable[..., AnyView], first: Mapping[str, str]) -> AnyView:
        """Make a view of what the address names, or as at first, and keep the two in step."""
        self._first = dict(first)
        self._view = view = make(**self._named())
        self.param.watch(lambda _event: self._take(), "search")
        view.param.watch(lambda _event: self._tell(), list(self._first))
        return view

    def _take(self) -> None:
        self._view.param.update(self._named())

    def _tell(self) -> None:
        """Change nothing while the address says the same in other words."""
        values = {name: getattr(self._view, name) for name in self._first}
        if values != self._named():
            others = {name: text for name, text in self._told().items() if name not in self._first}
            differing = {name: text for name, text in values.items() if text != self._first[name]}
            query = urlencode({**others, **differing})
            self.search = f"?{query}" if query else ""

    def _named(self) -> dict[str, str]:
        told = self._told()
        return {name: told.get(name, first) for name, first in self._first.items()}

    def _told(self) -> dict[str, str]:
        return dict(parse_qsl(self.search.removeprefix("?")))
