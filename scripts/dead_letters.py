"""`python -m scripts.dead_letters list|show|export|replay fraud`: look at dead letters, mend them.

A replayed message goes back to the topic that it came from, mended by --set, --drop and --rename or
by lines of a file that `export` has made. What a flow would refuse again is not sent, and nothing
is sent twice. Exit code 1 if anything failed or was refused.
"""

from __future__ import annotations

import json
import logging
import sys
from argparse import Namespace
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from flows import projects, settings
from flows.errors import EventError, RealtimeError
from flows.projects.spec import Project
from flows.settings import Settings
from scripts.dead_letters_options import parse
from scripts.letter_mending import Mending, export, read_edits
from scripts.letters import Letter, fault_of, read_letters, shown
from scripts.replays import Checker, Replay, Replays

DETAIL_WIDTH = 70
KEY_WIDTH = 20

log = logging.getLogger("dead_letters")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    commands = {"list": _list, "show": _show, "export": _export, "replay": _replay}
    try:
        return commands[options.command](projects.get(options.project), settings.load(), options)
    except RealtimeError as error:
        log.error("%s", error)
        return 1


def _list(project: Project, settings: Settings, options: Namespace) -> int:
    reasons: Counter[str] = Counter()
    newest: deque[Letter] = deque(maxlen=options.limit)
    for letter in read_letters(settings, project):
        if options.reason in (None, letter.reason):
            reasons[letter.reason] += 1
            newest.append(letter)
    for letter in newest:
        _write(json.dumps(_facts(letter)) if options.json else _line(letter))
    if not options.json:
        counts = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
        _write(f"{reasons.total()} dead letters{counts and ': '}{counts}")
    return 0


def _show(project: Project, settings: Settings, options: Namespace) -> int:
    wanted = (options.partition, options.offset)
    for letter in read_letters(settings, project):
        if letter.id == wanted:
            _write("\n".join(_page(letter)))
            return 0
    raise EventError(f"there is no dead letter {wanted[1]} in partition {wanted[0]}; use list")


def _export(project: Project, settings: Settings, options: Namespace) -> int:
    letters = read_letters(settings, project)
    wanted = (one for one in letters if options.reason in (None, one.reason))
    try:
        log.info("%d letters written to %s", export(wanted, Path(options.file)), options.file)
    except OSError as error:
        raise EventError(f"cannot write {options.file}: {error.strerror}") from None
    return 0


def _replay(project: Project, settings: Settings, options: Namespace) -> int:
    edits = read_edits(Path(options.edit)) if options.edit else {}
    mending = Mending(options.rename, options.drop, options.set, edits)
    letters = [one for one in read_letters(settings, project) if _is_chosen(one, options, mending)]
    if not letters and not options.all:
        raise EventError("there are no such dead letters; use list")
    record = Replays(settings, project)
    sent = record.sent()
    new = [letter for letter in letters if letter.id not in sent]
    valid, refused = _mend(new, mending, Checker(project))
    counts = {
        "chosen": len(letters),
        "sent_before": len(letters) - len(new),
        "refused": refused,
        "valid": len(valid),
        "sent": 0 if options.dry_run else record.send(valid),
    }
    _write(json.dumps(counts))
    return 1 if refused else 0


def _is_chosen(letter: Letter, options: Namespace, mending: Mending) -> bool:
    if options.offsets is not None:
        chosen = any(letter.id[1] in offsets for offsets in options.offsets)
        return chosen and letter.id[0] == options.partition
    return options.all or letter.id in mending.edits


def _mend(
    letters: Sequence[Letter], mending: Mending, checker: Checker
) -> tuple[list[Replay], int]:
    """What can be sent, and how many cannot; each of those is told with its reason."""
    valid: list[Replay] = []
    for letter in letters:
        try:
            valid.append(checker.check(letter, mending.apply(letter)))
        except EventError as error:
            log.warning("dead letter %d/%d is refused: %s", *letter.id, error)
    return valid, len(letters) - len(valid)


def _facts(letter: Letter) -> dict[str, Any]:
    return {
        "partition": letter.id[0],
        "offset": letter.id[1],
        "time": letter.time and letter.time.isoformat(timespec="milliseconds"),
        "origin": letter.origin,
        "reason": letter.reason,
        "detail": letter.detail,
        "bytes": len(letter.value) if letter.omitted is None else letter.omitted,
        "key": None if letter.key is None else letter.key.decode(errors="replace"),
    }


def _line(letter: Letter) -> str:
    facts = _facts(letter)
    key = "-" if facts["key"] is None else repr(facts["key"][:KEY_WIDTH])
    at = f"{letter.time:%Y-%m-%d %H:%M:%S}" if letter.time else "-"
    where = f"{letter.id[0]}/{letter.id[1]}"
    detail = " ".join(letter.detail.split())[:DETAIL_WIDTH]
    return (
        f"{where:>8}  {at}  {letter.origin}  {facts['bytes']} B  {key}  {letter.reason}: {detail}"
    )


def _page(letter: Letter) -> Iterator[str]:
    yield from (f"{name}: {value}" for name, value in _facts(letter).items())
    yield from (f"{name}: {value}" for name, value in letter.headers.items())
    if fault := fault_of(letter):
        yield f"\n{fault}"
    yield f"\n{shown(letter.value)}"


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
