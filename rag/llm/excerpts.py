"""What of the article the model gets to read: all of it when it fits, else what is nearest to the question.

Counting is rough on purpose: a model's own tokenizer would have to be downloaded. Three bytes of UTF-8 a token is more
than any model in use takes for English (about four) and about right for Chinese, Japanese and Korean.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from rag.llm.orders import orders, visible
from rag.types import Article, Passage, Span

_DIGITS, _LETTERS = "23456789", "bcdfghjkmnpqrtvwxz"


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A run of sentences as the model sees it: `key` names it, `sentences` are spans of the article's text."""

    key: str
    article_id: str
    sentences: tuple[Span, ...]
    text: str


def count_tokens(text: str) -> int:
    """At least as many tokens as the text has in any model in use.

    >>> count_tokens("The harbour opened in 1892.")
    9
    """
    return -(-len(text.encode("utf-8", "surrogatepass")) // 3)


def excerpts(
    question: str,
    scope: Sequence[Passage],
    nearest: Callable[[], Sequence[Passage]],
    articles: Mapping[str, Article],
    budget: int,
) -> tuple[list[Excerpt], bool]:
    """The excerpts of the passages of `scope`, in the article's order, and True; when they need more than `budget`
    tokens, those of `nearest()` that fit, best first, and False. Passages overlap, excerpts do not; sentences that
    give a model orders are left out."""
    told = {id_: _orders(articles[id_], scope) for id_ in {p.article_id for p in scope}}
    salt = hashlib.sha256(question.encode("utf-8", "surrogatepass"))
    whole = list(_cut(scope, articles, told, salt.copy(), budget=None))
    if sum(map(_size, whole)) <= budget:
        return whole, True
    return list(_cut(nearest(), articles, told, salt, budget)), False


def runs(given: Sequence[Excerpt]) -> tuple[tuple[str, Span], ...]:
    """What was given, sentences that touch put together."""
    found: list[tuple[str, Span]] = []
    for id_, (start, end) in ((e.article_id, s) for e in given for s in e.sentences):
        if found and found[-1][0] == id_ and 0 <= start - found[-1][1][1] <= 3:
            found[-1] = (id_, (found[-1][1][0], end))
        else:
            found.append((id_, (start, end)))
    return tuple(found)


def _orders(article: Article, scope: Sequence[Passage]) -> frozenset[Span]:
    spans = sorted({s for p in scope if p.article_id == article.id for s in p.sentences})
    return orders(article.text, spans)


def _cut(
    passages: Iterable[Passage],
    articles: Mapping[str, Article],
    told: Mapping[str, frozenset[Span]],
    salt: hashlib._Hash,
    budget: int | None,
) -> Iterable[Excerpt]:
    seen: set[tuple[str, Span]] = set()
    keys: set[str] = set()
    used = 0
    for p in passages:
        kept = tuple(s for s in p.sentences if (p.article_id, s) not in seen and s not in told[p.article_id])
        if not kept:
            continue
        salt.update(p.text.encode("utf-8", "surrogatepass"))
        excerpt = Excerpt(_key(salt, keys), p.article_id, kept, _text(articles[p.article_id].text, kept))
        if budget is not None and used + _size(excerpt) > budget:
            continue  # a shorter one, further down, may still fit
        used += _size(excerpt)
        seen |= {(p.article_id, s) for s in kept}
        yield excerpt


def _key(salt: hashlib._Hash, taken: set[str]) -> str:
    """Letter, digit, letter, digit: no word, and nothing that an article could foresee, since it hangs on the
    question; the same each time, since cached answers do too."""
    while True:
        a, b, c, d = salt.digest()[:4]
        key = _LETTERS[a % 18] + _DIGITS[b % 8] + _LETTERS[c % 18] + _DIGITS[d % 8]
        if key not in taken:
            taken.add(key)
            return key
        salt.update(b"again")


def _text(text: str, sentences: Sequence[Span]) -> str:
    parts = [text[slice(*sentences[0])]]
    for (_, end), (start, stop) in zip(sentences, sentences[1:], strict=False):
        parts += ["\n" if "\n" in text[end:start] else " ", text[start:stop]]
    return visible("".join(parts))


def _size(excerpt: Excerpt) -> int:
    return count_tokens(excerpt.text) + 16  # its key, quotes and braces
