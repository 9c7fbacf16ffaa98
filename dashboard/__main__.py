"""`python -m dashboard`: serve the pages until told to stop."""

from __future__ import annotations

import signal
import sys

from dashboard.app import serve
from flows import logs, settings
from flows.errors import SettingsError

if __name__ == "__main__":
    # Panel ends in order on SIGINT only, and a container's first process gets no other signal
    # than those that it handles.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        found = settings.load()
        logs.configure(found, "dashboard")
        serve(found)
    except SettingsError as error:
        sys.exit(str(error))
