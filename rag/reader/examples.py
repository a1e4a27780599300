"""What every source of training examples shares: the example, windows of whole sentences, the most alike passages."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from rag.sentences import split_sentences
from rag.types import Span

MAX_PASSAGE = 320
"""Longest passage in word pieces that is trained on; the product's are at most 128."""
Count = Callable[[str], int]
"""Text → its word pieces."""


@dataclass(frozen=True, slots=True)
class Example:
    """A question and a passage. `span` is the answer's in the passage; None with `here` True means that only the
    verdicts are taught (BoolQ marks no span). `yes` is None where the question is no yes/no question."""

    question: str
    passage: str
    span: Span | None
    here: bool
    yes: bool | None = None
    source: str = ""


def window(context: str, answer: Span | None, rng: random.Random, count: Count) -> tuple[str, Span | None]:
    """Whole sentences of `context` round the answer (or round any sentence): its text, and the answer's span in it.

    One in ten takes the whole paragraph, the others a random number of sentences to the left and to the right.
    """
    sentences = split_sentences(context)
    if answer is None:
        first = last = rng.randrange(len(sentences))
    else:
        first = max((i for i, s in enumerate(sentences) if s[0] <= answer[0]), default=0)
        last = max(first, min((i for i, s in enumerate(sentences) if s[1] >= answer[1]), default=len(sentences) - 1))
    if rng.random() < 0.1:
        first, last = 0, len(sentences) - 1
    else:
        first, last = max(0, first - rng.randrange(4)), min(len(sentences) - 1, last + rng.randrange(4))
    start, end = sentences[first][0], sentences[last][1]
    if answer is not None:
        start, end = min(start, answer[0]), max(end, answer[1])
    if end - start > 2 * MAX_PASSAGE and count(context[start:end]) > MAX_PASSAGE and (first, last) != (0, 0):
        middle = answer or sentences[(first + last) // 2]
        inside = [s for s in sentences if s[0] >= middle[0] - 500 and s[1] <= middle[1] + 500] or [middle]
        start, end = min(inside[0][0], middle[0]), max(inside[-1][1], middle[1])
    return context[start:end], (answer[0] - start, answer[1] - start) if answer else None


def without_answer(context: str, span: Span, answer: str, rng: random.Random) -> str | None:
    """Neighbouring sentences of the same paragraph, none with the answer: what lies beside it in the article."""
    sentences = split_sentences(context)
    before = [s for s in sentences if s[1] <= span[0]]
    after = [s for s in sentences if s[0] >= span[1]]
    for side in rng.sample([before[-3:], after[:3]], 2):
        if side and answer.lower() not in (text := context[side[0][0] : side[-1][1]]).lower():
            return text
    return None


class Nearest:
    """The passages of one article by likeness (TF-IDF) to a question: what retrieval would hand the reader."""

    def __init__(self, passages: list[str]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.passages = passages
        self._all = "\n".join(passages).lower()
        self._lower = [p.lower() for p in passages]
        self._vectorizer = TfidfVectorizer(sublinear_tf=True, stop_words="english", token_pattern=r"(?u)\b\w+\b")
        self._matrix = self._vectorizer.fit_transform(passages)

    def has(self, answer: str) -> bool:
        return answer.lower() in self._all

    def around(self, context: str, answer: Span) -> tuple[str, Span] | None:
        """The article's passage that holds the answer's sentence, and the answer's span in it."""
        for reach in (60, 25):
            left, right = max(0, answer[0] - reach), min(len(context), answer[1] + reach)
            piece = context[left:right]
            for passage in self.passages:
                at = passage.find(piece)
                if at >= 0:
                    return passage, (at + answer[0] - left, at + answer[1] - left)
        return None

    def best(self, question: str, without: str, k: int) -> list[str]:
        """The k most alike passages that do not hold `without`, most alike first."""
        scores = (self._matrix @ self._vectorizer.transform([question]).T).toarray()[:, 0]
        banned = without.lower()
        order = [i for i in scores.argsort()[::-1][: k + 8] if banned not in self._lower[i] and scores[i] > 0]
        return [self.passages[i] for i in order[:k]]
