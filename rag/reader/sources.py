"""Examples from the sources beside SQuAD that mark spans or verdicts: QAMR, QED and BoolQ."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rag.reader.examples import Count, Example, Nearest, window, without_answer
from rag.types import Span


def read_lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def qamr_examples(path: Path, rng: random.Random, share: float) -> Iterator[Example]:
    for row in read_lines(path):
        if rng.random() < share:
            gold = min(row["answers"], key=lambda a: abs(len(a["text"]) - 12))
            span = (gold["start"], gold["start"] + len(gold["text"]))
            yield Example(row["question"], row["context"], span, True, source="qamr")


def qed_examples(path: Path, rng: random.Random, count: Count, times: int) -> Iterator[Example]:
    """Real search questions; a paragraph of another row, as alike as can be, is the passage that does not answer."""
    rows = read_lines(path)
    near = Nearest([untokenise(r["context"], (0, 1))[0] for r in rows])
    for row in rows:
        gold = min(row["answers"], key=lambda a: len(a["text"]))
        if len(gold["text"]) > 100:
            continue
        context, span = untokenise(row["context"], (gold["start"], gold["start"] + len(gold["text"])))
        for _ in range(times):
            text, at = window(context, span, rng, count)
            yield Example(row["question"], text, at, True, source="qed")
        if rng.random() < 0.5:
            for other in near.best(row["question"], without=context[slice(*span)], k=1):
                yield Example(row["question"], window(other, None, rng, count)[0], None, False, source="qed-other")
        rest = without_answer(context, span, context[slice(*span)], rng)
        if rest and rng.random() < 0.3:
            yield Example(row["question"], rest, None, False, source="qed-same")


def boolq_examples(rows: list[dict[str, Any]], rng: random.Random) -> Iterator[Example]:
    """Yes/no questions with their passage, and with the most alike passage of another row."""
    near = Nearest([r["passage"][:1000] for r in rows])
    for row in rows:
        yield Example(row["question"], row["passage"][:1000], None, True, bool(row["answer"]), "boolq")
        others = [p for p in near.best(row["question"], without="\0", k=3) if p != row["passage"][:1000]]
        if others and rng.random() < 0.6:
            yield Example(row["question"], others[0], None, False, source="boolq-other")


def boolq_rows(path: Path, held_back: bool) -> list[dict[str, Any]]:
    """Three quarters train, one quarter (by title, so that no passage is in both) measures the yes/no head."""
    return [r for r in read_lines(path) if (sum(r["title"].encode()) % 4 == 0) == held_back]


def untokenise(text: str, span: Span) -> tuple[str, Span]:
    """Tokenised text ("1812 , the U.S. 's") as people write it, and `span` moved along."""
    text, span = _replaced(text, span, r" (?=[.,;:!?)\]%]|'s\b|n't\b|'re\b)|(?<=[(\[$]) ", "")
    text, span = _replaced(text, span, r" ?-- ?", "–")
    return _replaced(text, span, r"``|''", '"')


def _replaced(text: str, span: Span, pattern: str, by: str) -> tuple[str, Span]:
    start, end = span
    for match in reversed(list(re.finditer(pattern, text))):
        change = len(by) - len(match.group())
        text = text[: match.start()] + by + text[match.end() :]
        start += change if match.end() <= start else 0
        end += change if match.end() <= end else 0
    return text, (start, end)
