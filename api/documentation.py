"""The page at /docs: the OpenAPI document as plain HTML, without scripts and of one piece.

Nothing is loaded from anywhere, so it works without the internet, and the policy that it is sent
with allows nothing but its own style.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem; }
body { color: #1b1f24; background: #fff; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #d0d7de; }
nav a { margin-right: 1rem; }
details { border: 1px solid #d0d7de; border-radius: 6px; margin: .5rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; }
summary b { display: inline-block; min-width: 3.6rem; }
summary code { font-weight: 600; }
code, pre { font: 14px/1.45 ui-monospace, monospace; }
pre { background: #f6f8fa; border-radius: 6px; overflow-x: auto; padding: .7rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #d0d7de; padding: .3rem .6rem .3rem 0; text-align: left; }
th, td { vertical-align: top; }
@media (prefers-color-scheme: dark) {
  body { color: #e6edf3; background: #0d1117; }
  pre { background: #161b22; }
  a { color: #58a6ff; }
}
"""
_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; frame-ancestors 'none'"

Document = dict[str, Any]


def page(document: Document) -> str:
    """Make the page of an OpenAPI document."""
    title = escape(f"{document['info']['title']} API")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body>"
        f"<h1>{title}</h1>{''.join(_body(document))}</body></html>"
    )


def _body(document: Document) -> Iterator[str]:
    tags = dict.fromkeys(tag for _, _, one in _operations(document) for tag in _tags(one))
    yield f"<p>{escape(document['info'].get('description', ''))}"
    yield ' The same for machines: <a href="/openapi.json">/openapi.json</a>.</p><nav>'
    yield from (f'<a href="#{escape(tag)}">{escape(tag)}</a>' for tag in [*tags, "types"])
    yield "</nav>"
    for tag in tags:
        yield f'<h2 id="{escape(tag)}">{escape(tag)}</h2>'
        for path, method, operation in _operations(document):
            if tag in _tags(operation):
                yield from _operation(path, method, operation)
    yield '<h2 id="types">types</h2>'
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield from _type(name, schema)


def _operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def _tags(operation: Document) -> list[str]:
    return operation.get("tags") or ["others"]


def _operation(path: str, method: str, operation: Document) -> Iterator[str]:
    what = escape(operation.get("summary", ""))
    yield f"<details><summary><b>{method}</b> <code>{escape(path)}</code> {what}</summary>"
    yield f"<p>{_text(operation.get('description', ''))}</p>"
    if parameters := operation.get("parameters"):
        rows = [
            (one["name"], one["in"], _kind(one.get("schema", {})), _text(one.get("description")))
            for one in parameters
        ]
        yield _table(("Parameter", "in", "type", ""), rows)
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Body, {escape(media)}: {_kind(content.get('schema', {}))}</p>"
        yield _example(path, method, content.get("example"))
    answers = [
        (status, _text(answer.get("description")), _contents(answer.get("content", {})))
        for status, answer in operation["responses"].items()
    ]
    yield _table(("Answer", "", "type"), answers) + "</details>"


def _example(path: str, method: str, example: Any) -> str:
    if example is None:
        return ""
    text = json.dumps(example, indent=2, ensure_ascii=False)
    return f"<pre>curl -s -X {method} localhost:8000{escape(path)} --json '{escape(text)}'</pre>"


def _contents(contents: Document) -> str:
    kinds = [
        f"{escape(media)} {_kind(content.get('schema', {}))}" for media, content in contents.items()
    ]
    return "<br>".join(kinds)


def _type(name: str, schema: Document) -> Iterator[str]:
    yield f'<details id="type-{escape(name)}"><summary><code>{escape(name)}</code></summary>'
    yield f"<p>{_text(schema.get('description', ''))}</p>"
    required = schema.get("required", ())
    rows = [
        (field, _kind(of), "" if field in required else "may be absent", _text(_told(of)))
        for field, of in schema.get("properties", {}).items()
    ]
    yield (_table(("Field", "type", "", ""), rows) if rows else _kind(schema)) + "</details>"


def _told(schema: Document) -> str:
    """What there is to say of a field beside its type."""
    names = ("minimum", "maximum", "minLength", "maxLength", "default")
    bounds = [f"{name} {schema[name]}" for name in names if schema.get(name) is not None]
    return " ".join(filter(None, [schema.get("description", ""), ", ".join(bounds)]))


def _kind(schema: Document | bool) -> str:
    """A type in HTML, with a link where it has a name."""
    if isinstance(schema, bool):
        return "anything" if schema else "nothing"
    if reference := schema.get("$ref"):
        name = escape(reference.rpartition("/")[2])
        return f'<a href="#type-{name}">{name}</a>'
    for among in ("anyOf", "oneOf", "allOf"):
        if among in schema:
            return " or ".join(map(_kind, schema[among]))
    if "enum" in schema:
        return escape(" or ".join(map(json.dumps, schema["enum"])))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return escape(str(schema.get("format") or schema.get("type") or "anything"))


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Cells are HTML already, the first of a row a name."""
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join(
        f"<tr><td><code>{escape(first)}</code></td>{''.join(f'<td>{one}</td>' for one in others)}"
        "</tr>"
        for first, *others in rows
    )
    return f"<table><tr>{names}</tr>{lines}</table>"


def _text(text: Any) -> str:
    """Words of ours, of which the parts in backticks are code."""
    parts = escape(str(text or "")).split("`")
    return "".join(
        f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts)
    )
