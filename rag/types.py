"""The nouns of the path: what each step hands to the next. Frozen, and free of any library's types.

Every `start` and `end` is an offset in characters of `Article.text`, end exclusive. They are made once, in
`chunk.py`, and travel unchanged to the browser: highlights, gold evidence and citation checks all rest on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ALL = "all"
"""The scope that searches every article; an article can not take it as its id."""

REFUSAL = "The article doesn't say."
"""What a refusal says."""

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Article:
    """One text people ask about. `id` is a slug; `text` is normalised (`clean.normalise`) and never changes after."""

    id: str
    title: str
    text: str
    source: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Passage:
    """A run of whole sentences: `article.text[start:end] == text`; `sentences` are its sentence spans, in order."""

    id: str
    article_id: str
    start: int
    end: int
    text: str
    sentences: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved passage. Higher is better: `score` (fused; standard deviations above the scope's mean passage, so
    about -1 to 5) and `similarity` (cosine, best of passage and its sentences, in [-1, 1])."""

    passage: Passage
    score: float
    similarity: float


@dataclass(frozen=True, slots=True)
class Citation:
    """A verbatim quote and where it stands, in the fields of the W3C TextQuoteSelector
    (https://www.w3.org/TR/annotation-model/#text-quote-selector), so that any page can find it.
    Made by `cite.cite` alone, which asserts `article.text[start:end] == quote`."""

    number: int
    article_id: str
    start: int
    end: int
    quote: str
    prefix: str
    suffix: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asks. `history` holds the earlier questions of the conversation, oldest first;
    `article_id` is a slug, `ALL`, or None for the index's default article; `answerer` one of `QAChain.answerers`
    (`reader`, the embedded one; `llm`; `both`, to compare), or None for the configured one."""

    text: str
    history: tuple[str, ...] = ()
    article_id: str | None = None
    answerer: str | None = None


@dataclass(frozen=True, slots=True)
class Generated:
    """What is known of a language model's part in an answer, also when its words were replaced.

    `unsupported` are spans of `Answer.text`, sentences that nothing in the article supports; `removed` counts those
    left out; `dropped` are markers that named no passage, links and images; `whole` tells whether it was given all
    of the article, `given` are the spans it was given; `usage` has `seconds`, and `input_tokens` and
    `output_tokens` when the provider counts them; `fault` says why the embedded answerer spoke instead.
    """

    model: str
    unsupported: tuple[Span, ...] = ()
    removed: int = 0
    dropped: tuple[str, ...] = ()
    whole: bool = True
    given: tuple[tuple[str, Span], ...] = ()
    usage: Mapping[str, float] = field(default_factory=dict)
    cached: bool = False
    fault: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "unsupported": [list(span) for span in self.unsupported],
            "removed": self.removed,
            "dropped": list(self.dropped),
            "whole": self.whole,
            "given": [{"article": id_, "start": start, "end": end} for id_, (start, end) in self.given],
            "usage": dict(self.usage),
            "cached": self.cached,
            "fault": self.fault,
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """What the chain says. A refusal is an Answer too, never an error: `refused` is True, `citations` is empty
    and `nearest` quotes the closest sentence.

    `query` is what was searched for (the question made to stand alone); `short` the exact span, when there is
    one; `text` what is shown, with markers `[1]` that number `citations`; `confidence` is calibrated to [0, 1];
    `timings` maps a stage's name to milliseconds; `answerer` is who spoke: `reader`, `sentences`, `page` (greetings,
    summaries, what the page says of itself) or a language model's `provider:model`; then `llm` tells more. Where both
    were asked, `beside` is the embedded answerer's.
    """

    question: Question
    query: str
    text: str
    short: str | None = None
    citations: tuple[Citation, ...] = ()
    refused: bool = False
    confidence: float = 0.0
    nearest: Citation | None = None
    passages: tuple[Hit, ...] = ()
    timings: Mapping[str, float] = field(default_factory=dict)
    notice: str | None = None
    answerer: str = "page"
    llm: Generated | None = None
    beside: Answer | None = None

    def as_json(self) -> dict[str, Any]:
        """The object that `ask --json` prints and the API returns: plain types only."""
        return {
            "question": self.question.text,
            "query": self.query,
            "short": self.short,
            "text": self.text,
            "refused": self.refused,
            "confidence": round(self.confidence, 4),
            "citations": [_quoted(c) for c in self.citations],
            "nearest": _quoted(self.nearest) if self.nearest else None,
            "passages": [
                {
                    "article": h.passage.article_id,
                    "start": h.passage.start,
                    "end": h.passage.end,
                    "text": h.passage.text,
                    "rank": rank,
                }
                for rank, h in enumerate(self.passages, start=1)
            ],
            "timings_ms": {stage: round(ms, 2) for stage, ms in self.timings.items()},
            "notice": self.notice,
            "answerer": self.answerer,
            "llm": self.llm.as_json() if self.llm else None,
            "beside": self.beside.as_json() if self.beside else None,
        }


def _quoted(c: Citation) -> dict[str, Any]:
    return {
        "number": c.number,
        "article": c.article_id,
        "start": c.start,
        "end": c.end,
        "quote": c.quote,
        "prefix": c.prefix,
        "suffix": c.suffix,
    }
