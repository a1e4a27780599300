"""Answers that no single passage holds: a summary, what it is about, who published it, hello."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rag.intent import Intent
from rag.store import Index
from rag.types import ALL, Article, Span

HELLO = "Hello. Ask a question about the article, and I answer with the sentences that say so."
CANNED = {
    Intent.GREETING: HELLO,
    Intent.THANKS: "You are welcome. Ask on whenever you like.",
    Intent.HELP: (
        "I answer questions about the article with its own sentences, numbered so that you can check each one, and say "
        "so when it doesn't tell. Try “What is this article about?” or “Summarize the article”."
    ),
}


def summary(index: Index, scope: str, many: bool) -> list[tuple[str, Span]]:
    """The sentences nearest to what the article as a whole says, none like another, in the article's order:
    four (`many`) or two of one article, one of each when the scope is all."""
    ids = list(index.articles) if scope == ALL else [scope]
    count = 1 if len(ids) > 1 else 4 if many else 2
    return [(id_, span) for id_ in ids[:8] for span in _central(index, id_, count)]


def _central(index: Index, article_id: str, count: int) -> list[Span]:
    """Maximal marginal relevance (Carbonell and Goldstein 1998) to the mean sentence; earlier sentences, which carry
    the news, are worth a little more."""
    text = index.articles[article_id].text
    vectors = index.vectors_of(article_id)[1]
    spans = sorted(_span(id_) for id_ in vectors)
    spans = [s for s in spans if 40 <= s[1] - s[0] <= 400 and text[s[1] - 1] in ".!?\"'”’"] or spans
    matrix = np.array([vectors[f"{article_id}:{a}-{b}"] for a, b in spans], dtype=np.float32)
    centre = matrix.mean(axis=0)
    worth = matrix @ (centre / np.linalg.norm(centre)) + 0.1 * (1 - np.arange(len(spans)) / len(spans))
    chosen: list[int] = []
    while len(chosen) < min(count, len(spans)):
        alike = (matrix @ matrix[chosen].T).max(axis=1) if chosen else np.zeros(len(spans))
        margin = 0.7 * worth - 0.3 * alike
        margin[chosen] = -np.inf
        chosen.append(int(margin.argmax()))
    return sorted(spans[i] for i in chosen)


def _span(id_: str) -> Span:
    start, _, end = id_.rpartition(":")[2].partition("-")
    return int(start), int(end)


def about_the_page(intent: Intent, articles: Sequence[Article]) -> str | None:
    """What the page itself says of title, publisher, author or date; None when it says nothing."""
    lines = [line for a in articles if (line := _line(intent, a))]
    return "\n".join(lines) or None


def _line(intent: Intent, article: Article) -> str | None:
    found = article.metadata.get("byline" if intent is Intent.AUTHOR else intent.value)
    if intent is Intent.TITLE:
        return f"The title is “{article.title}”."
    if not found:
        return None
    if intent is Intent.PUBLISHER:
        return f"“{article.title}” was published by {found}, as the page names it."
    if intent is Intent.AUTHOR:
        return f"The byline of “{article.title}” is {found}."
    return f"The page gives the time of “{article.title}” as: {found}."
