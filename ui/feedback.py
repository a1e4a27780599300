"""A thumb up or down → a row of an evaluation set, in the native format of eval/questions/README.md.

Nothing is written unless RAG_FEEDBACK asks for it. A thumb up takes the answer for right; a thumb down says that the
opposite holds (an answer the article does not give, a refusal although it does), which is a guess: those rows are
tagged `to-check`, for a person to look at.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from rag.errors import StoreUnavailable
from rag.types import Answer, Citation

FILE = Path(__file__).parents[1] / "eval" / "questions" / "feedback.jsonl"


def feedback_file(environ: Mapping[str, str]) -> Path | None:
    """Where to write: None unless RAG_FEEDBACK is set; `1` names the usual file, anything else is a path."""
    wanted = environ.get("RAG_FEEDBACK", "")
    return None if wanted in ("", "0") else FILE if wanted == "1" else Path(wanted)


def row(answer: Answer, history: Sequence[str], good: bool) -> dict[str, Any]:
    """The row that one thumb makes."""
    cited = answer.citations or ((answer.nearest,) if answer.nearest else ())
    answerable = answer.refused != good and bool(cited)
    said = [answer.short] if answer.short else [c.quote for c in answer.citations]
    tags = ["feedback", "thumbs-up" if good else "thumbs-down", "dev"]
    return {
        "id": f"feedback-{secrets.token_hex(6)}",
        "question": answer.question.text.strip(),
        "answers": said if good and answerable else [],
        "answerable": answerable,
        "article": cited[0].article_id if cited else answer.question.article_id,
        "evidence": [_evidence(c) for c in cited] if answerable or not good else [],
        "history": list(history),
        "tags": tags + ([] if answerable else ["unanswerable"]) + ([] if good else ["to-check"]),
    }


def _evidence(citation: Citation) -> dict[str, Any]:
    return {"text": citation.quote, "start": citation.start, "end": citation.end}


def append(file: Path, made: Mapping[str, Any]) -> None:
    """Add one line; StoreUnavailable when the file can not be written."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock"), file.open("a", encoding="utf-8") as rows:
            rows.write(json.dumps(made, ensure_ascii=False) + "\n")
    except OSError as fault:
        raise StoreUnavailable(f"The feedback file {file} can not be written: {fault.strerror or fault}.") from None
