"""The widget's routes: /widget.js, /embed, their files below /widget, and /demo."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from rag.types import Article
from ui.backend import Backend

HERE = Path(__file__).parent
_FRESH = {"cache-control": "no-cache"}
"""Asked for again each time, answered with 304: a publisher's page must not keep an old widget."""


def add_widget(app: FastAPI, backend: Backend) -> None:
    """The routes; none of them needs the model."""

    @app.get("/widget.js", include_in_schema=False)
    async def widget() -> Response:
        return FileResponse(HERE / "widget.js", media_type="text/javascript", headers=_FRESH)

    @app.get("/embed", include_in_schema=False)
    async def embed() -> Response:
        return FileResponse(HERE / "embed.html", media_type="text/html", headers=_FRESH)

    @app.get("/demo", include_in_schema=False)
    async def demo(article: str = "") -> Response:
        found = backend.articles.get(article or backend.default_article)
        if found is None:
            return RedirectResponse("demo")
        others = [a for a in backend.articles.values() if a.id != found.id and a.metadata.get("role") != "posted"]
        return HTMLResponse(demo_page(found, others), headers=_FRESH)

    app.mount("/widget", StaticFiles(directory=HERE / "static"))


def demo_page(article: Article, others: list[Article]) -> str:
    """An article as a publisher would lay it out, with the widget's one line at the end."""
    facts = article.metadata
    publisher = escape(facts.get("publisher") or "The Daily Article")
    byline = " · ".join(escape(facts[k]) for k in ("byline", "published") if facts.get(k))
    more = "".join(f'<li><a href="?article={escape(a.id)}">{escape(a.title)}</a></li>' for a in others[:4])
    aside = f'<aside aria-label="More articles"><h2>More</h2><ul>{more}</ul></aside>' if more else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(article.title)} - {publisher}</title>
<link rel="stylesheet" href="widget/page.css">
</head>
<body class="news">
<header class="masthead"><p class="paper">{publisher}</p>
<nav aria-label="Sections"><a href="#story">World</a> <a href="#story">Business</a> <a href="#story">Science</a></nav></header>
<div class="columns">
<main><article id="story"><h1>{escape(article.title)}</h1><p class="byline">{byline}</p>
{_paragraphs(article.text)}
</article></main>
{aside}
</div>
<footer><p>A demonstration: the article is the index's, the page is <code>/demo</code>, and the button at the corner is
<code>&lt;script async src="widget.js" data-article="{escape(article.id)}"&gt;&lt;/script&gt;</code>.</p></footer>
<script async src="widget.js" data-article="{escape(article.id)}"></script>
</body>
</html>
"""


def _paragraphs(text: str) -> str:
    """Paragraphs, a short one without a full stop as a heading; the first sentence's opening words stand out, and
    quotation marks are curled, as a newsroom's system would do it: the widget has to find sentences all the same."""
    blocks = [b for b in re.split(r"\n\s*\n", text) if b.strip()]
    shown = []
    for n, block in enumerate(blocks):
        bare = len(block) <= 100 and block[-1] not in ".!?\"”'’:" and "\n" not in block
        if bare and n < len(blocks) - 1:
            shown.append(f"<h2>{_typeset(block)}</h2>" if n else f'<p class="standfirst">{_typeset(block)}</p>')
        elif n < 2:
            words = block.split(" ")
            shown.append(f"<p><strong>{_typeset(' '.join(words[:4]))}</strong> {_typeset(' '.join(words[4:]))}</p>")
        else:
            shown.append(f"<p>{_typeset(block)}</p>")
    return "\n".join(shown)


def _typeset(text: str) -> str:
    curled = re.sub(r'(^|[\s(\[])"', r"\1“", text).replace('"', "”")
    return escape(re.sub(r"(^|[\s(\[“])'", r"\1‘", curled).replace("'", "’").replace(" -- ", " — "), quote=False)
