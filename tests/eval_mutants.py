"""A chain that knows every answer of a set, and what is left of it after one fault is planted: by the mutants' names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from eval.formats import load_set
from eval.sets import Example, locate
from rag.cite import cite, cited_text
from rag.frontmatter import from_markdown
from rag.types import Answer, Article, Hit, Passage, Question

ROOT = Path(__file__).parents[1]
SET = ROOT / "eval" / "questions" / "brain-drain.jsonl"
SLUG = "south-korea-brain-drain"


def article() -> Article:
    return from_markdown((ROOT / "corpus" / f"{SLUG}.md").read_text(encoding="utf-8"), SLUG)


def dev() -> tuple[Example, ...]:
    """The 86 dev questions on the main article, evidence located."""
    held = article()
    return tuple(locate(e, {SLUG: held}) for e in load_set(SET).examples if "dev" in e.tags)


class Oracle:
    """Answers with the gold, cites the evidence, refuses what the article does not say."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self.articles: Mapping[str, Article] = {SLUG: article()}
        self._known = {(e.question, e.history): e for e in examples}
        self.asked = 0

    def invoke(self, input: Question) -> Answer:
        self.asked += 1
        example = self._known[input.text, input.history]
        if not example.answerable:
            return Answer(input, input.text, "The article doesn't say.", refused=True, confidence=0.1)
        return self.quoting(input, example, example)

    def quoting(self, input: Question, example: Example, cited: Example) -> Answer:
        text = self.articles[SLUG]
        quotes = tuple(cite(text, e.span, n) for n, e in enumerate(cited.evidence, start=1))
        spans = [e.span for e in example.evidence]
        hits = tuple(Hit(Passage(f"p{a}", SLUG, a, b, text.text[a:b], ((a, b),)), 1.0, 1.0) for a, b in spans)
        said = cited_text(tuple(cite(text, s, n) for n, s in enumerate(spans, start=1)))
        return Answer(input, input.text, said, example.answers[0], quotes, confidence=0.9, passages=hits)

    def any_example(self) -> Example:
        return next(e for e in self._known.values() if e.answerable)


class ShuffledCitations(Oracle):
    """Each answer cites what belongs to a question half the set away."""

    def invoke(self, input: Question) -> Answer:
        right = super().invoke(input)
        if right.refused:
            return right
        known = [e for e in self._known.values() if e.answerable]
        example = self._known[input.text, input.history]
        other = known[(known.index(example) + len(known) // 2) % len(known)]
        return self.quoting(input, example, other)


class AlwaysAnswers(Oracle):
    def invoke(self, input: Question) -> Answer:
        right = super().invoke(input)
        return self.quoting(input, self.any_example(), self.any_example()) if right.refused else right


class AlwaysRefuses(Oracle):
    def invoke(self, input: Question) -> Answer:
        right = super().invoke(input)
        return replace(right, text="The article doesn't say.", short=None, citations=(), refused=True, confidence=0.1)


class OffByOne(Oracle):
    """Every quote stands one character further on than its citation says."""

    def invoke(self, input: Question) -> Answer:
        right = super().invoke(input)
        return replace(right, citations=tuple(replace(c, start=c.start + 1, end=c.end + 1) for c in right.citations))


class DropsEveryTenth(Oracle):
    def invoke(self, input: Question) -> Answer:
        right = super().invoke(input)
        return None if self.asked % 10 == 0 else right  # type: ignore[return-value]


class CrashesEveryTenth(Oracle):
    def invoke(self, input: Question) -> Answer:
        right = super().invoke(input)
        if self.asked % 10 == 0:
            raise RuntimeError("out of steam")
        return right


MUTANTS: dict[Callable[[Sequence[Example]], Oracle], str] = {
    ShuffledCitations: "citations off the evidence",
    AlwaysAnswers: "never abstains",
    AlwaysRefuses: "always abstains",
    OffByOne: "citations not verbatim",
    DropsEveryTenth: "questions dropped",
    CrashesEveryTenth: "questions raised",
}
