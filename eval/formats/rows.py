"""A row under whatever names its columns have → Example. The fields, and the other names they go by:

    question   user_input, input, query
    answers    answer, reference, ground_truth, ground_truths, expected_output, target
    evidence   reference_contexts; `context` too, when the row names its article
    article_text   `context` or `reference_contexts`, when it names none
    answerable     true unless it says false, or `is_impossible` says true
    id         _id, qid, question_id; without one, a hash of question, history and article

The first name that a row has is taken, the field's own before the others; `--map FIELD=COLUMN` comes before all.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from eval.formats.faults import Faults
from eval.formats.tables import TextRow
from eval.sets import Evidence, Example
from rag.clean import normalise
from rag.errors import BadInput
from rag.frontmatter import slug as slug_of
from rag.types import Article

ALIASES: dict[str, tuple[str, ...]] = {
    "id": ("_id", "qid", "question_id"),
    "question": ("user_input", "input", "query"),
    "answers": ("answer", "reference", "ground_truth", "ground_truths", "expected_output", "target"),
    "answerable": (),
    "is_impossible": (),
    "article": (),
    "article_text": (),
    "evidence": (),
    "context": ("reference_contexts",),
    "history": (),
    "tags": (),
    "split": (),
}
_WORDS = 12
"""Longer titles share their slug when they begin alike; a corpus cuts earlier, since people type those slugs."""
_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")


class Columns:
    """Which column of a row holds which field; remembers those that none does, so that no column is lost silently."""

    def __init__(self, mapping: Mapping[str, str], path: Path) -> None:
        if wrong := [field for field in mapping if field not in ALIASES]:
            raise BadInput(f"--map {wrong[0]}=…: there is no field {wrong[0]!r}. Fields: {', '.join(ALIASES)}.")
        self._mapping, self._path = mapping, path
        self._unused: Counter[str] = Counter()
        self._seen: set[str] = set()

    def fields(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row by field. Where it has two names of a field, the first counts and the other is remarked on."""
        taken: dict[str, str] = {}
        for field, aliases in ALIASES.items():
            names = (self._mapping[field],) if field in self._mapping else (field, *aliases)
            if found := next((n for n in names if n in row), None):
                taken[field] = found
        self._seen.update(row)
        self._unused.update(name for name in row if name not in taken.values())
        fields = {field: row[name] for field, name in taken.items()}
        # the project's own name asks for the project's own form; under another name a bare text is one answer
        if taken.get("answers", "answers") != "answers":
            fields["answers"] = [fields["answers"]] if isinstance(fields["answers"], str) else fields["answers"]
        return fields

    def remarks(self) -> list[str]:
        """What validation should say about the columns. BadInput when `--map` names one that no row has."""
        for field, name in self._mapping.items():
            if self._seen and name not in self._seen:
                known = ", ".join(sorted(self._seen))
                raise BadInput(f"--map {field}={name}: {self._path} has no column {name!r}. Columns: {known}.")
        return [f"the column {name!r} of {n} rows is not used" for name, n in sorted(self._unused.items())]


def native(
    rows: Iterable[tuple[str, dict[str, Any]]], columns: Columns, noted: Faults
) -> tuple[list[Example], dict[str, Article]]:
    """Each row as an Example, and the articles that the rows bring themselves."""
    examples: list[Example] = []
    articles: dict[str, Article] = {}
    for where, raw in rows:
        with noted.row():
            row = columns.fields(raw)
            examples.append(_row(_typed(row, where) if isinstance(raw, TextRow) else row, where, articles))
    return examples, articles


def _row(row: dict[str, Any], where: str, articles: dict[str, Article]) -> Example:
    row = _with_context(row, where)
    answers, history, tags = (_texts(row, key, where) for key in ("answers", "history", "tags"))
    answerable = _answerable(row, where)
    evidence = tuple(_evidence(e, where) for e in row.get("evidence") or ())
    if answerable and not answers and not evidence:
        raise BadInput(f"{where}: answerable, but with neither answers nor evidence there is nothing to score against.")
    if not answerable and answers:
        raise BadInput(f"{where}: answerable is false, but answers are given.")
    split = (_text(row, "split", where),) if row.get("split") else ()
    question = _text(row, "question", where)
    article = _article_of(row, where, articles)
    return Example(
        id=_text(row, "id", where) if "id" in row else _made_id(question, history, article),
        question=question,
        answers=answers,
        answerable=answerable,
        article=article,
        # near misses may quote what misleads; only what answers is evidence
        evidence=evidence if answerable else (),
        history=history,
        tags=tuple(dict.fromkeys(tags + split)),
        where=where,
    )


