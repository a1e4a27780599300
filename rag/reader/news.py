"""Examples from the news questions: invented articles, asked in other words than theirs (`eval/questions`)."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

from rag.chunk import chunk
from rag.names import names, numbers
from rag.reader.examples import Count, Example, Nearest, window
from rag.reader.misses import as_verdicts
from rag.rewrite import standalone
from rag.types import Article, Span

NEWS = Path(__file__).parents[2] / "eval" / "questions" / "news-train.jsonl"
"""Invented articles with questions, written for this project."""


def news_examples(path: Path, rng: random.Random, count: Count, times: int, articles: int = 0) -> Iterator[Example]:
    """The questions of a set that brings its articles (all, or the first `articles`), put as the chain puts them. Every
    question stands on both sides equally often, or its style alone would tell ("What did it cost?" is asked where it is
    not told): what the article answers also with its passages that do not, and with the neighbours of the answering
    sentence without it; what it does not also with the sentence put in that would (`twin`). Now and then whether the
    answer, or another one, is the answer."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    texts = {row["article"]: row["article_text"] for row in rows if "article_text" in row}
    texts = dict(list(texts.items())[: articles or None])
    near = {slug: Nearest([p.text for p in chunk(Article(slug, slug, t), 128, 32, count)]) for slug, t in texts.items()}
    for row in (row for row in rows if row["article"] in texts):
        text, passages = texts[row["article"]], near[row["article"]]
        pool = names(text) + numbers(text)
        question = standalone(row["question"], row["history"])
        told = [(e["start"], e["end"]) for e in row["evidence"]]
        without = [p for p in passages.best(question, "\0", k=6) if not any(text[a:b][:60] in p for a, b in told)]
        if not told:
            if "twin" not in row:
                continue
            at, said = row["twin"]["at"], row["twin"]["text"]
            text = f"{text[:at]} {said}{text[at:]}"
            told, answer = [(at + 1, at + 1 + len(said))], row["twin"]["answer"]
        else:
            answer = row["answers"][0]
        for turn in range(times):
            sentence = told[turn % len(told)]
            example = _told(question, text, sentence, answer, rng, count)
            yield example
            if example.span:
                yield from as_verdicts(example, pool, rng)
            if turn % 2 and without:
                yield Example(question, without[turn // 2 % min(4, len(without))], None, False, source="news-other")
            elif len(told) == 1:
                passage, span = window(text, sentence, rng, count)
                assert span
                rest = re.sub(r" {2,}", " ", passage[: span[0]] + passage[span[1] :]).strip()
                if len(rest) > 40:
                    yield Example(question, rest, None, False, source="news-without")


def _told(question: str, text: str, sentence: Span, answer: str, rng: random.Random, count: Count) -> Example:
    """The question with a window round the sentence that answers it, and the answer's span, or the verdict."""
    yes = answer == "yes" if answer in ("yes", "no") else None
    at = text.find(answer, *sentence) if yes is None else -1
    span = (at, at + len(answer)) if at >= 0 else None
    passage, inside = window(text, span or sentence, rng, count)
    return Example(question, passage, inside if span else None, True, yes, source="news")
