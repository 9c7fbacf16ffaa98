from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

from api import ids
from api.ids import MADE_AT_ONCE, new_id


def test_ids_are_random_uuids() -> None:
    for text in (new_id() for _ in range(3 * MADE_AT_ONCE)):
        found = uuid.UUID(text)
        assert str(found) == text
        assert (found.version, found.variant) == (4, uuid.RFC_4122)


def test_no_two_are_alike_whoever_asks() -> None:
    def take(_: int) -> list[str]:
        return [new_id() for _ in range(2_000)]

    with ThreadPoolExecutor(8) as threads:
        found = [one for each in threads.map(take, range(8)) for one in each]
    assert len(set(found)) == len(found) == 16_000


def test_every_digit_that_may_be_random_is() -> None:
    digits = [one.replace("-", "") for one in ids._make(500)]
    kinds = [{text[place] for text in digits} for place in range(32)]
    assert [len(kind) for kind in kinds] == [16] * 12 + [1] + [16] * 3 + [4] + [16] * 15
