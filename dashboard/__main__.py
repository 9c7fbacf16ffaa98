"""`python -m dashboard`: serve the pages until told to stop."""

from __future__ import annotations

import sys

from dashboard.app import serve
from flows import settings
from flows.errors import SettingsError

if __name__ == "__main__":
    try:
        serve(settings.load())
    except SettingsError as error:
        sys.exit(str(error))
