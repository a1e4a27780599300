"""A small article, questions about it, and chains that behave, or misbehave, in one known way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from eval.sets import Evidence, Example, locate
from rag.types import Answer, Article, Citation, Hit, Passage, Question

SENTENCES = (
    "The old pier fell in 1990.",
    "It had cost 4 crowns.",
    "The new pier cost 9 crowns.",
    "Anna Berg drew it.",
    "It opened in 1994.",
    "Ferries leave from it daily.",
)
ARTICLE = Article("harbour", "The harbour", " ".join(SENTENCES))
ARTICLES = {"harbour": ARTICLE}
ABOUT = {  # question: (number of the sentence that answers it, the gold answer)
    "When did the old pier fall?": (0, "1990"),
    "What had the old pier cost?": (1, "4 crowns"),
    "What did the new pier cost?": (2, "9 crowns"),
    "Who drew the new pier?": (3, "Anna Berg"),
    "When did the new pier open?": (4, "1994"),
    "Do ferries leave from it?": (5, "yes"),
}
UNANSWERABLE = ("Who drew the old pier?", "What does the ferry cost?", "Who is the mayor?")


def examples() -> tuple[Example, ...]:
    """Six questions the article answers, q0 to q5, and three it does not, q6 to q8."""
    known = [
        Example(f"q{i}", question, (gold,), True, "harbour", (Evidence(SENTENCES[s]),))
        for i, (question, (s, gold)) in enumerate(ABOUT.items())
    ]
    unknown = [Example(f"q{i}", question, (), False, "harbour") for i, question in enumerate(UNANSWERABLE, start=6)]
    return tuple(locate(e, ARTICLES) for e in [*known, *unknown])


def span_of(sentence: int) -> tuple[int, int]:
    start = ARTICLE.text.index(SENTENCES[sentence])
    return start, start + len(SENTENCES[sentence])


def answer(question: Question, sentence: int, short: str | None = None) -> Answer:
    """The sentence, cited, with itself first and the one after it second among the retrieved passages."""
    start, end = span_of(sentence)
    quote = SENTENCES[sentence]
    hits = []
    for s in (sentence, (sentence + 1) % 6):
        a, b = span_of(s)
        hits.append(Hit(Passage(f"p{s}", "harbour", a, b, SENTENCES[s], ((a, b),)), 1.0, 1.0))
    return Answer(
        question,
        question.text,
        f"{quote} [1]",
        short,
        (Citation(1, "harbour", start, end, quote, "", ""),),
        confidence=0.9,
        passages=tuple(hits),
        timings={"read": 2.0, "total": 2.0},
    )


def refusal(question: Question) -> Answer:
    said = replace(answer(question, 5), text="The article doesn't say.", refused=True, confidence=0.1)
    return replace(said, citations=())


class Perfect:
    """Right about everything: answers what the article says, refuses the rest."""

    articles: Mapping[str, Article] = ARTICLES

    def __init__(self) -> None:
        self.asked: list[str] = []

    def invoke(self, input: Question) -> Answer:
        self.asked.append(input.text)
        if input.text not in ABOUT:
            return refusal(input)
        return answer(input, *ABOUT[input.text])


class AlwaysRefuses(Perfect):
    def invoke(self, input: Question) -> Answer:
        return refusal(input)


class AlwaysAnswers(Perfect):
    """Never refuses: what it does not know, it answers with the first sentence."""

    def invoke(self, input: Question) -> Answer:
        return answer(input, *ABOUT.get(input.text, (0, None)))


class CrashesEveryThird(Perfect):
    def invoke(self, input: Question) -> Answer:
        right = super().invoke(input)
        if len(self.asked) % 3 == 0:
            raise RuntimeError(f"out of steam at {input.text}")
        return right


class OffByOne(Perfect):
    """Right, but its quotes stand one character further on than it says."""

    def invoke(self, input: Question) -> Answer:
        right = super().invoke(input)
        return replace(right, citations=tuple(replace(c, start=c.start + 1, end=c.end + 1) for c in right.citations))


class ShuffledCitations(Perfect):
    """Right, but cites the sentence three further on, verbatim."""

    def invoke(self, input: Question) -> Answer:
        right = super().invoke(input)
        if right.refused:
            return right
        other = answer(input, (ABOUT[input.text][0] + 3) % 6)
        return replace(right, citations=other.citations)
