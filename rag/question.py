"""The question as it comes in → the text that the path can carry, or one clear line why not.

Trap: a lone surrogate crashes the tokenizer, and a megabyte of text costs seconds of its time.
"""

from __future__ import annotations

import re
import unicodedata

from rag.errors import BadInput


def clean_question(text: str, max_chars: int) -> str:
    """One line of NFC text without control characters; raises BadInput for none, too much, or no word at all.

    >>> clean_question("  Who\\x00 left\\n Seoul? ", 100)
    'Who left Seoul?'
    """
    if len(text) > max_chars:
        raise BadInput(
            f"The question has {len(text):,} characters; the longest one taken is {max_chars:,}. Ask about one thing "
            "at a time, or raise RAG_MAX_QUESTION_CHARS."
        )
    kept = "".join(
        " " if c.isspace() else c
        for c in text
        if c.isspace() or unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co")
    )
    line = re.sub(r" +", " ", unicodedata.normalize("NFC", kept)).strip()
    if not line:
        raise BadInput("The question is empty. Type what you want to know about the article.")
    if not any(c.isalnum() for c in line):
        raise BadInput(f"The question {line[:40]!r} holds no word to look for. Type what you want to know in words.")
    return line
