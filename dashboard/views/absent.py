"""What is said in a tab whose content is not there yet."""
# mypy: allow-untyped-calls

from __future__ import annotations

from typing import Any

import panel_material_ui as pmui

from dashboard.views import parts
from dashboard.views.tab import Tab


class AbsentTab(Tab):
    """One honest sentence, and what helps until then."""

    sentence = ""

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._banner = parts.Banner(severity="info", message=self.sentence)

    def __panel__(self) -> pmui.Column:
        return parts.stack(self._banner, margin=(16, 0, 0, 0))
