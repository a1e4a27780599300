"""Found passages → the sentences that answer, and how sure that is: the answerer that needs no trained reader.

A sentence is as good as its cosine to the question plus the share of the question's words it holds. Whether the
article answers at all is a logistic regression over how good the best sentence is and how many of the question's
words, names and numbers stand nowhere in the article: similarity alone can not tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from rag.intent import wants_many
from rag.lexical import BM25, STOPWORDS, content_words, coverage, stem
from rag.logistic import dot, sigmoid
from rag.retrieve import Found
from rag.types import Article, Hit, Span

_END = re.compile(r"[.!?…:。！？][\"'”’»)\]]*$")
_NAME = re.compile(r"(?<![.?!] )(?<!^)\b[A-Z]\w+")
_RUN = re.compile(r"\b[A-Z]\w*(?: (?:(?:of|the|and|for|de) )*[A-Z]\w*)+")
Sentence = tuple[str, Span]
"""(article id, span)"""

WEIGHTS = {"bias": -0.63, "cosine": 1.82, "covered": 0.80, "known": -0.10, "names": -0.90, "numbers": -0.44}
"""Printed by `python -m eval.calibrate`; fitted on the dev halves of the question sets."""
THRESHOLD = 0.55
"""Below this confidence the article is said not to answer: on the dev halves that refuses 5% of the answerable
questions and 26% of the unanswerable. Words and cosines tell no more; a trained reader has to."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What an answerer hands to the chain: the sentences to quote, in the order shown, the exact span if it has
    one, the confidence in [0, 1], the nearest sentence to offer with a refusal, and the found passages in its own
    order, best first (empty: as they were found)."""

    sentences: tuple[Sentence, ...]
    confidence: float
    nearest: Sentence | None
    refused: bool
    short: str | None = None
    hits: tuple[Hit, ...] = ()


def extract(query: str, found: Found, articles: Mapping[str, Article]) -> Draft:
    """The best sentence of the found passages, or up to three in the article's order for why and list questions."""
    scores = _scores(query, found, articles)
    if not scores:
        return Draft((), 0.0, None, refused=True)
    ranked = sorted(scores, key=lambda s: -scores[s])
    confidence = sigmoid(dot(WEIGHTS, features(query, ranked[0], found, articles)))
    if confidence < THRESHOLD:
        return Draft((), confidence, ranked[0], refused=True)
    chosen = ranked[:1]
    if wants_many(query):
        chosen = as_they_stand((s for s in ranked[:3] if scores[s] >= 0.75 * scores[ranked[0]]), ranked[0])
    return Draft(tuple(chosen), confidence, ranked[0], refused=False)


def best_sentence(query: str, found: Found, articles: Mapping[str, Article]) -> Sentence:
    """The sentence of the found passages that answers best; ValueError when nothing was found."""
    scores = _scores(query, found, articles)
    return max(scores, key=lambda s: scores[s])


def _scores(query: str, found: Found, articles: Mapping[str, Article]) -> dict[Sentence, float]:
    asked = content_words(query)
    return {
        s: found.sentences.get(s, 0.0) + 0.5 * coverage(asked, _text(articles, s), found.bm25)
        for s in _sentences(found, articles)
    }


def _sentences(found: Found, articles: Mapping[str, Article]) -> list[Sentence]:
    """The sentences of the found passages; headings, which assert nothing, only where there is nothing else."""
    every = sentences_of(found)
    return [s for s in every if not is_heading(_text(articles, s))] or every


def sentences_of(found: Found) -> list[Sentence]:
    """Every sentence of the found passages once, best passage first."""
    return list(dict.fromkeys((h.passage.article_id, s) for h in found.hits for s in h.passage.sentences))


def as_they_stand(sentences: Iterable[Sentence], first: Sentence) -> list[Sentence]:
    """In the order of the article that `first` is of, those of other articles behind."""
    return sorted(sentences, key=lambda s: (s[0] != first[0], s))


def is_heading(sentence: str) -> bool:
    """Whether it ends like no sentence: a heading, a caption, a list's item."""
    return not _END.search(sentence)


def _text(articles: Mapping[str, Article], sentence: Sentence) -> str:
    return articles[sentence[0]].text[slice(*sentence[1])]


def features(query: str, best: Sentence, found: Found, articles: Mapping[str, Article]) -> dict[str, float]:
    """What the confidence is made of: `cosine` and `covered` of the best sentence; `known`, the share of the
    question's words that the article holds; `names` and `numbers`, how many of its names and numbers it does not."""
    asked = content_words(query)
    text = articles[best[0]].text
    return {
        "cosine": found.sentences.get(best, 0.0),
        "covered": coverage(asked, _text(articles, best), found.bm25),
        "known": _known(asked, found.bm25),
        "names": float(sum(not _held(w, found.bm25, text) for w in names_and_numbers(query) if not w[0].isdigit())),
        "numbers": float(sum(w[0].isdigit() and w not in found.bm25 for w in asked)),
    }


def names_and_numbers(query: str) -> list[str]:
    """The stems of the question's names (capitalised, not its first word) and numbers.

    >>> names_and_numbers("How many left KAIST in 2024?")
    ['kaist', '2024']
    """
    found = [n for n in _NAME.findall(query) if n.lower() not in STOPWORDS]
    return [stem(n.lower()) for n in found] + [w for w in content_words(query) if w[0].isdigit()]


_SAME = ("america american usa us states", "britain british uk england english", "france french", "spain spanish",
         "netherlands dutch holland", "switzerland swiss", "denmark danish")  # fmt: skip
"""Names of one country that do not begin alike."""


def _held(name: str, bm25: BM25, text: str) -> bool:
    """Whether the article has the name, one that begins alike ("Korean" for "Korea"), another of the same country, or,
    for an abbreviation, a name with those initials."""
    alike = next((group.split() for group in _SAME if name in group.split()), [name])
    begins = len(name) > 3 and name[:4] in _beginnings(text)
    return begins or any(n in bm25 for n in alike) or name in _initials(text)


@lru_cache(maxsize=64)
def _beginnings(text: str) -> frozenset[str]:
    """The first four letters, lower case, of every capitalised word."""
    return frozenset(w[:4].lower() for w in re.findall(r"\b[A-Z]\w+", text))


@lru_cache(maxsize=64)
def _initials(text: str) -> frozenset[str]:
    """The initials, lower case, of every run of two to six capitalised words ("of", "the", "and", "for" skipped).

    >>> sorted(_initials("He left Seoul National University."))
    ['nu', 'sn', 'snu']
    """
    made = set()
    for run in _RUN.findall(text):
        letters = [w[0].lower() for w in run.split() if w[0].isupper()]
        made |= {"".join(letters[a:b]) for a in range(len(letters)) for b in range(a + 2, min(a + 6, len(letters)) + 1)}
    return frozenset(made)


def _known(asked: list[str], bm25: BM25) -> float:
    total = sum(bm25.idf(w) for w in asked)
    return sum(bm25.idf(w) for w in asked if w in bm25) / total if total else 1.0
