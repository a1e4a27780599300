"""What a set of questions is, after `formats.py` has read it: select some, find their gold evidence in the article.

Gold evidence is character spans of the article, never chunk ids: those go stale with every change of the chunker.
The trap that lives here is a quote that stands twice: taking the first occurrence would score retrieval against
the wrong passage, so a quote without offsets must be unique, and offsets are checked against the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rag.clean import normalise
from rag.errors import BadInput, UnknownArticle
from rag.types import Article, Span

_NEAR = 200
"""How far, in characters, normalisation may have moved a quote from the offset that a set gives."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A gold quote. `start` is None until `locate` has found it when the set gives the text alone."""

    text: str
    start: int | None = None
    end: int | None = None

    @property
    def span(self) -> Span:
        assert self.start is not None and self.end is not None, "locate() comes first"
        return (self.start, self.end)


@dataclass(frozen=True, slots=True)
class Example:
    """One question and what is known about its answer. `where` is the file and line, for messages."""

    id: str
    question: str
    answers: tuple[str, ...]
    answerable: bool
    article: str
    evidence: tuple[Evidence, ...] = ()
    history: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    where: str = ""


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """The examples in file order, the articles that the set brings itself, the hash of the (unpacked) file, and what
    its reader should know (columns not used)."""

    examples: tuple[Example, ...]
    articles: Mapping[str, Article] = field(default_factory=dict)
    sha256: str = ""
    remarks: tuple[str, ...] = ()


def select(examples: Sequence[Example], filters: Sequence[str] = (), n: int | None = None) -> tuple[Example, ...]:
    """The examples that pass every `key=value` (keys: tag, article, id, answerable), then the first n of them."""
    chosen = list(examples)
    for wanted in filters:
        key, _, value = wanted.partition("=")
        if key not in ("tag", "article", "id", "answerable") or not value:
            raise BadInput(f"--filter {wanted} is not understood: write tag=…, article=…, id=… or answerable=true.")
        chosen = [e for e in chosen if _passes(e, key, value)]
    chosen = chosen if n is None else chosen[:n]
    if not chosen:
        tags = ", ".join(sorted({tag for e in examples for tag in e.tags})) or "none"
        raise BadInput(f"No question of {len(examples)} is left after {' '.join(filters) or f'-n {n}'}. Tags: {tags}.")
    return tuple(chosen)


def locate(example: Example, articles: Mapping[str, Article]) -> Example:
    """The same example with every piece of evidence at verified offsets: `article.text[start:end] == text`."""
    article = articles.get(example.article)
    if article is None:
        known = ", ".join(sorted(articles)) or "none"
        raise UnknownArticle(f"{example.where}: no article {example.article!r} in the index. It holds: {known}.")
    return replace(example, evidence=tuple(_locate(e, article, example.where) for e in example.evidence))


def _locate(evidence: Evidence, article: Article, where: str) -> Evidence:
    text, start, end = normalise(evidence.text), evidence.start, evidence.end
    if start is not None and end is not None and not text:
        text = article.text[start:end] if 0 <= start < end <= len(article.text) else ""
    if not text:
        raise BadInput(f"{where}: evidence {evidence!r} has no text in {article.id} ({len(article.text)} characters).")
    found = list(_occurrences(text, article.text))
    if start is not None:
        # Normalisation may have moved it a little; one that is further off belongs to another text.
        found = sorted((at for at in found if abs(at - start) <= _NEAR), key=lambda at: abs(at - start))[:1]
    if not found:
        near = "" if start is None else f" near offset {start}"
        raise BadInput(f"{where}: the evidence “{_short(text)}” is not in {article.id}{near}. Quote it verbatim.")
    if len(found) > 1:
        raise BadInput(
            f"{where}: the evidence “{_short(text)}” stands {len(found)} times in {article.id} "
            f"(at {', '.join(map(str, found[:5]))}). Quote more of it, or give start and end."
        )
    return Evidence(text, found[0], found[0] + len(text))


def _occurrences(needle: str, text: str) -> Iterator[int]:
    at = text.find(needle)
    while at >= 0:
        yield at
        at = text.find(needle, at + 1)


def _passes(example: Example, key: str, value: str) -> bool:
    if key == "tag":
        return value in example.tags
    held: Any = getattr(example, key)
    return value == (str(held).lower() if isinstance(held, bool) else held)


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "…"
