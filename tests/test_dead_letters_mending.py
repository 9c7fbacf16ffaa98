"""Changes that make events of dead letters, and the places that are shown as faults."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.errors import EventError
from scripts.dead_letters_options import offsets, parse
from scripts.letter_mending import Mending, export, parse_rename, parse_set, read_edits
from scripts.letters import Letter, fault_of, shown

LETTER = Letter((0, 7), None, "invalid", "", "events", 0, 42, 1_000, b"key", b'{"a": 1}', None, {})


def letter(value: bytes, detail: str = "", offset: int = 7) -> Letter:
    return replace(LETTER, value=value, detail=detail, id=(0, offset))


def mended(value: Any, **changes: Any) -> Any:
    return json.loads(Mending(**changes).apply(letter(json.dumps(value).encode())))


def test_without_changes_the_very_bytes_stay() -> None:
    odd = b' { "a" : 1.0 } \n'
    assert Mending().apply(letter(odd)) == odd


def test_fields_are_renamed_dropped_and_set() -> None:
    value = {"user": "u", "place": {"lat": 1, "x": 2}, "note": "n"}
    assert mended(
        value,
        renames=[("user", "user_id"), ("place.x", "place.lon"), ("gone", "came")],
        drops=["note", "nothing", "no.thing"],
        sets=[("place.lat", 5.5), ("device.os", "iOS")],
    ) == {"user_id": "u", "place": {"lat": 5.5, "lon": 2}, "device": {"os": "iOS"}}


def test_a_rename_into_another_object_moves() -> None:
    assert mended({"lat": 1}, renames=[("lat", "place.lat")]) == {"place": {"lat": 1}}


@pytest.mark.parametrize("value", [b"", b"junk", b"\xff", b"[1]", b"5", b"[" * 100_000])
def test_what_has_no_fields_cannot_be_changed_by_them(value: bytes) -> None:
    with pytest.raises(EventError, match="--edit"):
        Mending(sets=[("a", 1)]).apply(letter(value))


def test_a_value_that_was_not_kept_can_only_be_given_anew() -> None:
    gone = replace(LETTER, value=b"", omitted=2_000_000)
    with pytest.raises(EventError, match="events/0/42"):
        Mending().apply(gone)
    assert Mending(edits={gone.id: b"{}"}).apply(gone) == b"{}"


def test_changes_come_after_edits() -> None:
    mending = Mending(sets=[("b", 2)], edits={(0, 7): b'{"c": 3}'})
    assert json.loads(mending.apply(LETTER)) == {"c": 3, "b": 2}


@given(st.lists(st.binary() | st.text().map(str.encode), max_size=5))
def test_what_is_exported_comes_back(
    tmp_path_factory: pytest.TempPathFactory, values: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("letters") / "file"
    letters = [letter(value, offset=i) for i, value in enumerate(values)]
    assert export(letters, path) == len(values)
    edits = read_edits(path)
    assert edits.keys() == {one.id for one in letters}
    for one in letters:
        assert edits[one.id] == one.value or json.loads(edits[one.id]) == json.loads(one.value)


@pytest.mark.parametrize(
    "line", ["junk", "{}", "[]", '{"partition": 0, "offset": 1}', '{"partition": 0, "value": 1}']
)
def test_a_line_that_is_no_edit_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "edits"
    path.write_text('{"partition": 0, "offset": 1, "value": 1}\n\n' + line)
    with pytest.raises(EventError, match="line 3"):
        read_edits(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EventError, match="nowhere"):
        read_edits(tmp_path / "nowhere")


def test_options_are_read_or_refused() -> None:
    assert parse_set('a.b="c=d"') == ("a.b", "c=d")
    assert parse_set("a=null") == ("a", None)
    assert parse_rename("a=b.c") == ("a", "b.c")
    assert offsets("3,7-9") == [range(3, 4), range(7, 10)]
    for read, text in (
        (parse_set, "a=USD"),
        (parse_set, "a"),
        (parse_rename, "a="),
        (offsets, "x"),
    ):
        with pytest.raises(ValueError, match="is no"):
            read(text)


@pytest.mark.parametrize(
    "arguments",
    [
        ["replay", "fraud"],
        ["replay", "fraud", "--all", "--offsets", "3"],
        ["replay", "fraud", "--offsets", "-3"],
        ["replay", "fraud", "--all", "--set", "currency=USD"],
        ["list", "fraud", "--limit", "0"],
        ["list", "nobody"],
    ],
)
def test_a_wrong_command_line_ends_with_its_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(arguments)
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("value", "detail", "place"),
    [
        (b'{"a": {"b": [1, -5]}}', "Expected `int` >= 0 - at `$.a.b[1]`", "$.a.b[1] is -5"),
        (b'{"a": 1}', "Object missing required field `b`", ""),
        (b'{"a": {}}', "Object missing required field `b` - at `$.a`", "$.a is {}"),
        (b'{"a": 1}', "Whatever - at `$.x.y`", ""),
        (b"", "Input data was truncated", ""),
    ],
)
def test_the_fault_is_shown_where_it_is(value: bytes, detail: str, place: str) -> None:
    assert fault_of(letter(value, detail)) == place


def test_the_byte_at_fault_is_marked() -> None:
    text, mark = fault_of(
        letter(b'{"a": \xff}', "JSON is malformed: invalid character (byte 6)")
    ).splitlines()
    assert text[mark.index("^") :].startswith(r"\xff")


@given(st.binary())
def test_any_value_can_be_shown(value: bytes) -> None:
    assert isinstance(shown(value), str)
    assert isinstance(fault_of(letter(value, "x (byte 3)")), str)
    assert isinstance(fault_of(letter(value, "x - at `$.a[0]`")), str)
