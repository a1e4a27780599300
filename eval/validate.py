"""`python -m eval validate SET`: every fault of a set, by file and line, before a run is spent on it."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.choose import add_set, pairs
from eval.sets import Example, QuestionSet, locate
from rag.config import Config
from rag.errors import BadInput
from rag.types import Article


def arguments(parser: argparse.ArgumentParser) -> None:
    add_set(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the set as native JSONL, evidence located")


@dataclass(frozen=True, slots=True)
class Checked:
    """What is right with a set (evidence located, tags filled in), and every fault of the rest."""

    questions: QuestionSet
    examples: tuple[Example, ...]
    faults: tuple[str, ...]


def check(path: Path, mapping: Mapping[str, str], config: Config) -> Checked:
    """Read all of a set and look up its evidence. BadInput only when there is no reading it at all."""
    from eval.formats import load_set

    faults: list[str] = []
    questions = load_set(path, mapping, faults)
    examples = []
    articles = _articles(questions, config)
    for example in questions.examples:
        try:
            examples.append(locate(example, articles))
        except BadInput as fault:
            faults.append(str(fault))
    return Checked(questions, tuple(examples), tuple(faults))


def main(args: argparse.Namespace) -> int:
    found = check(args.set, pairs(args.map, "--map"), Config.from_env())
    for fault in found.faults:
        print(fault, file=sys.stderr)
    for line in summary(found):
        print(line)
    if found.faults:
        print(f"error: {len(found.faults)} faults in {args.set}", file=sys.stderr)
        return BadInput.exit_code
    if args.out:
        write(found.examples, found.questions.articles, args.out)
        print(f"written to {args.out}")
    return 0


def summary(found: Checked) -> list[str]:
    answerable = sum(e.answerable for e in found.examples)
    without = sum(e.answerable and not e.evidence for e in found.examples)
    articles = Counter(e.article for e in found.examples)
    tags = Counter(tag for e in found.examples for tag in e.tags)
    lines = [
        f"{len(found.examples)} questions are fine: {answerable} answerable, {len(found.examples) - answerable} not",
        f"articles: {_counted(articles)}",
        f"tags: {_counted(tags)}",
    ]
    if without:
        lines.append(f"{without} answerable questions have no evidence: retrieval and citation hits skip them")
    return lines + list(found.questions.remarks)


def write(examples: Sequence[Example], articles: Mapping[str, Article], path: Path) -> None:
    """The examples as native JSONL; a row whose article the set brings itself brings its text again."""
    if path.exists():
        raise BadInput(f"{path} is there already. Name another file.")
    lines = [json.dumps(native(e, articles), ensure_ascii=False) for e in examples]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def native(e: Example, articles: Mapping[str, Article]) -> dict[str, Any]:
    """One native row."""
    own = {"article_text": articles[e.article].text} if e.article in articles else {}
    return {
        "id": e.id,
        "question": e.question,
        "answers": list(e.answers),
        "answerable": e.answerable,
        "article": e.article,
        **own,
        "evidence": [{"text": x.text, "start": x.start, "end": x.end} for x in e.evidence],
        "history": list(e.history),
        "tags": list(e.tags),
    }


def _articles(questions: QuestionSet, config: Config) -> dict[str, Article]:
    from rag.build import corpus_articles

    if all(e.article in questions.articles for e in questions.examples):
        return dict(questions.articles)
    return {a.id: a for a in corpus_articles(config)} | dict(questions.articles)


def _counted(counts: Counter[str]) -> str:
    listed = [f"{name} {n}" for name, n in counts.most_common(20)]
    return ", ".join(listed) + (f", … {len(counts) - 20} more" if len(counts) > 20 else "")