def _answerable(row: Mapping[str, Any], where: str) -> bool:
    for key in ("answerable", "is_impossible"):
        if key in row and not isinstance(row[key], bool):
            raise BadInput(f"{where}: {key} is {row[key]!r}; write true or false.")
    if "answerable" in row and "is_impossible" in row and row["answerable"] == row["is_impossible"]:
        raise BadInput(f"{where}: answerable and is_impossible contradict each other.")
    return bool(row.get("answerable", not row.get("is_impossible", False)))


def _with_context(row: dict[str, Any], where: str) -> dict[str, Any]:
    """A context is evidence when the row names its article, and the article itself when it does not."""
    if "context" not in row:
        return row
    contexts = row["context"] if isinstance(row["context"], list) else [row["context"]]
    if not contexts or not all(isinstance(c, str) and c.strip() for c in contexts):
        raise BadInput(f"{where}: context is {row['context']!r}; it must be text, or a list of texts.")
    if "article" not in row and "article_text" not in row:
        return row | {"article_text": "\n\n".join(contexts)}
    return row if row.get("evidence") else row | {"evidence": contexts}


def _article_of(row: dict[str, Any], where: str, articles: dict[str, Article]) -> str:
    """The slug a row names, or that of the text it brings, here or in an earlier row; the same text in many rows is one
    article."""
    if "article_text" not in row:
        named = _text(row, "article", where)
        return next((slug for slug, brought in articles.items() if brought.title == named), named)
    text = normalise(_text(row, "article_text", where))
    title = str(row.get("article") or "article " + hashlib.sha256(text.encode()).hexdigest()[:8])
    slug = slug_of(title, words=_WORDS)
    if slug in articles and articles[slug].text != text:
        raise BadInput(f"{where}: article {slug!r} was given another text before. Name each text differently.")
    articles.setdefault(slug, Article(id=slug, title=title, text=text, source="article_text"))
    return slug


def _made_id(question: str, history: tuple[str, ...], article: str) -> str:
    return "q-" + hashlib.sha256("\0".join((article, *history, question)).encode("utf-8", "replace")).hexdigest()[:10]


def _evidence(raw: Any, where: str) -> Evidence:
    if isinstance(raw, str):
        return Evidence(raw)
    start, end = (raw.get(key) for key in ("start", "end")) if isinstance(raw, dict) else (None, None)
    whole = all(x is None or (isinstance(x, int) and not isinstance(x, bool)) for x in (start, end))
    if not isinstance(raw, dict) or not whole or not isinstance(raw.get("text", ""), str) or not raw:
        raise BadInput(f"{where}: evidence {raw!r} is not understood: give its text, or text, start and end.")
    return Evidence(raw.get("text", ""), start, end)


def _typed(row: dict[str, Any], where: str) -> dict[str, Any]:
    """A row that came as text, with its lists and truth values made: "a | b" and '["a", "b"]' are lists."""
    typed: dict[str, Any] = {}
    for key, value in row.items():
        if key in ("answerable", "is_impossible") and isinstance(value, str):
            word = value.strip().lower()
            typed[key] = True if word in _TRUE else False if word in _FALSE else value
        elif key in ("answers", "evidence", "history", "tags") or (key == "context" and not isinstance(value, str)):
            typed[key] = [_numbers(item) for cell in _cells(value) for item in _parts(cell, key, where)]
        else:
            typed[key] = value
    return typed


def _cells(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _parts(cell: Any, key: str, where: str) -> list[Any]:
    if not isinstance(cell, str):
        return [cell]
    if cell.startswith("[") and key != "context":
        try:
            held = json.loads(cell)
        except ValueError as error:
            raise BadInput(f"{where}: {key} looks like a JSON list, but is not one ({error}).") from None
        return list(held)
    return [part.strip() for part in cell.split("|") if part.strip()]


def _numbers(item: Any) -> Any:
    """Offsets of a piece of evidence that came as text."""
    if not isinstance(item, dict):
        return item
    return {k: int(v) if k in ("start", "end") and str(v).isdigit() else v for k, v in item.items()}


def _text(row: Mapping[str, Any], key: str, where: str) -> str:
    held: Any = row.get(key)
    if not isinstance(held, str) or not held.strip():
        raise BadInput(f"{where}: {key} is {held!r}; it must be text that is not empty.")
    return held


def _texts(row: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    held = row.get(key) or []
    if not isinstance(held, list) or not all(isinstance(x, str) for x in held):
        raise BadInput(f"{where}: {key} is {held!r}; it must be a list of texts.")
    return tuple(held)
