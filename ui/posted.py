"""An article that comes over the network → a file in RAG_INDEX/posted, from which the index is built like the rest.

It is known by its address (the page's canonical URL), or, without one, by its text: the same address with another text
replaces what was there. Its slug ends in a hash of that, so that it can not collide with a file of the corpus.
"""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from rag.clean import articles_of, normalise
from rag.errors import BadInput
from rag.frontmatter import from_markdown, slug, write_corpus
from rag.html import main_text
from rag.lines import unwrap
from rag.types import Article

FORMATS = ("text", "markdown", "html", "page")
"""`text`: the article alone, taken whole; `page`: all the text of a page, menus and all, as saved from a browser."""
_TITLE_CHARS = 300


def canonical(url: str) -> str:
    """The address without its fragment; raises BadInput for what is not http(s). An empty one stays empty.

    >>> canonical("https://News.example/a?b=1#c")
    'https://news.example/a?b=1'
    """
    if not url.strip():
        return ""
    try:
        parts = urlsplit(url.strip())
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        parts, port = urlsplit(""), ""
    strange = len(url) > 2000 or any(unicodedata.category(c)[0] in "CZ" for c in url.strip())
    if strange or parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise BadInput(f"{url[:80]!r} is not the address of a page: it has to begin with http:// or https://.")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return urlunsplit((parts.scheme, host + port, parts.path or "/", parts.query, ""))


def posted_article(title: str, text: str, url: str, form: str = "text") -> Article:
    """The article as it is indexed; raises BadInput for a text without a word in it, and for an unknown format."""
    if form not in FORMATS:
        raise BadInput(f"The format {form!r} is not known; there are: {', '.join(FORMATS)}.")
    sha256 = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    found_title, body = _text_of(text, form, sha256)
    name = " ".join(normalise(title).split())[:_TITLE_CHARS] or found_title
    if not any(c.isalnum() for c in body):
        raise BadInput("The article is empty: there is no word in its text. Send the text of the article.")
    if not name:
        name = " ".join(body.split()[:8])
    source = canonical(url)
    mark = hashlib.sha256((source or name + body).encode()).hexdigest()[:10]
    facts = {"sha256": sha256, "role": "posted", "format": form}
    host = urlsplit(source).hostname
    if host:
        facts["publisher"] = host.removeprefix("www.")
    return Article(f"{slug(name)[:40].strip('-')}-{mark}", name, body, source, facts)


def _text_of(text: str, form: str, sha256: str) -> tuple[str, str]:
    """Title, if the text brings one, and text."""
    if form == "html":
        page = main_text(text, "The article")
        return page.title, page.text
    if form == "text":
        return "", normalise(unwrap(normalise(text)))
    articles, _ = articles_of(text, "posted.md" if form == "markdown" else "posted.txt", sha256)
    if not articles:
        return "", ""
    return "" if articles[0].title == "posted" else articles[0].title, articles[0].text


class Shelf:
    """The folder of posted articles, of which it keeps at most `most`. One writer at a time: its caller's lock."""

    def __init__(self, folder: Path, most: int) -> None:
        self._folder, self._most = folder, most

    def put(self, article: Article) -> tuple[Article, Callable[[], None] | None]:
        """Keep the article; return it under the slug it has here, and what undoes that, or None when nothing changed.

        Raises BadInput when the server takes none, StoreUnavailable when the folder can not be written.
        """
        if not self._most:
            raise BadInput("This server takes no articles (RAG_MAX_POSTED=0).")
        mark = article.id.rpartition("-")[2]
        for path in self._folder.glob(f"*-{mark}.md"):  # the same address, whatever its title was
            old = from_markdown(path.read_text(encoding="utf-8"), path.stem)
            article = replace(article, id=old.id)
            if (old.title, old.text) == (article.title, article.text):
                os.utime(path)
                return old, None
        path = self._folder / f"{article.id}.md"
        before = path.read_bytes() if path.exists() else None
        write_corpus([article], self._folder)
        self._make_room()

        def undo() -> None:
            path.write_bytes(before) if before is not None else path.unlink(missing_ok=True)

        return article, undo

    def _make_room(self) -> None:
        files = sorted(self._folder.glob("*.md"), key=lambda path: path.stat().st_mtime_ns)
        for path in files[: max(0, len(files) - self._most)]:
            path.unlink(missing_ok=True)
