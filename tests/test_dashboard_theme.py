"""Colours that everybody can tell apart, in both themes: WCAG 2.2, levels AA."""

from __future__ import annotations

import pytest

from dashboard import theme

TEXT, GRAPHICS = 4.5, 3.0
MODES = {"light": theme.LIGHT, "dark": theme.DARK}
MARKS = {theme.ACCENT, theme.GOOD, theme.BAD, theme.WARN, theme.QUIET, *theme.KINDS}
# What Material writes with: black or white, so opaque.
WORDS = {"light": [(0, 0.87), (0, 0.6)], "dark": [(255, 1.0), (255, 0.7)]}


def channels(color: str) -> list[float]:
    return [int(color[at : at + 2], 16) for at in (1, 3, 5)]


def luminance(rgb: list[float]) -> float:
    linear = [
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4
        for one in (value / 255 for value in rgb)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: list[float], other: list[float]) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_black_and_white_is_the_largest_there_is() -> None:
    assert contrast(channels("#000000"), channels("#ffffff")) == pytest.approx(21)
    assert contrast(channels("#777777"), channels("#ffffff")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", ["background", "paper"])
@pytest.mark.parametrize("ink", ["primary", *theme.INKS])
def test_words_in_colour_read_on_every_surface(mode: str, surface: str, ink: str) -> None:
    palette = MODES[mode]
    assert contrast(channels(palette[ink]), channels(palette[surface])) >= TEXT


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("surface", ["background", "paper"])
def test_plain_and_quiet_words_read_on_every_surface(mode: str, surface: str) -> None:
    under = channels(MODES[mode][surface])
    for ink, opacity in WORDS[mode]:
        seen = [opacity * ink + (1 - opacity) * below for below in under]
        assert contrast(seen, under) >= TEXT


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("mark", sorted(MARKS))
def test_marks_of_pictures_stand_out_on_cards(mode: str, mark: str) -> None:
    assert contrast(channels(mark), channels(MODES[mode]["paper"])) >= GRAPHICS


@pytest.mark.parametrize(
    "below", [theme.LABEL_PAPER, *theme.CELL_SHADES, *theme.TWO_SIDED], ids=str
)
def test_words_in_pictures_read_on_their_cells(below: str) -> None:
    assert contrast(channels(theme.CELL_INK), channels(below)) >= TEXT


def test_tips_read() -> None:
    ink, below = (str(theme.TIP[name]) for name in ("color", "backgroundColor"))
    assert contrast(channels(ink), channels(below)) >= TEXT


def test_what_material_is_told_are_these_colours() -> None:
    for mode, palette in MODES.items():
        told = theme.CONFIG[mode]["palette"]
        assert told["error"]["main"] == palette["error"]
        assert told["background"]["paper"] == palette["paper"]
        assert told["contrastThreshold"] == TEXT
