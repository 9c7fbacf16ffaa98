"""`python -m api`: serve the API where the settings say, with one worker."""

from __future__ import annotations

import sys
from types import FrameType
from typing import Any

import uvicorn

from api.access_log import log_to_stdout
from api.app import create_app
from flows import logs
from flows.errors import SettingsError
from flows.learning.memory import calm_collector
from flows.settings import load

# What uvicorn itself ends with.
STARTUP_FAILURE = 3
# A thread that keeps or loads something holds an answer up no longer than this.
SWITCH_SECONDS = 0.0005


def _nothing() -> None:
    """What there is to leave before the app has started."""


class _Server(uvicorn.Server):
    """Ends what would never end by itself before it waits for the end of all else."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        app: Any = self.config.app
        getattr(app.state, "leave", _nothing)()
        super().handle_exit(sig, frame)


def main() -> None:
    """Run until SIGTERM or SIGINT; wrong settings end it with a message and code 1."""
    try:
        settings = load()
    except SettingsError as error:
        sys.exit(str(error))
    logs.configure(settings, "api")
    log_to_stdout()
    try:
        app = create_app(settings)
    except SettingsError as error:
        sys.exit(str(error))
    config = uvicorn.Config(
        app,
        host=settings.api_host,
        port=settings.api_port,
        # Its lines go where all others go.
        log_config=None,
        access_log=settings.log_level == "DEBUG",
        server_header=False,
        timeout_graceful_shutdown=10,
    )
    calm_collector()
    sys.setswitchinterval(SWITCH_SECONDS)
    server = _Server(config)
    server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)


if __name__ == "__main__":
    main()
