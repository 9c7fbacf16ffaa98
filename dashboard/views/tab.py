"""What a project's page needs of each of its tabs."""

from __future__ import annotations

import panel as pn
import param

from dashboard.feed import Snapshot


class Tab(pn.viewable.Viewer):
    """One tab of a project's page, made when it is first opened.

    `snapshot` is the newest look at the project while the tab is open. A tab that has `metric`,
    `window`, `model` or `chart` shares it with the page, whose address names it.
    """

    snapshot = param.ClassSelector(class_=Snapshot, default=Snapshot())

    async def refresh(self) -> None:
        """Read what only this tab shows; called once a second while it is open."""
