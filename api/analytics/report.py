"""A profile as one HTML file to keep: nothing is loaded from anywhere, and nothing in it runs."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from api.analytics import drawn
from api.analytics.figures import Anomaly, ColumnProfile, Profile

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --quiet: #57606a; --paper: #fff; --card: #f6f8fa;
  --line: #d0d7de; --accent: #4f46e5; --with: #4338ca; --against: #be123c; --bad: #be123c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --quiet: #9aa7b4; --paper: #0d1117;
  --card: #161b22; --line: #30363d; --accent: #818cf8; --with: #818cf8; --against: #fb7185;
  --bad: #fb7185; } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 66rem; padding: 1rem;
  color: var(--ink); background: var(--paper); }
h1, h2, h3 { line-height: 1.25; }
h2 { border-bottom: 1px solid var(--line); margin-top: 2.5rem; }
h3 { margin: 0; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); }
.tiles, .columns { display: grid; gap: .8rem; }
.tiles { grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); }
.columns { grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); }
.tile, article { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  padding: .7rem .9rem; min-width: 0; }
.tile b { display: block; font-size: 1.3rem; font-variant-numeric: tabular-nums; }
.high { color: var(--bad); font-weight: 600; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .6rem .25rem 0; text-align: left;
  vertical-align: top; overflow-wrap: anywhere; }
th { font-weight: 500; }
td.number { text-align: right; white-space: nowrap; }
article table { font-size: .85rem; }
article ul { margin: .4rem 0; padding-left: 1.1rem; }
svg { display: block; height: auto; margin: .5rem 0; max-width: 100%; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; }
.bar { fill: var(--accent); } .box { fill: var(--accent); fill-opacity: .35; }
.line, .middle { stroke: var(--ink); } .middle { stroke-width: 2; }
.with { fill: var(--with); } .against { fill: var(--against); }
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
MATRIX = 24
CLOSEST = 20
MEASURES = {
    "pearson": "correlation",
    "cramers_v": "Cramér's V",
    "correlation_ratio": "correlation ratio",
}


def report(told: Profile, title: str) -> str:
    """Make the file."""
    name = escape(f"{title}: {told.table}")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}</title><style>{STYLE}</style></head><body><h1>{name}</h1>"
        f"{''.join(_body(told))}</body></html>"
    )


def _body(told: Profile) -> Iterator[str]:
    versions = ", ".join(f"{one.name} at version {one.version}" for one in told.tables)
    yield f'<p class="quiet">{escape(_extent(told))} {escape(versions)}</p>'
    yield '<div class="tiles">'
    quality = "—" if told.quality is None else f"{told.quality:.1f}"
    for label, value in (
        ("Rows", count(told.rows)),
        ("Columns", count(len(told.columns))),
        ("Quality of 100", quality),
        ("To look at", count(len(told.anomalies))),
    ):
        yield f'<div class="tile"><span class="quiet">{label}</span><b>{value}</b></div>'
    yield "</div>"
    yield from _anomalies(told.anomalies)
    yield from _rates(told)
    yield '<h2 id="columns">Columns</h2><div class="columns">'
    for column in told.columns:
        yield from _column(column, told.rows)
    yield "</div>"
    yield from _missing(told)
    yield from _associations(told)


def _extent(told: Profile) -> str:
    rows = f"{count(told.rows)} of {count(told.of_rows)} rows"
    if told.first is None or told.last is None:
        return f"{rows}."
    return f"{rows}, from {moment(told.first)} to {moment(told.last)}."


def _anomalies(anomalies: Sequence[Anomaly]) -> Iterator[str]:
    yield "<h2>To look at</h2>"
    if not anomalies:
        yield "<p>Nothing is out of the ordinary.</p>"
        return
    rows = [(one.severity, one.kind, one.column or "", one.detail) for one in anomalies]
    yield _table(("Weight", "What", "Column", ""), rows, mark="high")


def _rates(told: Profile) -> Iterator[str]:
    if told.rates is None:
        return
    length = told.rates.seconds
    yield "<h2>Rows over time</h2>"
    yield f'<p class="quiet">Rows in each {length:g} s, from {moment(told.rates.since)}.</p>'
    yield drawn.bars(told.rates.counts, "Rows over time", 960, 120)


def _column(column: ColumnProfile, rows: int) -> Iterator[str]:
    unit = f", {column.unit}" if column.unit else ""
    yield f"<article><h3>{escape(column.name)}</h3>"
    yield f'<div class="quiet">{escape(column.type)}{escape(unit)}</div>'
    if column.histogram is not None:
        yield drawn.histogram(column.histogram, f"Histogram of {column.name}")
    if column.box is not None:
        yield drawn.box(column.box, f"Box plot of {column.name}")
    if column.quality is not None:
        yield f"<div>Quality {column.quality:g} of 100</div>"
    if column.reasons:
        told = (f"<li>{escape(one.detail)} (\u2212{one.points:g})</li>" for one in column.reasons)
        yield f"<ul>{''.join(told)}</ul>"
    yield _pairs(_figures(column, rows))
    if column.top:
        top = [(_value(one.value), count(one.count), share(one.count, rows)) for one in column.top]
        yield _table(("Most frequent", "rows", ""), top, numbers=(1, 2))
    yield "</article>"


def _figures(column: ColumnProfile, rows: int) -> Iterator[tuple[str, str]]:
    yield "Missing", f"{count(column.nulls)} ({share(column.nulls, rows)})"
    yield "Different values", count(column.distinct)
    if column.drift is not None:
        yield "Stability index", f"{column.drift:.3f}"
    if numbers := column.numbers:
        yield "Mean, spread", f"{number(numbers.mean)}, {number(numbers.std)}"
        yield "Least to greatest", f"{number(numbers.minimum)} to {number(numbers.maximum)}"
        for at, value in numbers.quantiles.items():
            yield f"{float(at) * 100:g} % are at most", number(value)
        yield "Zeros, negative", f"{count(numbers.zeros)}, {count(numbers.negative)}"
    if column.box:
        yield "Beyond 1.5 and 3 IQR", f"{count(column.box.outliers)}, {count(column.box.far)}"
    if column.times:
        yield "From", moment(column.times.first)
        yield "To", moment(column.times.last)
    if texts := column.texts:
        lengths = f"{texts.shortest} to {texts.longest}, {texts.mean_length:.1f} on average"
        yield "Characters", lengths


def _missing(told: Profile) -> Iterator[str]:
    yield "<h2>What is missing together</h2>"
    if not told.missing:
        yield "<p>Nothing is missing.</p>"
        return
    rows = [
        (", ".join(one.columns) or "nothing", count(one.rows), share(one.rows, told.rows))
        for one in told.missing
    ]
    yield _table(("Missing", "rows", ""), rows, numbers=(1, 2))


def _associations(told: Profile) -> Iterator[str]:
    yield "<h2>What goes together</h2>"
    yield f'<p class="quiet">From {count(told.associated_rows)} rows.</p>'
    pearson = [one for one in told.associations if one.measure == "pearson"]
    names = list(dict.fromkeys(name for one in pearson for name in (one.a, one.b)))[:MATRIX]
    if names:
        picture = drawn.matrix(names, pearson, "Correlations between numbers")
        yield f'<div class="scroll" tabindex="0" role="region" aria-label="Matrix">{picture}</div>'
    closest = sorted(told.associations, key=lambda one: -abs(one.value))[:CLOSEST]
    rows = [(one.a, one.b, MEASURES[one.measure], f"{one.value:.2f}") for one in closest]
    yield _table(("", "", "Measure", ""), rows, numbers=(3,))


def _table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: Sequence[int] = (),
    mark: str = "",
) -> str:
    lines = "".join(
        "<tr>"
        + "".join(
            f"<td{_class(place in numbers, text == mark and place == 0)}>{escape(text)}</td>"
            for place, text in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    return f'<div class="scroll"><table><tr>{names}</tr>{lines}</table></div>'


def _class(is_number: bool, is_marked: bool) -> str:
    return ' class="number"' if is_number else ' class="high"' if is_marked else ""


def _pairs(rows: Iterator[tuple[str, str]]) -> str:
    lines = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td class="number">{escape(value)}</td></tr>'
        for name, value in rows
    )
    return f"<table>{lines}</table>"


def _value(value: Any) -> str:
    return number(value) if isinstance(value, float) else str(value)


def count(value: float) -> str:
    """31200 → "31 200"."""
    return f"{value:,.0f}".replace(",", "\u202f")


def number(value: float | None) -> str:
    """A number with six figures."""
    return "—" if value is None else f"{value:.6g}"


def share(part: int, whole: int) -> str:
    """A part in per cent."""
    return f"{100 * part / whole:.1f} %" if whole else "—"


def moment(time: datetime) -> str:
    """A time in UTC."""
    return f"{time.astimezone(UTC):%d %b %Y %H:%M:%S} UTC"
