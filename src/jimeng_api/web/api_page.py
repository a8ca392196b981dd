"""The API page, written from the OpenAPI document: one HTML file that loads nothing. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

Tree = Mapping[str, Any]

_CODE = re.compile(r"`([^`]+)`")


def landing_page(*, style: str) -> str:
    return _html(
        "jimeng-api",
        style,
        [
            "<main class=landing><h1>jimeng-api</h1>",
            "<p>Jimeng and Dreamina, in the shape of the OpenAI API. Point an OpenAI client at this "
            "address, with <code>/v1</code> behind it, and with a session of your account as the key.</p>",
            '<p><a href="/docs">The API</a> · <a href="/openapi.json">OpenAPI document</a> · '
            '<a href="/healthz">Health</a></p></main>',
        ],
    )


def api_page(document: Tree, *, style: str) -> str:
    """The whole page. Everything that stands in the document is escaped."""
    operations = list(_operations(document))
    info = document["info"]
    body = ["<nav><h1><a href=/>", escape(info["title"]), "</a></h1><ul>"]
    for method, path, _ in operations:
        body.append(
            f"<li><a href=#{_anchor(method, path)}><b class={method}>{method.upper()}</b> {escape(path)}</a>"
        )
    body.append("</ul><p><a href=/openapi.json>OpenAPI document</a></nav><main>")
    body += [f"<header>{_prose(info.get('description', ''))}</header>"]
    for method, path, operation in operations:
        body += _operation(document, method, path, operation)
    body.append("</main>")
    return _html(f"{info['title']} {info['version']}", style, body)


def _html(title: str, style: str, body: Iterable[str]) -> str:
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{style}</style>{''.join(body)}</html>"
    )


def _operations(document: Tree) -> Iterator[tuple[str, str, Tree]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def _operation(document: Tree, method: str, path: str, operation: Tree) -> Iterator[str]:
    yield f"<section id={_anchor(method, path)}><h2>{escape(operation.get('summary', path))}</h2>"
    yield f"<p class=route><b class={method}>{method.upper()}</b> <code>{escape(path)}</code>"
    if operation.get("security"):
        yield " <span class=key>needs a key</span>"
    yield f"</p>{_prose(operation.get('description', ''))}"
    parameters = [
        (p["name"], p["schema"], p.get("description", ""), p.get("required", False))
        for p in operation.get("parameters", ())
    ]
    yield from _fields(document, "Parameters", parameters)
    yield from _body(document, method, path, operation)
    yield from _answers(document, operation)
    yield "</section>"


def _body(document: Tree, method: str, path: str, operation: Tree) -> Iterator[str]:
    kinds = operation.get("requestBody", {}).get("content", {})
    media, form = kinds.get("application/json"), kinds.get("multipart/form-data")
    if media is None:
        yield _sample(
            _curl(operation, path, *([] if method == "get" else [f"-X {method.upper()}"]))
        )
        return
    title = "Body (JSON, or a form with files)" if form else "Body (JSON)"
    yield from _fields(document, title, _properties(document, media["schema"]))
    if "example" in media:
        text = json.dumps(media["example"], ensure_ascii=False, indent=2)
        yield _sample(_curl(operation, path, "-H 'content-type: application/json'", f"-d '{text}'"))
    if form:
        fields = " ".join(f"-F '{name}={value}'" for name, value in form["example"].items())
        yield _sample(_curl(operation, path, fields))


def _curl(operation: Tree, path: str, *more: str) -> str:
    key = ['-H "authorization: Bearer $KEY"'] if operation.get("security") else []
    return " \\\n  ".join([f"curl $BASE{path}", *key, *more])


def _answers(document: Tree, operation: Tree) -> Iterator[str]:
    yield "<h3>Answers</h3>"
    for status, answer in operation.get("responses", {}).items():
        good = status.startswith("2")
        yield f"<details{' open' if good else ''}><summary><b class={'ok' if good else 'bad'}>{status}</b> "
        yield f"{_inline(answer.get('description', ''))}</summary>"
        for kind, media in answer.get("content", {}).items():
            example = media.get("example")
            if example is not None:
                yield f"<p class=kind>{escape(kind)}</p>{_sample(_text(example))}"
            if good:
                yield from _fields(
                    document, "Fields", _properties(document, media.get("schema", {}))
                )
        yield "</details>"


Field = tuple[str, Tree, str, bool]


def _fields(document: Tree, title: str, fields: Iterable[Field]) -> Iterator[str]:
    rows = [
        f"<tr><td><code>{escape(name)}</code>{'<em>required</em>' if required else ''}"
        f"<td>{escape(_kind(document, schema))}<td>{_inline(text)}"
        for name, schema, text, required in fields
    ]
    if rows:
        yield f"<h3>{escape(title)}</h3><div class=wide><table>{''.join(rows)}</table></div>"


def _properties(document: Tree, schema: Tree) -> list[Field]:
    """The fields of an object; where it is one of several, the fields of each."""
    if "anyOf" in schema:
        return [field for one in schema["anyOf"] for field in _properties(document, one)]
    schema = _resolved(document, schema)
    required = schema.get("required", ())
    return [
        (name, field, field.get("description", ""), name in required)
        for name, field in schema.get("properties", {}).items()
    ]


def _resolved(document: Tree, schema: Tree) -> Tree:
    name = schema.get("$ref", "").rpartition("/")[2]
    found: Tree = document["components"]["schemas"][name] if name else schema
    return found


def _kind(document: Tree, schema: Tree) -> str:
    """The type in a few words, with what it may be and what it is unless said."""
    if "anyOf" in schema:
        choices = [
            _kind(document, choice) for choice in schema["anyOf"] if choice.get("type") != "null"
        ]
        kind = " or ".join(choices)
    elif "$ref" in schema:
        kind = "object"
    elif "enum" in schema or "const" in schema:
        kind = ", ".join(str(value) for value in schema.get("enum", [schema.get("const")]))
    elif schema.get("type") == "array":
        kind = f"list of {_kind(document, schema.get('items', {}))}"
    else:
        kind = str(schema.get("type", "any"))
    default = schema.get("default")
    return kind if default in (None, "") else f"{kind}, otherwise {_text(default)}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _sample(text: str) -> str:
    return f"<pre><code>{escape(text)}</code></pre>"


def _prose(text: str) -> str:
    return "".join(f"<p>{_inline(part)}</p>" for part in text.split("\n\n") if part.strip())


def _inline(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _anchor(method: str, path: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"{method}{path}".lower()).strip("-")
