"""/docs: the API as a plain page, drawn from /openapi.json. FastAPI's own page would load its scripts from elsewhere."""

from __future__ import annotations

import json
import re
from html import escape
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

_CURL = """curl -s {base}/api/ask -H 'Content-Type: application/json' \\
     -d '{{"question": "What is this article about?"}}'"""


def add_docs(app: FastAPI) -> None:
    """The route; it shows the routes that were added before it."""

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> HTMLResponse:
        return HTMLResponse(docs_page(app.openapi(), str(request.base_url).rstrip("/")))


def docs_page(schema: dict[str, Any], base: str) -> str:
    """The page for an OpenAPI document."""
    shapes = schema.get("components", {}).get("schemas", {})
    routes = [(path, method, route) for path, ways in schema["paths"].items() for method, route in ways.items()]
    body = "".join(_route(path, method, route, shapes) for path, method, route in routes)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>API</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="stylesheet" href="widget/page.css"></head><body class="docs"><main><h1>API</h1>'
        '<p>The same as <a href="openapi.json">OpenAPI</a>. Errors have one shape: '
        '<code>{"error": {"message", "type"}}</code>. MCP clients connect to <code>/mcp</code> (streamable HTTP; tools '
        "<code>ask_article</code>, <code>list_articles</code>), Gradio clients call <code>/ask_article</code>.</p>"
        f"<pre>{escape(_CURL.format(base=base))}</pre>{body}</main></body></html>"
    )


def _route(path: str, method: str, route: dict[str, Any], shapes: dict[str, Any]) -> str:
    body = route.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    fields = shapes.get(body.get("$ref", "").rpartition("/")[2], {}).get("properties", {})
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(_type(field))}</td>"
        f"<td>{_prose(field.get('description', ''))}</td></tr>"
        for name, field in fields.items()
    )
    table = (
        f"<table><thead><tr><th>Field</th><th>Type</th><th></th></tr></thead><tbody>{rows}</tbody></table>"
        if rows
        else ""
    )
    statuses = "".join(
        f"<li><code>{escape(code)}</code> {escape(answer.get('description', ''))}</li>"
        for code, answer in route.get("responses", {}).items()
        if answer.get("description") != "Validation Error"
    )
    return (
        f"<section><h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(route.get('summary', ''))}. "
        f"{_prose(route.get('description', ''))}</p>{table}<ul>{statuses}</ul></section>"
    )


def _prose(text: str) -> str:
    """Escaped, with what stands in back quotes as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _type(field: dict[str, Any]) -> str:
    kinds = [field, *field.get("anyOf", [])]
    names = [k.get("type", "") for k in kinds] + [json.dumps(k["const"]) for k in kinds if "const" in k]
    return " or ".join(dict.fromkeys(n for n in names if n and n != "null"))
