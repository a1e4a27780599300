"""Found passages → the sentences that may answer, each with its spans and all that speaks for it.

Every found passage is read with the question. A span is as good as a weighted sum of what the reader and the
retriever say of it; a sentence as good as its spans together. The best three sentences are then read once more, each
between its neighbours alone: what the reader still finds there, it did not find by the company of a long passage.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rag.extract import Sentence, features, names_and_numbers
from rag.intent import is_yes_no, wants_many
from rag.lexical import content_words, coverage, words
from rag.logistic import Weights, dot
from rag.names import left_out
from rag.question import bare
from rag.reader.kinds import fits
from rag.reader.model import Reader, Reading
from rag.reader.yesno import opposed
from rag.retrieve import Found
from rag.rewrite import asked_last
from rag.types import Article, Hit, Span

LEFT_OUT = -20.0
"""What a candidate loses when its sentence leaves out the name that is asked about ("excluding Seoul, nine cities lost
323"): more than any reading gives, so that every other sentence goes first. A rule, not a fit: too few questions meet
it to teach a weight, and the reader overlooks the one word."""

REREAD = 3
"""How many of the best sentences are read a second time."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A possible answer: `span` and its `sentence` in the article's characters, and what speaks for it."""

    hit: Hit
    span: Span
    sentence: Sentence
    features: Weights


@dataclass(frozen=True, slots=True)
class Choice:
    """A sentence with its candidates, best first; `score` is the log of the summed exponentials of theirs: several
    good spans in one sentence speak for it. `again` is what the reader says of it between its neighbours alone."""

    sentence: Sentence
    candidates: tuple[Candidate, ...]
    score: float
    again: Reading | None = None

    @property
    def best(self) -> Candidate:
        return self.candidates[0]


def choose(read: Sequence[Candidate], rank: Weights) -> list[Choice]:
    """The sentences that hold a candidate, best first."""
    groups: dict[Sentence, list[tuple[float, Candidate]]] = {}
    for c in read:
        groups.setdefault(c.sentence, []).append((dot(rank, c.features) + LEFT_OUT * c.features["left_out"], c))
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
                "left_out": float(left_out(query, text[slice(*sentence[1])])),
            }
            key = (sentence[0], span)
            if key not in kept or kept[key].features["margin"] < values["margin"]:
                kept[key] = Candidate(hit, span, sentence, values)
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


def read_again(query: str, choices: Sequence[Choice], reader: Reader) -> list[Choice]:
    """The choices, the first `REREAD` with what the reader says of their sentence between the one before and the one
    after it in its passage, alone."""
    pairs = []
    for choice in choices[:REREAD]:
        passage = choice.best.hit.passage
        start, end = with_neighbours(passage.sentences, passage.sentences.index(choice.sentence[1]))
        pairs.append((bare(query), passage.text[start - passage.start : end - passage.start]))
    again = [replace(c, again=reading) for c, reading in zip(choices, reader.read(pairs), strict=False)]
    return [*again, *choices[REREAD:]]


def reordered(choices: Sequence[Choice], weight: float) -> list[Choice]:
    """Those read again by both readings, `weight` that of the second's "here"; none of the others comes before them."""
    twice = [replace(c, score=c.score + weight * c.again.here) for c in choices if c.again]
    twice.sort(key=lambda choice: -choice.score)
    least = twice[-1].score if twice else 0.0
    return [*twice, *(replace(c, score=min(c.score, least)) for c in choices if not c.again)]


def with_neighbours(sentences: Sequence[Span], at: int) -> Span:
    """From the start of the sentence before sentence `at` to the end of the one behind it.

    >>> with_neighbours([(0, 9), (10, 19), (20, 29)], 2)
    (10, 29)
    """
    return sentences[max(0, at - 1)][0], sentences[min(at + 1, len(sentences) - 1)][1]


def confidence_features(query: str, choice: Choice, found: Found, articles: Mapping[str, Article]) -> dict[str, float]:
    """The best candidate's own features, what `extract.features` looks up in the article, and: `elsewhere`, how many of
    the question's names and numbers the article holds, but not the passage that is to answer; `opposed`, how many of
    its words stand in the sentence as their opposite only; `near_here`, the reader's second opinion (`read_again`);
    whether the question is of a kind (`yes_no`, `many`) that the reader is less sure of.
    """
    assert choice.again
    best = choice.best
    held = set(words(best.hit.passage.text))
    asked, last = names_and_numbers(query), asked_last(query)
    return {
        **features(query, best.sentence, found, articles),
        **best.features,
        "elsewhere": float(sum(w in found.bm25 and w not in held for w in asked)),
        "opposed": opposed(last, articles[choice.sentence[0]].text[slice(*choice.sentence[1])]),
        "near_here": choice.again.here,
        "yes_no": float(is_yes_no(last)),
        "many": float(wants_many(last)),
    }
