"""Found passages → the span that answers, inside its sentence, and how sure that is: the trained answerer.

Every found passage is read with the question. A candidate is a span of a passage; it is as good as a weighted sum of
what the reader and the retriever say of it (`rank`). Whether the article answers at all is a logistic regression over
the best candidate and over which of the question's names, numbers and words stand nowhere near it (`confidence`): a
reader this small is fooled by near misses, and looking the names up is the cheapest cure. Both sets of weights, and
the threshold, stand in `calibration.json`, written by `python -m eval.calibrate_reader`, which also names the
weights they were fitted with: they mean nothing for others.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.errors import ModelMissing
from rag.extract import Draft, Sentence, features, names_and_numbers
from rag.intent import is_yes_no, wants_many
from rag.lexical import content_words, coverage, words
from rag.names import names
from rag.question import bare
from rag.reader.kinds import fits
from rag.reader.model import Reader, Reading
from rag.reader.weights import WEIGHTS
from rag.reader.yesno import YesNo
from rag.reader.yesno import features as yes_no_features
from rag.retrieve import Found
from rag.rewrite import asked_last
from rag.types import Article, Hit, Span

CALIBRATION = Path(__file__).with_name("calibration.json")
COMMAND = "python -m eval.calibrate_reader"
Weights = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Calibration:
    """`rank` and `confidence`: weights by feature name, the latter with a `bias`; below `threshold`, a confidence, the
    article is said not to answer; `within`: how far below the best sentence's score one is still quoted beside it."""

    rank: Weights
    confidence: Weights
    threshold: float
    within: float
    yes_no: YesNo | None = None

    @classmethod
    def load(cls, weights: Path = WEIGHTS, file: Path = CALIBRATION) -> Calibration:
        """The calibration of those reader weights; ModelMissing when it is absent, damaged or of other weights."""
        try:
            held = json.loads(file.read_text(encoding="utf-8"))
            yes_no = YesNo(**held["yes_no"])
            fitted = cls(held["rank"], held["confidence"], float(held["threshold"]), float(held["within"]), yes_no)
        except (OSError, ValueError, KeyError, TypeError) as fault:
            raise ModelMissing(f"{file} does not load ({fault}). Make it with `{COMMAND}`.") from None
        if held.get("weights_sha256") != sha256(weights):
            raise ModelMissing(f"{file} was fitted with other reader weights. Make it again with `{COMMAND}`.")
        return fitted


def sha256(file: Path) -> str:
    """Hex digest of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


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
    """A sentence with its candidates, best first; `score` is the log of the summed exponentials of theirs: several
    good spans in one sentence speak for it."""

    sentence: Sentence
    candidates: tuple[Candidate, ...]
    score: float

    @property
    def best(self) -> Candidate:
        return self.candidates[0]


class SpanAnswerer:
    """Reads, ranks, and decides. One is enough for every asker."""

    def __init__(self, reader: Reader, calibration: Calibration) -> None:
        self._reader, self._calibration = reader, calibration

    @classmethod
    def load(cls) -> SpanAnswerer:
        """The shipped reader with its calibration; ModelMissing, naming the command that makes them."""
        return cls(Reader.load(), Calibration.load())

    def answer(self, query: str, found: Found, articles: Mapping[str, Article]) -> Draft:
        """The best span in its sentence; for why and list questions up to three sentences in the article's order."""
        fitted = self._calibration
        choices = choose(candidates(query, found, self._reader, articles), fitted.rank)
        if not choices:
            return Draft((), 0.0, None, refused=True)
        first = choices[0]
        confidence = sigmoid(dot(fitted.confidence, confidence_features(query, choices, found, articles)))
        hits = _reranked(choices, found)
        if confidence < fitted.threshold:
            return Draft((), confidence, first.sentence, refused=True, hits=hits)
        asked = asked_last(query)
        many = wants_many(asked)
        close = [c.sentence for c in choices[: 3 if many else 1] if c.score >= first.score - fitted.within]
        close.sort(key=lambda s: (s[0] != first.sentence[0], s))
        short = _verdict(asked, first, fitted, articles) if is_yes_no(asked) else _short(first, fitted, articles, many)
        return Draft(tuple(close), confidence, first.sentence, refused=False, short=short, hits=hits)


def _reranked(choices: Sequence[Choice], found: Found) -> tuple[Hit, ...]:
    """The found passages by their best sentence; those without a candidate keep their order behind the others."""
    return tuple({h.passage.id: h for h in (*(c.best.hit for c in choices), *found.hits)}.values())


def _verdict(query: str, choice: Choice, fitted: Calibration, articles: Mapping[str, Article]) -> str | None:
    sentence = articles[choice.sentence[0]].text[slice(*choice.sentence[1])]
    return fitted.yes_no.verdict(yes_no_features(query, sentence, choice.best.yes)) if fitted.yes_no else None


def _short(choice: Choice, fitted: Calibration, articles: Mapping[str, Article], many: bool) -> str:
    """The best span's text; for a list, from the first to the last of the sentence's spans that are nearly as good,
    since the reader names the items one by one."""
    floor = dot(fitted.rank, choice.best.features) - fitted.within
    spans = [c.span for c in choice.candidates if c is choice.best or (many and dot(fitted.rank, c.features) >= floor)]
    text = articles[choice.sentence[0]].text
    return text[min(a for a, _ in spans) : max(b for _, b in spans)]


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
        "elsewhere": float(sum(w in found.bm25 and w not in held for w in asked)),
        "phrases": float(sum(" " in n and n.lower().removesuffix("'s") not in text for n in names(query))),
        "ahead": min(5.0, choices[0].score - choices[1].score) if len(choices) > 1 else 5.0,
        "yes_no": float(is_yes_no(asked_last(query))),
        "many": float(wants_many(asked_last(query))),
    }


def dot(weights: Weights, values: Weights) -> float:
    """The weighted sum; a feature without a weight counts nothing, and the weights may hold a `bias`."""
    return weights.get("bias", 0.0) + sum(weights.get(name, 0.0) * value for name, value in values.items())


def sigmoid(z: float) -> float:
    """1 / (1 + e^-z), for any z without overflow.

    >>> sigmoid(0.0), sigmoid(-1e9) < 1e-300
    (0.5, True)
    """
    return 1 / (1 + math.exp(-max(-700.0, z)))
