"""Found passages → the sentences that may answer, each with its spans and all that speaks for it.

Every found passage is read with the question. A span is as good as a weighted sum of what the reader and the
retriever say of it; a sentence as good as its spans together. The best few sentences are then read once more, each
between its neighbours alone: what the reader still finds there it did not find by the company of a long passage.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from rag.extract import Sentence, features, names_and_numbers
from rag.intent import is_yes_no, wants_many
from rag.lexical import content_words, coverage, words
from rag.names import names
from rag.question import bare
from rag.reader.kinds import fits
from rag.reader.model import Reader, Reading
from rag.retrieve import Found
from rag.rewrite import asked_last
from rag.types import Article, Hit, Span

REREAD = 4
"""How many sentences are read once more."""
Weights = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible answer: `span` and its `sentence` in the article's characters, and what speaks for it."""

    hit: Hit
    span: Span
    sentence: Sentence
    features: Weights
    yes: float


@dataclass(frozen=True, slots=True)
class Choice:
    """A sentence with its candidates, best first; `score` is the log of the summed exponentials of theirs (several
    good spans in one sentence speak for it), or, once it was read again, a weighted sum of that and of `near`."""

    sentence: Sentence
    candidates: tuple[Candidate, ...]
    score: float
    near: Weights = field(default_factory=dict)

    @property
    def best(self) -> Candidate:
        return self.candidates[0]


def choose(read: Sequence[Candidate], rank: Weights) -> list[Choice]:
    """The sentences that hold a candidate, best first."""
    groups: dict[Sentence, list[tuple[float, Candidate]]] = {}
    for c in read:
        groups.setdefault(c.sentence, []).append((dot(rank, c.features), c))
    choices = []
    for sentence, group in groups.items():
        group.sort(key=lambda pair: -pair[0])
        top = group[0][0]
        score = top + math.log(sum(math.exp(s - top) for s, _ in group))
        choices.append(Choice(sentence, tuple(c for _, c in group), score))
    return sorted(choices, key=lambda choice: -choice.score)


def candidates(query: str, found: Found, reader: Reader, articles: Mapping[str, Article]) -> list[Candidate]:
    """The best spans of every found passage, none across the end of its sentence; a span that two overlapping
    passages hold is kept as the one read with the higher margin."""
    plain = bare(query)
    readings = reader.read([(plain, hit.passage.text) for hit in found.hits])
    asked, last = content_words(query), asked_last(query)
    kept: dict[tuple[str, Span], Candidate] = {}
    for hit, reading in zip(found.hits, readings, strict=True):
        for span, sentence, score in _placed(hit, reading):
            text = articles[sentence[0]].text
            answer = text[slice(*span)]
            values = {
                "margin": score - reading.null,
                "here": reading.here,
                "cosine": found.sentences.get(sentence, 0.0),
                "covered": coverage(asked, text[slice(*sentence[1])], found.bm25),
                "retrieved": hit.score,
                "kind": fits(last, answer),
                "echo": _echo(answer, asked),
            }
            key = (sentence[0], span)
            if key not in kept or kept[key].features["margin"] < values["margin"]:
                kept[key] = Candidate(hit, span, sentence, values, reading.yes)
    return list(kept.values())


def _echo(answer: str, asked: Sequence[str]) -> float:
    """Share of the answer's words that are the question's own: what repeats the question does not answer it."""
    said = content_words(answer)
    return sum(w in asked for w in said) / len(said) if said else 0.0


def _placed(hit: Hit, reading: Reading) -> Sequence[tuple[Span, Sentence, float]]:
    """The reading's spans in the article's characters, cut at the end of the sentence they begin in."""
    passage = hit.passage
    found = []
    for s in reading.spans:
        start, end = passage.start + s.start, passage.start + s.end
        for a, b in passage.sentences:
            if a <= start < b:
                found.append(((start, min(end, b)), (passage.article_id, (a, b)), s.score))
                break
    return found


def confidence_features(
    query: str, choices: Sequence[Choice], found: Found, articles: Mapping[str, Article]
) -> dict[str, float]:
    """The best candidate's own features, what `extract.features` looks up in the article, and: `elsewhere`, how many of
    the question's names and numbers the article holds, but not the passage that is to answer; `phrases`, how many of
    its names of several words the article does not hold as they stand ("Korea University"); `ahead`, how far the best
    sentence is ahead of the next; whether the question is of a kind (`yes_no`, `many`) that the reader is less sure of.
    """
    best = choices[0].best
    held = set(words(best.hit.passage.text))
    asked = names_and_numbers(query)
    text = articles[best.sentence[0]].text.lower()
    return {
        **features(query, best.sentence, found, articles),
        **best.features,
        **choices[0].near,
        "elsewhere": float(sum(w in found.bm25 and w not in held for w in asked)),
        "phrases": float(sum(" " in n and n.lower().removesuffix("'s") not in text for n in names(query))),
        "ahead": min(5.0, choices[0].score - choices[1].score) if len(choices) > 1 else 5.0,
        "yes_no": float(is_yes_no(asked_last(query))),
        "many": float(wants_many(asked_last(query))),
    }


def reread(query: str, choices: Sequence[Choice], reader: Reader) -> list[Choice]:
    """The best `REREAD` choices with `near`: the `score` they had, and how far the best span in the sentence is ahead
    of "not here" (`near_margin`), and the second opinion (`near_here`), when its neighbours are all that is read."""
    best = choices[:REREAD]
    plain = bare(query)
    windows = [_window(c) for c in best]
    readings = reader.read([(plain, text) for text, _ in windows])
    return [
        replace(c, near={"score": c.score, "near_margin": _inside(r, place) - r.null, "near_here": r.here})
        for c, r, (_, place) in zip(best, readings, windows, strict=True)
    ]


def _window(choice: Choice) -> tuple[str, Span]:
    """The sentence with the one before and the one after it in its passage, and its span in that text."""
    passage = choice.best.hit.passage
    at = passage.sentences.index(choice.sentence[1])
    around = passage.sentences[max(0, at - 1) : at + 2]
    start, end = around[0][0] - passage.start, around[-1][1] - passage.start
    a, b = choice.sentence[1]
    return passage.text[start:end], (a - passage.start - start, b - passage.start - start)


def _inside(reading: Reading, place: Span) -> float:
    """The score of the best span that begins in `place`; where none of those kept does, no more than that of "not
    here"."""
    scores = [s.score for s in reading.spans if place[0] <= s.start < place[1]]
    return max(scores) if scores else min([reading.null, *(s.score for s in reading.spans)])


def rank_again(choices: Sequence[Choice], weights: Weights) -> list[Choice]:
    """Choices that were read again, by the weighted sum of `near`, best first."""
    again = [replace(c, score=dot(weights, c.near)) for c in choices]
    return sorted(again, key=lambda choice: -choice.score)


def dot(weights: Weights, values: Weights) -> float:
    """The weighted sum; a feature without a weight counts nothing, and the weights may hold a `bias`."""
    return weights.get("bias", 0.0) + sum(weights.get(name, 0.0) * value for name, value in values.items())
