"""River, imported without what takes longest and is never used here.

`river.drift` and much else imports all of `river.stream`, and that scikit-learn and SQLAlchemy,
with pandas behind them, for two readers of data sets. To River both are optional.
"""

from __future__ import annotations

import sys

UNUSED = ("sklearn", "sqlalchemy")


def import_river_stream() -> None:
    """Import `river.stream` as where UNUSED packages are missing; they stay importable."""
    hidden = [name for name in UNUSED if name not in sys.modules]
    # The documented way to make an import fail with the error that River expects.
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        import river.stream  # noqa: F401
    finally:
        for name in hidden:
            del sys.modules[name]
