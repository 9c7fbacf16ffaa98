"""`python -m dashboard`: serve the pages until told to stop."""

from __future__ import annotations

import sys

from dashboard.app import serve
from flows import logs, settings
from flows.errors import SettingsError

if __name__ == "__main__":
    try:
        found = settings.load()
        logs.configure(found, "dashboard")
        serve(found)
    except SettingsError as error:
        sys.exit(str(error))
