"""The HTML file of a profile: of one piece, inert, and whatever rows hold is only text in it."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from api.analytics import drawn, report
from api.analytics.figures import Association, Box, Profile
from tests.analytics_rows import of, profiled

EVIL = "</style><script>alert(1)</script><img src=//evil.example onerror=alert(2)>"
VOID = {"meta", "rect", "line"}


class Read(HTMLParser):
    """Collects the tags, attributes and texts of a file; fails where tags do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(scope="module")
def told() -> Profile:
    city = "'" + EVIL.replace("'", "''") + "' || i % 4 AS city"
    return profiled(of(f'i % 3 AS "{EVIL}", {city}, CASE WHEN i > 9 THEN i END AS amount'))


@pytest.fixture(scope="module")
def text(told: Profile) -> str:
    return report.report(told, f"Sales {EVIL}")


def test_what_rows_hold_is_only_text(text: str) -> None:
    read = Read(text)
    assert not read.tags & {"script", "img", "link", "iframe", "object", "base", "form", "a"}
    assert not [name for name, _ in read.attributes if name.startswith("on") or name == "style"]
    assert any(EVIL in part for part in read.texts)


def test_nothing_is_loaded_from_anywhere(text: str) -> None:
    read = Read(text)
    assert not [value for name, value in read.attributes if name in ("src", "href", "srcset")]
    assert "url(" not in text
    assert "@import" not in text


def test_policy_allows_its_own_style_and_nothing_else(text: str) -> None:
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in text
    assert report.POLICY in text


def test_both_themes_are_there_with_inks_that_read(text: str) -> None:
    assert "color-scheme: light dark" in text
    light, dark = re.findall(
        r"--ink: (#\w+);\s+--quiet: (#\w+);\s+--paper: (#\w+);\s+--card: (#\w+)", text
    )
    for ink, quiet, *papers in (light, dark):
        for paper in papers:
            assert _contrast(ink, paper) > 7
            assert _contrast(quiet, paper) > 4.5


def test_every_column_is_told_with_its_figures(told: Profile, text: str) -> None:
    texts = Read(text).texts
    for column in told.columns:
        assert column.name in texts
    assert "Quality of 100" in texts
    assert "1 990 (99.5 %)" not in text
    assert "10 (0.5 %)" in texts
    assert "amount" in texts


def test_pictures_have_names(text: str) -> None:
    names = [value for name, value in Read(text).attributes if name == "aria-label"]
    assert {"Histogram of amount", "Box plot of amount", "Rows over time"} <= set(names)


def test_a_profile_of_nothing_is_a_report() -> None:
    text = report.report(profiled(of("i AS amount", 0)), "Sales")
    assert "0 of 0 rows" in text
    assert "Nothing is out of the ordinary" in text
    Read(text)


def test_bars_are_as_tall_as_their_counts() -> None:
    tall = re.findall(r'height="([\d.]+)"/>', drawn.bars([1, 0, 4], "x", 90, 40))
    assert tall == ["10.0", "40.0"]


def test_a_box_without_reach_is_not_drawn() -> None:
    box = Box(low=1, q1=1, median=1, q3=1, high=1, outliers=0, far=0)
    assert drawn.box(box, "x") == ""


def test_matrix_tells_each_pair_and_its_sign() -> None:
    text = drawn.matrix(["a", "b", "c"], [Association("a", "b", "pearson", -0.5)], "x")
    assert text.count("<title>a, b: -0.50</title>") == 1
    assert text.count('class="against"') == 2
    assert text.count('class="with"') == 3


def _contrast(ink: str, paper: str) -> float:
    high, low = sorted((_luminance(ink), _luminance(paper)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
