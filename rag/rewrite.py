"""Follow-up → queries that stand alone, without an LLM: carry the subject of the conversation over.

A question leans on the ones before it when it opens like one that goes on ("And in 2024?"), is too short to be about
anything ("How many?") or refers back ("it", "they", "there"). Two ways to make it whole: put the last question that
stood on its own before it, or, where it only names another year, number or name ("And Yonsei?"), put that in its
place in the earlier question. The trap of the first way: the earlier question is answered again. So where the second
way applies it is the only one, since reading both would find an answer to what nobody asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag.intent import Intent, intent_of
from rag.lexical import content_words
from rag.names import is_question_word, kind, names, numbers

_REFERS_BACK = re.compile(
    r"\b(?:it|its|they|them|their|theirs|he|him|his|she|her|hers|there|those|these|one|ones|that|this|the same|so|"
    r"the (?:first|second|third|last|other|others|former|latter|rest))\b(?! (?:article|story|piece|text|page))",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    r"^(?:and|but|or|so|then|also|what about|how about|what else|who else|where else)\b", re.IGNORECASE
)
_OWN_SUBJECT = re.compile(r"(?<!^)\b[A-Z][\w.]+")
"""A name, not at the start: the question is about something of its own."""
_FILLER = frozenset("about it its that this them they same figure number one ones else year years".split())
_PHRASE = re.compile(r"(?:in|from|at|for|to|by|during|since|of|with|until|before|after|between|on)\b", re.IGNORECASE)


def queries(question: str, history: Sequence[str]) -> list[str]:
    """What to search for, each standing alone, the most trusted first; the caller reads all and keeps the surest.

    >>> queries("Where did they go?", ["How many professors left?"])
    ['How many professors left? Where did they go?']
    >>> queries("And in 2024?", ["How much did it cost in 2019?"])
    ['How much did it cost in 2024?']
    """
    leaning = leans(question)
    subjects = _subjects(history) if leaning else []
    if not subjects:
        return [question]
    exchanged = exchange(subjects[0], question)
    if exchanged:
        return [exchanged]
    joined = [f"{subject} {question}" for subject in subjects]
    return joined if leaning > 1 else [*joined, question]


def standalone(question: str, history: Sequence[str]) -> str:
    """The query trusted most: what is shown as searched for before anything is read."""
    return queries(question, history)[0]


def asked_last(query: str) -> str:
    """The question itself, behind the one that was put before it: what kind of answer is wanted, it alone tells.

    >>> asked_last("Are fees frozen? Why?")
    'Why?'
    """
    return query.rpartition("? ")[2].strip() or query


def leans(question: str) -> int:
    """How much the question leans on what was asked before it: 2 it says nothing alone, 1 it may, 0 it does not.

    >>> leans("Why?"), leans("Why do people prefer to stay where they are?"), leans("Who leads KAIST?")
    (2, 1, 0)
    """
    text = question.strip()
    words = content_words(text)
    own = bool(_OWN_SUBJECT.search(text))
    if _GOES_ON.match(text) or (len(words) <= 1 and not own):
        return 2
    if _REFERS_BACK.search(text) and not _names_something(text):
        return 2 if len(words) <= 2 and not own else 1
    return 1 if len(words) <= 2 and not own else 0


def _subjects(history: Sequence[str]) -> list[str]:
    """The last question that stood on its own, with what later follow-ups exchanged in it (after "… in 2019?" and "And
    in 2024?" the conversation is about 2024); before it a later one that may have."""
    subject = later = None
    for asked in history:
        if intent_of(asked) is not Intent.QUESTION:
            continue
        leaning = leans(asked)
        if subject is None or not leaning:
            subject, later = asked, None
        elif leaning == 1:
            later = asked
        else:
            subject = exchange(subject, asked) or subject
    return [q for q in (later, subject) if q]


def exchange(previous: str, question: str) -> str | None:
    """`previous` with the only name or number of `question` put in the place of one of its own, or, where that comes
    with a preposition which `previous` lacks, added to it; None where the question asks for more than that.

    >>> exchange("How many professors has Seoul National University lost?", "And Yonsei?")
    'How many professors has Yonsei lost?'
    >>> exchange("How many tenants does Amata have?", "And from Japan?")
    'How many tenants does Amata have from Japan?'
    >>> exchange("How many professors left?", "Did Yonsei pay them?") is None
    True
    """
    asked = names(f"- {question}") + numbers(question)
    if len(asked) != 1:
        return None
    new = asked[0]
    before, _, after = question.partition(new)
    rest = re.findall(r"\w+", f"{before} {after}".lower())
    if any(not is_question_word(w) and w not in _FILLER for w in rest):
        return None
    there = [t for t in names(previous) + numbers(previous) if _alike(t, new)]
    there.sort(key=lambda t: kind(t) != kind(new))
    phrase = _PHRASE.fullmatch(before.split()[-1]) if before.split() else None
    if phrase:
        led = [t for t in there if re.search(rf"\b{phrase.group()} (?:the )?{re.escape(t)}", previous, re.IGNORECASE)]
        there = led or ([t for t in there if kind(t) == "year"] if kind(new) == "year" else [])
        if not there:
            return f"{previous.rstrip('? ')} {phrase.group().lower()} {new}?"
    return previous.replace(there[0], new, 1) if there and there[0] != new else None


def _alike(one: str, other: str) -> bool:
    return kind(one) == kind(other) if one[0].isdigit() or other[0].isdigit() else True


def _names_something(text: str) -> bool:
    """ "Did Seoul National University say that it lost them?" refers, but to a name of its own."""
    name, pronoun = _OWN_SUBJECT.search(text), _REFERS_BACK.search(text)
    return bool(name and pronoun and name.start() < pronoun.start())
