"""Stop on SIGTERM and SIGINT by ending the input, so that the open epoch is committed."""

from __future__ import annotations

import os
import signal
import socket
import threading

GRACE_SECONDS = 20.0
EXIT_UNFINISHED = 75


def stop_on_signals(grace: float = GRACE_SECONDS) -> threading.Event:
    """Return an event that a termination signal sets; after `grace` seconds the process ends.

    Python runs signal handlers in the main thread, which may sit in native code for ever; the
    wake-up descriptor is written by the C handler, and a thread of ours reads it.
    """
    stop = threading.Event()
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    watcher = threading.Thread(
        target=_watch, args=(reader, writer, stop, grace), name="signals", daemon=True
    )
    watcher.start()
    return stop


def _watch(
    reader: socket.socket, _writer: socket.socket, stop: threading.Event, grace: float
) -> None:
    """Hold both ends of the pair open, and turn the first byte into a stop."""
    while reader.recv(1):
        if stop.is_set():
            continue
        stop.set()
        last_resort = threading.Timer(grace, os._exit, (EXIT_UNFINISHED,))
        last_resort.daemon = True
        last_resort.start()
