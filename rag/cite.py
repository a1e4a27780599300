"""Spans → citations, each checked against the text it quotes: the one place where a Citation is made."""

from __future__ import annotations

from collections.abc import Sequence

from rag.types import Article, Citation, Span

_CONTEXT = 32
"""Characters before and after a quote that tell it from its repetition elsewhere on a page."""


def cite(article: Article, span: Span, number: int = 1) -> Citation:
    """The citation of `article.text[span]`. A span that is empty or outside the text is a bug, not a bad input:
    AssertionError."""
    start, end = span
    text = article.text
    assert 0 <= start < end <= len(text), f"span {span} of {article.id}, which has {len(text)} characters"
    quote = text[start:end]
    assert quote == quote.strip(), f"span {span} of {article.id} begins or ends with white space"
    return Citation(
        number=number,
        article_id=article.id,
        start=start,
        end=end,
        quote=quote,
        prefix=text[max(0, start - _CONTEXT) : start],
        suffix=text[end : end + _CONTEXT],
    )


def cited_text(citations: Sequence[Citation]) -> str:
    """The quotes, each followed by its marker.

    >>> cited_text([cite(Article("a", "A", "One. Two."), (0, 4))])
    'One. [1]'
    """
    return " ".join(f"{c.quote} [{c.number}]" for c in citations)
