"""Question and the sentence that bears on it → "Yes", "No", or neither: never a bare guess.

A logistic regression over the reader's own verdict and over what tells a denial from a confirmation: words of the
question that the sentence lacks, negation on one side only, opposites ("public" where "private" was asked), numbers
that differ. Outside its sure ends the quote stands alone. The ends are set on held-back questions
(`eval/calibrate_reader.py`) so that nine in ten of the verdicts given there are right.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from rag.lexical import content_words, stem, words
from rag.logistic import dot, sigmoid
from rag.reader.words import OPPOSITE

_NEGATION = re.compile(
    r"\b(?:no|not|never|none|nobody|nothing|nowhere|neither|nor|without|cannot|hardly|barely|fails?|failed|lacks?|"
    r"instead of|rather than)\b|n['’]t\b",
    re.IGNORECASE,
)
FEATURES = ("bias", "yes", "lacking", "negated", "opposed", "numbers")


@dataclass(frozen=True, slots=True)
class YesNo:
    """Weights by feature name; "Yes" at or above probability `yes_at`, "No" at or below `no_at`."""

    weights: Mapping[str, float]
    yes_at: float
    no_at: float

    def verdict(self, values: Mapping[str, float]) -> str | None:
        """What `features` say, or None where that is not sure enough.

        >>> YesNo({"yes": 1.0}, 0.9, 0.1).verdict({"yes": 3.0}), YesNo({"yes": 1.0}, 0.9, 0.1).verdict({"yes": 1.0})
        ('Yes', None)
        """
        probability = sigmoid(dot(self.weights, values))
        if probability >= self.yes_at:
            return "Yes"
        return "No" if probability <= self.no_at else None


def features(question: str, sentence: str, yes: float) -> dict[str, float]:
    """`yes` is the reader's logit. The others: share of the question's words that the sentence lacks, whether just one
    of the two negates, how many words of the question have their opposite there, how many numbers it does not have.

    >>> found = features("Did pay rise in 2019?", "Pay did not fall in 2020.", 0.0)
    >>> [found[name] for name in ("negated", "opposed", "numbers")]
    [1.0, 1.0, 1.0]
    """
    asked, held = set(content_words(question)), set(words(sentence))
    return {
        "yes": yes,
        "lacking": sum(w not in held for w in asked) / len(asked) if asked else 0.0,
        "negated": float(bool(_NEGATION.search(question)) != bool(_NEGATION.search(sentence))),
        "opposed": opposed(question, sentence),
        "numbers": float(sum(w[0].isdigit() and w not in held for w in asked)),
    }


def opposed(question: str, sentence: str) -> float:
    """How many of the question's words the sentence holds as their opposite, and not themselves.

    >>> opposed("What do public schools pay?", "Private schools pay more.")
    1.0
    """
    held = set(words(sentence))
    plain = {w for w in re.findall(r"\w+", question.lower()) if w in OPPOSITE}
    return float(sum(stem(OPPOSITE[w]) in held and stem(w) not in held for w in plain))
