"""A text of SQL, run by a button or by Ctrl-Enter, and the rows that it gave."""
# mypy: allow-untyped-calls

from __future__ import annotations

import io
from typing import Any

import panel as pn
import panel_material_ui as pmui
import param

from dashboard import wording
from dashboard.client import Answer, Failure
from dashboard.store import Store
from dashboard.views import parts
from dashboard.views.answering import Answering
from dashboard.views.editor import Editor
from dashboard.views.rows import Rows

ENGINES = {"DuckDB": "duckdb", "Polars": "polars"}


class Console(Answering):
    """An editor, and the rows of its last query; set `answer` to show one.

    Who makes a view of it says by which engine, and how many rows at most: `engine` and `most`.
    """

    engine: str
    most: int

    def __init__(
        self, store: Store, editor: Editor, run: str, kind: str, file: str, **params: Any
    ) -> None:
        """`run`: what the button says; `kind`: of the class of what is said; `file`: of the CSV."""
        super().__init__(run, "play_arrow", **params)
        self._store, self.editor = store, editor
        self._problem = parts.Banner()
        self.rows = Rows()
        self._said = parts.quiet("", css_classes=[f"{kind}-said"])
        self._csv = pmui.FileDownload(
            callback=self._file, filename=file, label="Download as CSV",
            size="small", margin=0, visible=False,
        )  # fmt: skip
        self.editor.param.watch(self._key, "runs")

    def _key(self, _event: Any) -> None:
        """Run it from the page's own loop: what is changed by a coroutine that answers a
        component's message does not reach the browser."""
        if pn.state.curdoc:
            pn.state.curdoc.add_next_tick_callback(self.run)  # type: ignore[arg-type]

    async def _ask(self) -> Answer:
        """Ask for what the text says by now."""
        body = {"query": self.editor.value, "engine": self.engine, "limit": self.most}
        return await self._store.query(body)

    @param.depends("answer", watch=True)
    def _show(self) -> None:
        failed = isinstance(self.answer, Failure)
        self._problem.param.update(**parts.trouble(self.answer))
        with pn.io.hold():
            self._csv.visible = not failed
            self.rows.answer = None if failed else self.answer
            parts.say(self._said, "" if failed else told(self.answer))

    def _file(self) -> io.StringIO:
        return io.StringIO(self.rows.csv)


def told(answer: dict[str, Any]) -> str:
    """How many rows a query gave, how fast, from what, and whether there are more."""
    count, engine = answer["row_count"], answer["engine"]
    names = {value: name for name, value in ENGINES.items()}
    rows = "1 row" if count == 1 else f"{wording.count(count)} rows"
    lines = [f"{rows} in {wording.count(answer['elapsed_ms'])} ms by {names.get(engine, engine)}."]
    if answer["truncated"]:
        lines.append("Truncated: there are more rows than these; ask for more, or for fewer.")
    versions = [f"{table['name']} at version {table['version']}" for table in answer["tables"]]
    if versions:
        lines.append(f"Read {', '.join(versions)}.")
    return "\n".join(lines)
