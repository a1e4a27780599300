"""Read a set of questions → QuestionSet: native JSONL, JSON, CSV or TSV, YAML, SQuAD JSON, CoQA JSON, a BEIR folder.

    tables.py  a file of rows → (where, row), for JSONL, a JSON list, CSV, YAML
    rows.py    a row under whatever names its columns have → Example
    squad.py, coqa.py, beir.py    the formats whose rows do not stand alone

The trap that lives here is silence. A row that can not be scored would raise the mean by its absence, so nothing
is skipped: a malformed line, a doubled id, an answer that is not at its offset is a fault, and its message names
file and line. `load_set` raises at the first fault; given a list, it collects them all there (`eval validate`).
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.formats.beir import beir
from eval.formats.coqa import coqa
from eval.formats.faults import Faults
from eval.formats.rows import Columns, native
from eval.formats.squad import SQUAD_REPORT, squad
from eval.formats.tables import csv_rows, json_rows, jsonl_rows, yaml_rows
from eval.sets import Example, QuestionSet
from eval.tags import with_types
from rag.errors import BadInput

__all__ = ["SQUAD_REPORT", "load_set"]


def load_set(path: Path, mapping: Mapping[str, str] | None = None, faults: list[str] | None = None) -> QuestionSet:
    """Read a set. `mapping` says which column holds a field, before any alias: {"question": "Frage"}.

    BadInput names the file and line of the first fault; with a list `faults`, all go there instead, and what could
    be read is returned. Offsets are not looked at yet: see `sets.locate`. Rows without a question type get one.
    """
    noted = Faults(faults)
    if path.is_dir():
        if mapping:
            raise BadInput(f"{path} is a BEIR folder, whose columns have fixed names: leave --map out.")
        questions = beir(path, noted)
    else:
        questions = _file(path, dict(mapping or {}), noted)
    if not questions.examples and not noted.any:
        raise BadInput(f"{path} holds no question: give one JSON object per line, or a SQuAD-format JSON file.")
    return QuestionSet(
        tuple(with_types(e) for e in _unique(questions.examples, noted)),
        questions.articles,
        questions.sha256,
        questions.remarks,
    )


def _file(path: Path, mapping: dict[str, str], noted: Faults) -> QuestionSet:
    raw = _read(path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not UTF-8 text (byte {error.start}). Save it as UTF-8.") from None
    sha256 = hashlib.sha256(raw).hexdigest()
    data = _whole_json(text)
    if data is not None and not isinstance(data, list):
        if mapping:
            raise BadInput(f"{path} is in SQuAD or CoQA format, whose columns have fixed names: leave --map out.")
        read = coqa if any(isinstance(d, dict) and "story" in d for d in data["data"]) else squad
        examples, articles = read(data["data"], path, noted)
        return QuestionSet(tuple(examples), articles, sha256)
    columns = Columns(mapping, path)
    examples, articles = native(_rows(path, text, data, noted), columns, noted)
    return QuestionSet(tuple(examples), articles, sha256, tuple(columns.remarks()))


def _rows(path: Path, text: str, data: Any, noted: Faults) -> Any:
    name = path.name.removesuffix(".gz").lower()
    if name.endswith((".csv", ".tsv")):
        return csv_rows(text, path, "\t" if name.endswith(".tsv") else ",", noted)
    if name.endswith((".yaml", ".yml")):
        return yaml_rows(text, path)
    return jsonl_rows(text, path, noted) if data is None else json_rows(data, path, noted)


def _read(path: Path) -> bytes:
    try:
        raw = path.read_bytes()
        return gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    except FileNotFoundError:
        raise BadInput(f"There is no file {path}. Sets that come with the project are in eval/questions/.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{path} can not be read: {error}.") from None


def _whole_json(text: str) -> Any:
    """A list, or an object with a list `data`, over any number of lines; else None: JSONL fails at its second line."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        whole = json.loads(text)
    except ValueError:
        return None
    squad_like = isinstance(whole, dict) and isinstance(whole.get("data"), list)
    return whole if squad_like or isinstance(whole, list) else None


def _unique(examples: Sequence[Example], noted: Faults) -> list[Example]:
    seen: dict[str, str] = {}
    kept = []
    for e in examples:
        if e.id in seen:
            noted.note(f"{e.where}: the id {e.id!r} stands already at {seen[e.id]}. Runs are compared by id.")
            continue
        seen[e.id] = e.where
        kept.append(e)
    return kept
