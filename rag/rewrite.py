"""Follow-up → a query that stands alone, without an LLM: carry the subject of the conversation over.

A question depends on the ones before it when it refers back ("it", "they", "there"), opens like one that goes on
("And in 2024?") or is too short to be about anything ("How many?"). Then the last question that stood on its own is
put beside it; the retriever and the reader see both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.intent import Intent, intent_of
from rag.lexical import content_words

_REFERS_BACK = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|him|his|she|her|hers|there|those|these|one|ones|that|this|the same|so|"
    r"the (?:first|second|third|last|other|others|former|latter|rest))\b(?! (?:article|story|piece|text|page|report))",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    r"^(?:and|but|or|so|then|also|what about|how about|what else|who else|where else|why)\b", re.IGNORECASE
)
_OWN_SUBJECT = re.compile(r"(?<!^)\b[A-Z][\w.]+")
"""A name, not at the start: the question is about something of its own."""


def standalone(question: str, history: Sequence[str]) -> str:
    """The query to search for: the question itself, or with the last question that stood alone before it.

    >>> standalone("Where did they go?", ["How many professors left?", "And in 2024?"])
    'How many professors left? Where did they go?'
    """
    if not history or not depends(question):
        return question
    subject = next((q for q in reversed(history) if not depends(q) and intent_of(q) is Intent.QUESTION), None)
    return f"{subject} {question}" if subject else question


def depends(question: str) -> bool:
    """Whether the question leans on what was asked before it."""
    text = question.strip()
    few = len(content_words(text)) <= 1 and not _OWN_SUBJECT.search(text)
    return bool(_GOES_ON.match(text) or few or (_REFERS_BACK.search(text) and not _names_something(text)))


def _names_something(text: str) -> bool:
    """ "Did Seoul National University say that it lost them?" refers, but to a name of its own."""
    name, pronoun = _OWN_SUBJECT.search(text), _REFERS_BACK.search(text)
    return bool(name and pronoun and name.start() < pronoun.start())
