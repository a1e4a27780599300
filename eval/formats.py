"""Read a set of questions: native JSONL or SQuAD JSON, gzip allowed → QuestionSet.

The trap that lives here is silence. A row that can not be scored would raise the mean by its absence, so nothing
is skipped: a malformed line, a doubled id, an answer that is not at its offset is BadInput, and the message names
file and line.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.sets import Evidence, Example, QuestionSet
from rag.clean import normalise
from rag.errors import BadInput
from rag.frontmatter import slug as slug_of
from rag.types import Article

SQUAD_REPORT = frozenset(
    "Force Harvard_University Huguenot Islamism Normans Packet_switching Steam_engine Warsaw".split()
)
"""Titles of SQuAD 2.0 dev that are kept for reporting: nothing is trained, tuned or calibrated on them.
They are tagged `report`, the other titles `dev`."""
_WORDS = 12
"""Longer titles share their slug when they begin alike; a corpus cuts earlier, since people type those slugs."""


def load_set(path: Path) -> QuestionSet:
    """Read a set; BadInput names the file and line of the first fault. Offsets are not looked at yet: see `locate`."""
    raw = _read(path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8 text (byte {error.start}). Save it as UTF-8.") from None
    if _looks_like_squad(text):
        examples, articles = _squad(json.loads(text), path)
    else:
        examples, articles = _native(text, path)
    if not examples:
        raise BadInput(f"{path} holds no question: give one JSON object per line, or a SQuAD-format JSON file.")
    _unique(examples)
    return QuestionSet(tuple(examples), articles, hashlib.sha256(raw).hexdigest())


def _read(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except FileNotFoundError:
        raise BadInput(f"There is no file {path}. Sets that come with the project are in eval/questions/.") from None
    except (OSError, EOFError) as error:
        raise BadInput(f"{path} can not be read: {error}.") from None


def _looks_like_squad(text: str) -> bool:
    """One JSON object with a list `data`, over any number of lines; JSONL fails to parse at its second line."""
    try:
        whole = json.loads(text)
    except ValueError:
        return False
    return isinstance(whole, dict) and isinstance(whole.get("data"), list)


def _native(text: str, path: Path) -> tuple[list[Example], dict[str, Article]]:
    examples: list[Example] = []
    articles: dict[str, Article] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            raise BadInput(f"{where}: not JSON ({error}). A set has one JSON object per line.") from None
        if not isinstance(row, dict):
            raise BadInput(f"{where}: a {type(row).__name__}, not an object. A set has one JSON object per line.")
        examples.append(_row(row, where, articles))
    return examples, articles


def _row(row: dict[str, Any], where: str, articles: dict[str, Article]) -> Example:
    answers, history, tags = (_texts(row, key, where) for key in ("answers", "history", "tags"))
    answerable = row.get("answerable", True)
    if not isinstance(answerable, bool):
        raise BadInput(f"{where}: answerable is {answerable!r}; write true or false.")
    evidence = tuple(_evidence(e, where) for e in row.get("evidence") or ())
    if answerable and not answers and not evidence:
        raise BadInput(f"{where}: answerable, but with neither answers nor evidence there is nothing to score against.")
    if not answerable and answers:
        raise BadInput(f"{where}: answerable is false, but answers are given.")
    split = (_text(row, "split", where),) if row.get("split") else ()
    return Example(
        id=_text(row, "id", where),
        question=_text(row, "question", where),
        answers=answers,
        answerable=answerable,
        article=_article_of(row, where, articles),
        # near misses may quote what misleads; only what answers is evidence
        evidence=evidence if answerable else (),
        history=history,
        tags=tuple(dict.fromkeys(tags + split)),
        where=where,
    )


def _article_of(row: dict[str, Any], where: str, articles: dict[str, Article]) -> str:
    """The slug a row names, or that of the text it brings; the same text in many rows is one article."""
    if "article_text" not in row:
        return _text(row, "article", where)
    text = normalise(_text(row, "article_text", where))
    title = str(row.get("article") or "article " + hashlib.sha256(text.encode()).hexdigest()[:8])
    slug = slug_of(title, words=_WORDS)
    if slug in articles and articles[slug].text != text:
        raise BadInput(f"{where}: article {slug!r} was given another text before. Name each text differently.")
    articles.setdefault(slug, Article(id=slug, title=title, text=text, source="article_text"))
    return slug


def _evidence(raw: Any, where: str) -> Evidence:
    if isinstance(raw, str):
        return Evidence(raw)
    start, end = (raw.get(key) for key in ("start", "end")) if isinstance(raw, dict) else (None, None)
    whole = all(x is None or (isinstance(x, int) and not isinstance(x, bool)) for x in (start, end))
    if not isinstance(raw, dict) or not whole or not isinstance(raw.get("text", ""), str) or not raw:
        raise BadInput(f"{where}: evidence {raw!r} is not understood: give its text, or text, start and end.")
    return Evidence(raw.get("text", ""), start, end)


def _squad(data: dict[str, Any], path: Path) -> tuple[list[Example], dict[str, Article]]:
    """Each title is one article, its paragraphs joined by blank lines; every question is asked against all of it."""
    examples: list[Example] = []
    articles: dict[str, Article] = {}
    for t, entry in enumerate(data["data"]):
        where = f"{path}: data[{t}]"
        try:
            title, paragraphs = str(entry["title"]), entry["paragraphs"]
            slug = slug_of(title.replace("_", " "), words=_WORDS)
            joined = "\n\n".join(p["context"] for p in paragraphs)
            if slug in articles:
                raise BadInput(f"{where}: the title {title!r} stands twice.")
            articles[slug] = Article(slug, title.replace("_", " "), normalise(joined), source=f"{path.name}#{title}")
            tags = ("report" if title in SQUAD_REPORT else "dev",)
            base = 0
            for p, paragraph in enumerate(paragraphs):
                for q, qa in enumerate(paragraph["qas"]):
                    spot = f"{where}.paragraphs[{p}].qas[{q}]"
                    examples.append(_squad_example(qa, slug, paragraph["context"], base, tags, spot))
                base += len(normalise(paragraph["context"])) + 2
        except (KeyError, TypeError, AttributeError) as error:
            raise BadInput(f"{where}: not in SQuAD format ({type(error).__name__}: {error}).") from None
    return examples, articles


def _squad_example(
    qa: dict[str, Any], slug: str, context: str, base: int, tags: tuple[str, ...], where: str
) -> Example:
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


def _unique(examples: Sequence[Example]) -> None:
    seen: dict[str, str] = {}
    for e in examples:
        if e.id in seen:
            raise BadInput(f"{e.where}: the id {e.id!r} stands already at {seen[e.id]}. Runs are compared by id.")
        seen[e.id] = e.where


def _text(row: dict[str, Any], key: str, where: str) -> str:
    held: Any = row.get(key)
    if not isinstance(held, str) or not held.strip():
        raise BadInput(f"{where}: {key} is {held!r}; it must be text that is not empty.")
    return held


def _texts(row: dict[str, Any], key: str, where: str) -> tuple[str, ...]:
    held = row.get(key) or []
    if not isinstance(held, list) or not all(isinstance(x, str) for x in held):
        raise BadInput(f"{where}: {key} is {held!r}; it must be a list of texts.")
    return tuple(held)
