"""An article that a reader brings, pasted or as a file → one of the articles that can be asked about.

It is read like any file of the corpus (rag/load.py), so its encoding is checked and menus are left out. Indexing takes
seconds, so it runs in a thread, and the page looks in on it.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import secrets
import tempfile
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from rag.errors import BadInput, RagError
from rag.sentences import split_sentences
from rag.types import Article
from ui.backend import Backend

MOST_BYTES = 2_000_000
"""Of a file or a pasted text: an article is text, and a long book takes minutes to index."""
_MOST_JOBS = 50  # that are remembered

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """How far it is: `share` in [0, 1], and the article's `slug` once it is done."""

    id: str
    line: str
    state: Literal["working", "done", "failed"] = "working"
    share: float = 0.0
    slug: str = ""


class Intake:
    """`look` takes what reader.js types: an article to take in, or the id of a job to look at."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._jobs: dict[str, Job] = {}

    def look(self, typed: str) -> Job:
        try:
            held = json.loads(typed)
            if "job" in held:
                lost = Job("", "This was lost when the chat was started again. Add the article again.", "failed")
                return self._jobs.get(held["job"], lost)
            name, title, data = str(held.get("name") or "pasted.txt"), str(held.get("title") or ""), _bytes(held)
        except (ValueError, TypeError, AttributeError):
            return Job("", "What the page sent can not be read. Add the article again.", "failed")
        except RagError as fault:
            return Job("", str(fault), "failed")
        job = Job(secrets.token_hex(8), "Reading …")
        self._jobs = {**dict(list(self._jobs.items())[-_MOST_JOBS:]), job.id: job}
        threading.Thread(target=self._work, args=(job.id, name, title, data), daemon=True).start()
        return job

    def _work(self, job: str, name: str, title: str, data: bytes) -> None:
        try:
            article = read(name, title, data, self._backend.config.max_file_mb)
            self._backend.start()
            while self._backend.chain(0.25) is None:
                self._update(job, line=self._backend.status)
            self._update(job, line=f"Indexing “{article.title}” …", share=0.05)

            def progress(what: str, done: int, total: int) -> None:
                self._update(job, line=f"{what} …", share=0.05 + 0.95 * done / total if total else 0.05)

            slug = self._backend.add_article(article.title, article.text, "", progress)
            self._update(job, line=f"“{article.title}” is ready. Ask away.", state="done", share=1.0, slug=slug)
        except RagError as fault:
            self._update(job, line=str(fault), state="failed")
        except Exception:  # the edge of a thread: told in the page and in the log, or lost
            _log.exception("An article could not be taken in")
            self._update(job, line="Something went wrong here; the terminal says more. Try again.", state="failed")

    def _update(self, job: str, **changes: Any) -> None:
        self._jobs[job] = replace(self._jobs[job], **changes)


def _bytes(held: dict[str, Any]) -> bytes:
    data = (
        base64.b64decode(held["data"]) if held.get("data") else str(held.get("text") or "").encode("utf-8", "replace")
    )
    if not data.strip():
        raise BadInput("There is no text yet. Paste the article, or choose a file.")
    if len(data) > MOST_BYTES:
        raise BadInput(
            f"That has {len(data) / 1e6:.1f} MB; the most is {MOST_BYTES / 1e6:g} MB. Add the article alone."
        )
    return data


def read(name: str, title: str, data: bytes, max_mb: float) -> Article:
    """The article in a file of that name, or its main one; BadInput says what is wrong with the file."""
    from rag.load import load_articles

    safe = re.sub(r"[^\w.-]+", "-", Path(name).name)[-80:] or "article.txt"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / safe
        file.write_bytes(data)
        try:
            article = load_articles(file, max_mb)[0]
        except BadInput as fault:
            raise BadInput(str(fault).replace(f"{folder}/", "")) from None
    named = title.strip() or (article.title if article.title != file.stem else "") or _first_words(article.text)
    return replace(article, title=re.sub(r"\s+", " ", named)[:300])


def _first_words(text: str) -> str:
    """The first sentence where it is short enough for a title, else its first words."""
    first = text[slice(*split_sentences(text)[0])]
    words = first.split()
    return first.rstrip(".") if len(words) <= 12 else " ".join(words[:9]) + " …"
