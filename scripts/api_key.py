"""`python -m scripts.api_key NAME --scopes read,write`: make a key for the API.

Prints the key, which is kept nowhere, and what to add to REALTIME_API_KEYS, a JSON list.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import get_args

from flows.settings import KeyScope

SCOPES: tuple[str, ...] = get_args(KeyScope)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = ArgumentParser(prog="python -m scripts.api_key", description=__doc__)
    parser.add_argument("name", help="who uses it; appears in the access log")
    parser.add_argument("--scopes", default="read", help=f"of {', '.join(SCOPES)}; default: read")
    options = parser.parse_args(arguments)
    scopes = options.scopes.split(",")
    if unknown := sorted(set(scopes) - set(SCOPES)):
        parser.error(f"no scope {', '.join(unknown)}; known: {', '.join(SCOPES)}")
    key = secrets.token_urlsafe(32)
    entry = {
        "name": options.name,
        "hash": hashlib.sha256(key.encode()).hexdigest(),
        "scopes": scopes,
    }
    sys.stdout.write(f"key:   {key}\nentry: {json.dumps(entry)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
