"""A BEIR folder (corpus.jsonl, queries.jsonl, qrels/*.tsv): retrieval alone, there are no answers.

The documents become one article, each a paragraph or more of it, and every query is asked against all of them. BEIR
judges documents, this harness spans: the sentences of a relevant document are the gold spans, so that hit@k and MRR
mean the same (a passage out of the document), while recall@k counts sentences. Offsets are made here, from the
joined text itself.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from eval.formats.faults import Faults
from eval.sets import Evidence, Example, QuestionSet
from rag.clean import normalise
from rag.errors import BadInput
from rag.frontmatter import slug as slug_of
from rag.sentences import split_sentences
from rag.types import Article


def beir(folder: Path, noted: Faults) -> QuestionSet:
    """BadInput when the folder lacks one of the three parts. qrels/test.tsv is taken where there are several."""
    digest = hashlib.sha256()
    documents = {str(d["_id"]): (d, where) for where, d in _lines(folder, "corpus.jsonl", digest, noted)}
    queries = {str(q["_id"]): (q, where) for where, q in _lines(folder, "queries.jsonl", digest, noted)}
    text, spans = _joined(documents)
    slug = slug_of(folder.resolve().name, words=12)
    relevant: dict[str, list[str]] = {}
    for where, query, document, grade in _judged(folder, digest, noted):
        if query not in queries or document not in spans:
            missing = f"query {query!r}" if query not in queries else f"document {document!r}"
            noted.note(f"{where}: there is no {missing}.")
        elif grade > 0:
            relevant.setdefault(query, []).append(document)
    examples = []
    for query, judged in relevant.items():
        row, where = queries[query]
        evidence = tuple(Evidence(text[a:b], a, b) for document in judged for a, b in spans[document])
        with noted.row():
            if not str(row.get("text") or "").strip() or not evidence:
                raise BadInput(f"{where}: the query, or what is relevant to it, is empty.")
            examples.append(Example(query, str(row["text"]), (), True, slug, evidence, where=where))
    without = len(queries) - len(relevant)
    remarks = (f"{without} queries have no relevant document in the qrels: left out",) if without else ()
    return QuestionSet(tuple(examples), {slug: Article(slug, folder.name, text)}, digest.hexdigest(), remarks)


def _joined(documents: dict[str, tuple[dict[str, Any], str]]) -> tuple[str, dict[str, list[tuple[int, int]]]]:
    """The text of all documents, and the sentence spans of each."""
    parts: list[str] = []
    spans: dict[str, list[tuple[int, int]]] = {}
    base = 0
    for id_, (document, _) in documents.items():
        held = [str(document.get(key) or "").strip() for key in ("title", "text")]
        text = normalise("\n\n".join(part for part in held if part))
        if not text:
            spans[id_] = []
            continue
        spans[id_] = [(base + a, base + b) for a, b in split_sentences(text)]
        parts.append(text)
        base += len(text) + 2
    return "\n\n".join(parts), spans


def _lines(folder: Path, name: str, digest: Any, noted: Faults) -> Iterator[tuple[str, dict[str, Any]]]:
    path, raw = _read(folder, name)
    digest.update(raw)
    for number, line in enumerate(raw.decode("utf-8-sig").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            row["_id"]
        except (ValueError, KeyError, TypeError) as error:
            noted.note(f"{path}:{number}: not a line of a BEIR {name} ({type(error).__name__}: {error}).")
            continue
        yield f"{path}:{number}", row


def _judged(folder: Path, digest: Any, noted: Faults) -> Iterator[tuple[str, str, str, float]]:
    found = sorted((folder / "qrels").glob("*.tsv"))
    chosen = next((p for p in found if p.stem == "test"), found[0] if found else None)
    if chosen is None:
        raise BadInput(f"{folder} has no qrels/*.tsv: it is not a BEIR folder.")
    path, raw = _read(chosen.parent, chosen.name)
    digest.update(raw)
    for number, line in enumerate(raw.decode("utf-8-sig").splitlines(), start=1):
        cells = line.split("\t")
        if number == 1 and cells[:1] == ["query-id"]:
            continue
        try:
            query, document, grade = cells
            yield f"{path}:{number}", query, document, float(grade)
        except ValueError:
            noted.note(f"{path}:{number}: not `query-id<TAB>corpus-id<TAB>score`.")


def _read(folder: Path, name: str) -> tuple[Path, bytes]:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():
            try:
                raw = path.read_bytes()
                raw = gzip.decompress(raw) if path.suffix == ".gz" else raw
                raw.decode("utf-8-sig")
                return path, raw
            except (OSError, EOFError, UnicodeDecodeError) as error:
                raise BadInput(f"{path} can not be read: {error}.") from None
    raise BadInput(f"{folder} has no {name}: it is not a BEIR folder (corpus.jsonl, queries.jsonl, qrels/test.tsv).")
