"""Texts for Polars are spelled so that no two parsers can read them differently."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.sql.errors import SqlNotAllowed
from api.sql.plain import plain


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT a,b FROM x", "SELECT a , b FROM x"),
        ("SELECT 1 -- a ' b\n+ 2 /* ' */", "SELECT 1 + 2"),
        ("SELECT 'it''s -- no /* comment'", "SELECT 'it''s -- no /* comment'"),
        ('SELECT "a b"."c" FROM x;', 'SELECT "a b" . "c" FROM x ;'),
        ("SELECT 1.5e-3::INT<=2||'a'", "SELECT 1.5e-3 :: INT <= 2 || 'a'"),
        ("SELECT E'a'", "SELECT E 'a'"),
        ("SELECT a FROM x WHERE b LIKE 'ü%'", "SELECT a FROM x WHERE b LIKE 'ü%'"),
    ],
)
def test_texts_are_spelled_plainly(text: str, expected: str) -> None:
    assert plain(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        r"SELECT '\' , read_csv('/etc/passwd') --'",
        "SELECT $$a$$",
        "SELECT $1",
        "SELECT `a` FROM x",
        "SELECT 'never ends",
        'SELECT "never ends',
        "SELECT 1 /* never ends",
        "SELECT 1 /* one /* in */ another */",
        "SELECT * FROM read_csv ('/etc/passwd')",
        "SELECT * FROM READ_PARQUET/**/('/etc/passwd')",
        "SELECT * FROM \"read_csv\"('/etc/passwd')",
        "SELECT * FROM scan_ipc('/etc/passwd')",
        "SELECT {'a': 1}",
        "SELECT ü FROM x",
        "SELECT 1 \\ 2",
    ],
)
def test_doubtful_texts_are_refused(text: str) -> None:
    with pytest.raises(SqlNotAllowed):
        plain(text)


WORDS = ["SELECT", "a", '"b c"', "'it''s'", "1", "1.5", ",", "(", ")", "+", "-- x\n", "/* ' */"]


@given(st.lists(st.sampled_from([*WORDS, " ", "\n", "'", '"', ";", "E", "*"]), max_size=12))
def test_plain_spelling_means_the_same_to_the_parser(words: list[str]) -> None:
    """Where DuckDB reads the text as it was, it reads the plain one as the same tree."""
    text = "SELECT " + "".join(words)
    try:
        spelled = plain(text)
        before = duckdb.extract_statements(text)
    except (SqlNotAllowed, duckdb.Error):
        return
    try:
        after = duckdb.extract_statements(spelled)
    except duckdb.Error:
        return  # refused later
    assert [one.type for one in after] == [one.type for one in before]
    assert plain(spelled) == spelled
