"""The question as it comes in → the text that the path can carry, or one clear line why not.

Trap: a lone surrogate crashes the tokenizer, and a megabyte of text costs seconds of its time.
"""

from __future__ import annotations

import re
import unicodedata

from rag.errors import BadInput
from rag.intent import BRIEFLY


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


_TEXT = r"(?:the|this) (?:article|text|story|piece|page|author)"
_ABOUT_THE_TEXT = re.compile(
    r"(?:(?<!\bis)(?<!\bare)(?<!\bwas)(?<!\bwere),? (?:that (?:is|are) |which (?:is|are) |as )?(?:described|mentioned|"
    r"stated|discussed|given|reported|cited|quoted|named|listed|told))?"
    rf",? (?:in|by|from|according to) {_TEXT}\b,?|^(?:according to|in|from) {_TEXT},? ",
    re.IGNORECASE,
)
_BRIEFLY = re.compile("^" + BRIEFLY, re.IGNORECASE)


def bare(question: str) -> str:
    """The question without what says only that the article is asked, or how briefly, and without emoji: the reader was
    trained on questions that do not know they are about an article.

    >>> bare("What is the domino effect described in the article? 🙂")
    'What is the domino effect?'
    """
    plain = "".join(c for c in question if unicodedata.category(c) != "So")
    stripped = re.sub(r" +(?=[?.!]|$)|^ +", "", _ABOUT_THE_TEXT.sub("", _BRIEFLY.sub("", plain)))
    return stripped if any(c.isalnum() for c in stripped) else question
