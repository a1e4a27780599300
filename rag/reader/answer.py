"""Found passages → the span that answers, inside its sentence, and how sure that is: the trained answerer.

Which sentence answers is told by candidates.py. Whether the article answers at all is a logistic regression over the
best sentence and over which of the question's names, numbers and words stand nowhere near it (`confidence`): a reader
this small is fooled by near misses, and looking the names up is the cheapest cure. All weights, and the threshold,
stand in `calibration.json`, written by `python -m eval.calibrate_reader`, which also names the reader they were
fitted with: they mean nothing for others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rag.errors import ModelMissing
from rag.extract import Draft, Sentence, as_they_stand, is_heading
from rag.intent import is_yes_no, wants_explanation, wants_many
from rag.logistic import Weights, dot, sigmoid
from rag.reader.candidates import Choice, candidates, choose, confidence_features, read_again, reordered
from rag.reader.model import Reader
from rag.reader.weights import WEIGHTS
from rag.reader.yesno import YesNo
from rag.reader.yesno import features as yes_no_features
from rag.retrieve import Found
from rag.rewrite import asked_last
from rag.seal import sha256_of
from rag.types import Article, Hit

CALIBRATION = Path(__file__).with_name("calibration.json")
COMMAND = "python -m eval.calibrate_reader"


@dataclass(frozen=True, slots=True)
class Calibration:
    """`rank` and `confidence`: weights by feature name, the latter with a `bias`; `again`: the weight of a sentence's
    second reading beside its score; below `threshold`, a confidence, the article is said not to answer; `within`: how
    far below the best sentence's score another may be and still be quoted beside it, `within_many` where several are
    wanted."""

    rank: Weights
    confidence: Weights
    again: float
    threshold: float
    within: float
    within_many: float
    yes_no: YesNo | None = None

    @classmethod
    def load(cls, weights: Path = WEIGHTS, file: Path = CALIBRATION) -> Calibration:
        """The calibration of those reader weights; ModelMissing when it is absent, damaged or of other weights."""
        try:
            held = json.loads(file.read_text(encoding="utf-8"))
            yes_no = YesNo(**held["yes_no"])
            names = ("again", "threshold", "within", "within_many")
            again, threshold, within, within_many = (float(held[name]) for name in names)
            fitted = cls(held["rank"], held["confidence"], again, threshold, within, within_many, yes_no)
        except (OSError, ValueError, KeyError, TypeError) as fault:
            raise ModelMissing(f"{file} does not load ({fault}). Make it with `{COMMAND}`.") from None
        if held.get("weights_sha256") != sha256_of(weights):
            raise ModelMissing(f"{file} was fitted with other reader weights. Make it again with `{COMMAND}`.")
        return fitted


class SpanAnswerer:
    """Reads, ranks, and decides. One is enough for every asker."""

    def __init__(self, reader: Reader, calibration: Calibration) -> None:
        self._reader, self._calibration = reader, calibration

    def answer(self, query: str, found: Found, articles: Mapping[str, Article]) -> Draft:
        """The best span in its sentence, or a refusal with the nearest one."""
        fitted = self._calibration
        choices = choose(candidates(query, found, self._reader, articles), fitted.rank)
        if not choices:
            return Draft((), 0.0, None, refused=True)
        choices = reordered(read_again(query, choices, self._reader), fitted.again)
        first = choices[0]
        confidence = sigmoid(dot(fitted.confidence, confidence_features(query, first, found, articles)))
        hits = _reranked(choices, found)
        if confidence < fitted.threshold:
            return Draft((), confidence, first.sentence, refused=True, hits=hits)
        asked = asked_last(query)
        many = wants_many(asked)
        yes_no = is_yes_no(asked)
        short = _verdict(asked, first, fitted, articles) if yes_no else _short(first, fitted, articles, many)
        quoted = _quoted(choices, fitted, many, articles)
        sequel = _sequel(first, articles) if wants_explanation(asked) else None
        if sequel:
            quoted, short = tuple(dict.fromkeys((first.sentence, sequel, *quoted)))[:3], None
        return Draft(quoted, confidence, first.sentence, refused=False, short=short, hits=hits)


def _quoted(
    choices: Sequence[Choice], fitted: Calibration, many: bool, articles: Mapping[str, Article]
) -> tuple[Sentence, ...]:
    """The best sentence, and another where the two are nearly as good; for why and list questions up to three, in the
    article's order. A heading, which asserts nothing, is quoted where it is the best there is."""
    first = choices[0]
    floor = first.score - (fitted.within_many if many else fitted.within)
    good = [c for c in choices if c is first or not is_heading(_text(c.sentence, articles))]
    close = [c.sentence for c in good[: 3 if many else 2] if c.score >= floor]
    return tuple(as_they_stand(close, first.sentence) if many else close)


_SEQUEL = re.compile(
    r"^['\"“‘]?(?:(?:This|That|It|These|They) (?:means?|meant|refers?|involves?|includes?|describes?|consists?)\b"
    r"|In other words\b|That is,|Put simply\b|Put differently\b)"
)


def _sequel(first: Choice, articles: Mapping[str, Article]) -> Sentence | None:
    """The sentence behind the best one, where it goes on to explain it ("This means …"): then the two are the answer,
    and no span of the first is."""
    sentences = first.best.hit.passage.sentences
    after = sentences[sentences.index(first.sentence[1]) + 1 :][:1]
    explains = after and _SEQUEL.match(_text((first.sentence[0], after[0]), articles))
    return (first.sentence[0], after[0]) if explains else None


def _reranked(choices: Sequence[Choice], found: Found) -> tuple[Hit, ...]:
    """The found passages by their best sentence; those without a candidate keep their order behind the others."""
    return tuple({h.passage.id: h for h in (*(c.best.hit for c in choices), *found.hits)}.values())


def _verdict(query: str, choice: Choice, fitted: Calibration, articles: Mapping[str, Article]) -> str | None:
    assert choice.again
    values = yes_no_features(query, _text(choice.sentence, articles), choice.again.yes)
    return fitted.yes_no.verdict(values) if fitted.yes_no else None


def _text(sentence: Sentence, articles: Mapping[str, Article]) -> str:
    return articles[sentence[0]].text[slice(*sentence[1])]


def _short(choice: Choice, fitted: Calibration, articles: Mapping[str, Article], many: bool) -> str:
    """The best span's text; for a list, from the first to the last of the sentence's spans that are nearly as good,
    since the reader names the items one by one."""
    floor = dot(fitted.rank, choice.best.features) - fitted.within
    spans = [c.span for c in choice.candidates if c is choice.best or (many and dot(fitted.rank, c.features) >= floor)]
    text = articles[choice.sentence[0]].text
    return text[min(a for a, _ in spans) : max(b for _, b in spans)]
