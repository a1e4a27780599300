"""Answers kept in one SQLite file, so that an evaluation can be run again without asking, or paying, again.

Only whole answers are kept, by the model's name and the exact prompt. The trap: two servers may call different models
by one name; give each its own file.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.errors import BadInput

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

_log = logging.getLogger(__name__)

Kept = tuple[str, bool, dict[str, int]]
"""(what the model said, whether a length limit cut it, tokens as the provider counted them)"""


class Cache:
    """`RAG_LLM_CACHE=FILE`, or one that keeps nothing when the path is empty. Safe to share between threads."""

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._file: sqlite3.Connection | None = None
        if not path:
            return
        try:
            self._file = sqlite3.connect(path, check_same_thread=False, timeout=30)
            self._file.execute("CREATE TABLE IF NOT EXISTS said (key TEXT PRIMARY KEY, text TEXT, cut INT, usage TEXT)")
            self._file.commit()
        except sqlite3.Error as fault:
            raise BadInput(
                f"RAG_LLM_CACHE={path} can not be used ({fault}). Name a file in a folder that can be written; it is "
                "made if it is not there."
            ) from None

    def get(self, model: str, messages: Sequence[BaseMessage]) -> Kept | None:
        """What the model once said to this prompt."""
        if self._file is None:
            return None
        key = (_key(model, messages),)
        try:
            with self._lock:
                row = self._file.execute("SELECT text, cut, usage FROM said WHERE key = ?", key).fetchone()
        except sqlite3.Error as fault:
            _log.warning("The cache of the language model can not be read (%s)", fault)
            return None
        return (row[0], bool(row[1]), json.loads(row[2])) if row else None

    def put(self, model: str, messages: Sequence[BaseMessage], said: Kept) -> None:
        if self._file is None:
            return
        text, cut, usage = said
        row = (_key(model, messages), text, int(cut), json.dumps(usage))
        try:
            with self._lock, self._file:
                self._file.execute("INSERT OR REPLACE INTO said VALUES (?, ?, ?, ?)", row)
        except sqlite3.Error as fault:  # a full disk costs the next run money, not this one its answer
            _log.warning("The cache of the language model can not be written (%s)", fault)


def _key(model: str, messages: Sequence[BaseMessage]) -> str:
    prompt = json.dumps([model, *((m.type, m.content) for m in messages)], ensure_ascii=False)
    return hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()
