"""Which dead letters a topic holds already, as far as the flow may come by them again."""

from __future__ import annotations

from collections import defaultdict

from confluent_kafka import Message

from flows.streaming.messages import Decoded

PREFIX = "__realtime.errors."

Origin = tuple[str, str, int]


class SentLetters:
    """Dead letters by the message that each was: identity and name of its log, and its offset.

    What the flow has passed is forgotten. What it has not must still be found after the next
    crash, so the place to look from then is the first of those.
    """

    def __init__(self) -> None:
        self._logs: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
        self._passed: dict[str, tuple[str, int]] = {}

    def add(self, letter: Message) -> None:
        """Note a message of the dead letters' topic; one that names no origin is passed over."""
        origin = origin_of(letter)
        if origin:
            identity, source, offset = origin
            self._logs[identity, source].setdefault(offset, letter.offset() or 0)

    def holds(self, decoded: Decoded, offset: int) -> bool:
        """Is this message of a poll there?"""
        return offset in self._logs.get((decoded.identity, str(decoded.source)), ())

    def pass_by(self, decoded: Decoded) -> None:
        """Note how far the flow has come."""
        offsets = [message.offset for message, _ in decoded.accepted[-1:]]
        offsets += [rejected.message.offset for rejected in decoded.rejected[-1:]]
        if offsets:
            self._passed[str(decoded.source)] = (decoded.identity, max(offsets))

    def first(self, end: int) -> int:
        """The first dead letter that the flow has not passed yet; `end` when there is none."""
        self._forget()
        return min((first for log in self._logs.values() for first in log.values()), default=end)

    def _forget(self) -> None:
        """Let go of what lies behind, and of logs whose topic has been made anew."""
        for (identity, source), letters in list(self._logs.items()):
            if source in self._passed:
                current, passed = self._passed[source]
                kept = {o: at for o, at in letters.items() if current == identity and o > passed}
                self._logs[identity, source] = kept


def origin_of(letter: Message) -> Origin | None:
    """Identity, name and offset of the message that a dead letter was; None if it is not told."""
    headers = dict(letter.headers() or [])
    names = ("identity", "topic", "partition", "offset")
    values = [headers.get(f"{PREFIX}{name}") for name in names]
    try:
        identity, topic, partition, offset = (
            value.decode() for value in values if isinstance(value, bytes)
        )
        return identity, f"{topic}/{int(partition)}", int(offset)
    except ValueError:
        return None
