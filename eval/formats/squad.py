"""SQuAD 1.1 and 2.0 JSON: each title is one article, its paragraphs joined by blank lines; every question is asked
against all of it. An answer's offset is checked in its paragraph, then moved into the article."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eval.formats.faults import Faults
from eval.sets import Evidence, Example
from rag.clean import normalise
from rag.errors import BadInput
from rag.frontmatter import slug as slug_of
from rag.reader.data import CALIBRATION, REPORTED
from rag.types import Article

SQUAD_REPORT = REPORTED
"""Titles of SQuAD 2.0 dev that are kept for reporting: nothing is trained, tuned or calibrated on them.
They are tagged `report`, the other titles `dev`, and those on which the reader is not trained `calibration` too."""
_WORDS = 12


def squad(data: list[Any], path: Path, noted: Faults) -> tuple[list[Example], dict[str, Article]]:
    examples: list[Example] = []
    articles: dict[str, Article] = {}
    for t, entry in enumerate(data):
        where = f"{path}: data[{t}]"
        try:
            with noted.row():
                _title(entry, where, path, examples, articles, noted)
        except (KeyError, TypeError, AttributeError) as error:
            noted.note(f"{where}: not in SQuAD format ({type(error).__name__}: {error}).")
    return examples, articles


def _title(
    entry: dict[str, Any], where: str, path: Path, examples: list[Example], articles: dict[str, Article], noted: Faults
) -> None:
    title, paragraphs = str(entry["title"]), entry["paragraphs"]
    slug = slug_of(title.replace("_", " "), words=_WORDS)
    joined = "\n\n".join(p["context"] for p in paragraphs)
    if slug in articles:
        raise BadInput(f"{where}: the title {title!r} stands twice.")
    articles[slug] = Article(slug, title.replace("_", " "), normalise(joined), source=f"{path.name}#{title}")
    tags = ("report",) if title in SQUAD_REPORT else ("dev", "calibration") if title in CALIBRATION else ("dev",)
    base = 0
    for p, paragraph in enumerate(paragraphs):
        for q, qa in enumerate(paragraph["qas"]):
            with noted.row():
                spot = f"{where}.paragraphs[{p}].qas[{q}]"
                examples.append(_example(qa, slug, paragraph["context"], base, tags, spot))
        base += len(normalise(paragraph["context"])) + 2


def _example(qa: dict[str, Any], slug: str, context: str, base: int, tags: tuple[str, ...], where: str) -> Example:
    impossible = bool(qa.get("is_impossible", False))
    golds = {} if impossible else {(a["text"], a["answer_start"]): None for a in qa["answers"]}
    for text, start in golds:
        if context[start : start + len(text)] != text:
            raise BadInput(f"{where}: the answer {text!r} does not stand at offset {start} of its paragraph.")
    if not impossible and not golds:
        raise BadInput(f"{where}: no answers, and not marked is_impossible.")
    return Example(
        id=str(qa["id"]),
        question=str(qa["question"]),
        answers=tuple(dict.fromkeys(text for text, _ in golds)),
        answerable=not impossible,
        article=slug,
        evidence=tuple(Evidence(text, base + start, base + start + len(text)) for text, start in golds),
        tags=tags,
        where=where,
    )
