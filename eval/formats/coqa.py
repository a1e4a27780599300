"""CoQA JSON: each story is one article, each turn one question with the earlier ones as its history.

A turn answered "unknown" is not answerable. The free-form answer is the first gold, the other annotators' follow;
the evidence is the span that the first annotator marked.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eval.formats.faults import Faults
from eval.sets import Evidence, Example
from rag.clean import normalise
from rag.errors import BadInput
from rag.frontmatter import slug as slug_of
from rag.types import Article

UNKNOWN = "unknown"


def coqa(data: list[Any], path: Path, noted: Faults) -> tuple[list[Example], dict[str, Article]]:
    examples: list[Example] = []
    articles: dict[str, Article] = {}
    for s, story in enumerate(data):
        where = f"{path}: data[{s}]"
        try:
            with noted.row():
                _story(story, where, examples, articles, noted)
        except (KeyError, TypeError, AttributeError) as error:
            noted.note(f"{where}: not in CoQA format ({type(error).__name__}: {error}).")
    return examples, articles


def _story(
    story: dict[str, Any], where: str, examples: list[Example], articles: dict[str, Article], noted: Faults
) -> None:
    slug = slug_of(str(story["id"]), words=12)
    if slug in articles:
        raise BadInput(f"{where}: the story {story['id']!r} stands twice.")
    questions, answers = story["questions"], story["answers"]
    if len(questions) != len(answers):
        raise BadInput(f"{where}: {len(questions)} questions but {len(answers)} answers.")
    articles[slug] = Article(
        slug, str(story.get("filename") or story["id"]), normalise(story["story"]), f"{where}.story"
    )
    asked: list[str] = []
    for q, (question, answer) in enumerate(zip(questions, answers, strict=True)):
        others = [more[q] for more in (story.get("additional_answers") or {}).values() if q < len(more)]
        with noted.row():
            turn = f"{where}.questions[{q}]"
            examples.append(_turn(question, answer, others, story, slug, tuple(asked), turn))
        asked.append(str(question["input_text"]))


def _turn(
    question: dict[str, Any], answer: dict[str, Any], others: list[dict[str, Any]], story: dict[str, Any], slug: str,
    history: tuple[str, ...], where: str,
) -> Example:  # fmt: skip
    said = [str(a["input_text"]).strip() for a in (answer, *others)]
    answerable = said[0].lower() != UNKNOWN
    golds = tuple(dict.fromkeys(a for a in said if a and a.lower() != UNKNOWN)) if answerable else ()
    start, end = int(answer["span_start"]), int(answer["span_end"])
    evidence: tuple[Evidence, ...] = ()
    if answerable and 0 <= start < end:
        span = story["story"][start:end]
        if span.strip() != str(answer["span_text"]).strip():
            raise BadInput(f"{where}: the span {answer['span_text']!r} does not stand at offset {start} of the story.")
        start += len(span) - len(span.lstrip())
        evidence = (Evidence(span.strip(), start, start + len(span.strip())),)
    if answerable and not golds and not evidence:
        raise BadInput(f"{where}: neither an answer nor a span.")
    return Example(
        id=f"{story['id']}-{question['turn_id']}",
        question=str(question["input_text"]),
        answers=golds,
        answerable=answerable,
        article=slug,
        evidence=evidence,
        history=history,
        where=where,
    )
