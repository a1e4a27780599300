"""Questions that a passage does not answer, made from questions that it does: training's cure for near misses.

Each function takes an answerable question and gives one that asks for something else, or None where it finds nothing
to change. The trap: a change that the passage still answers teaches the reader to refuse; so what comes in must be
absent from the passage, and what goes out must stand in it.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from rag.names import is_question_word, kind, names, numbers
from rag.reader.words import OPPOSITE
from rag.types import Span

_TAIL = re.compile(
    r"\s(?:in|during|after|before|by|at|for|from|under|with|between|into|on|against|through)\s[^,?]{3,50}(?=\??$)"
)
_NEGATABLE = re.compile(r"\b(is|are|was|were|did|does|do|can|could|has|have|will|would|should)\b", re.I)


def swap_entity(question: str, passage: str, pool: Sequence[str], rng: random.Random) -> str | None:
    """The question with one of its names or numbers, found in the passage, replaced by one of the same type that the
    passage lacks.

    >>> swap_entity("How many did Yonsei lose?", "Yonsei lost 19.", ["Korea"], random.Random(0))
    'How many did Korea lose?'
    """
    lowered = passage.lower()
    old = [t for t in names(question) + numbers(question) if t.lower() in lowered]
    rng.shuffle(old)
    for token in old:
        fits = [p for p in pool if kind(p) == kind(token) and p.lower() not in lowered and p not in question]
        if fits:
            return question.replace(token, rng.choice(fits), 1)
        if kind(token) == "year":
            return question.replace(token, str(int(token) + rng.choice((-10, -3, -2, -1, 1, 2, 3, 10))), 1)
    return None


def swap_held(question: str, passage: str, evidence: Span, answer: str, rng: random.Random) -> str | None:
    """The question with a name or number of the answer's own sentence (`evidence`) replaced by one of the same type
    that the passage holds too, as often as can be outside that sentence: the near miss that looking names up can not
    tell.

    >>> swap_held("How many did Yonsei lose?", "Yonsei lost 19. Later, in Korea, …", (0, 15), "19", random.Random(0))
    'How many did Korea lose?'
    """
    said = passage[slice(*evidence)]
    rest = passage[: evidence[0]] + "\n" + passage[evidence[1] :]
    old = [t for t in names(question) + numbers(question) if t in said]
    rng.shuffle(old)
    elsewhere = [t for t in names(rest) + numbers(rest) if t not in said]
    for pool in (elsewhere, names(said) + numbers(said)):
        for token in old:
            fits = [p for p in pool if kind(p) == kind(token) and not _overlap(p, token) and not _overlap(p, answer)]
            fits = [p for p in fits if p not in question]
            if fits:
                return question.replace(token, rng.choice(fits), 1)
    return None


def _overlap(one: str, other: str) -> bool:
    return one[:4].lower() in other.lower() or other[:4].lower() in one.lower()


def swap_roles(question: str, passage: str) -> str | None:
    """The question with its two names exchanged (who beat whom), where the passage holds both and nothing joins them
    as equals.

    >>> swap_roles("When did Prussia defeat Austria?", "In 1866 Prussia defeated Austria.")
    'When did Austria defeat Prussia?'
    """
    found = [n for n in names(question) if n in passage]
    if len(found) != 2 or found[0] == found[1] or re.search(r"\b(?:and|or|between|both|with|of|in)\b", question):
        return None
    a, b = (question.find(n) for n in found)
    return question[:a] + found[1] + question[a + len(found[0]) : b] + found[0] + question[b + len(found[1]) :]


def swap_tail(question: str, passage: str, others: Sequence[str], rng: random.Random) -> str | None:
    """The question with its closing phrase ("in 1998", "during the war") taken from another question, where that
    phrase's longer words are not the passage's."""
    here = _TAIL.search(question)
    lowered = passage.lower()
    for other in rng.sample(list(others), min(8, len(others))):
        there = _TAIL.search(other)
        if not there:
            continue
        words = [w for w in re.findall(r"\w+", there.group().lower()) if len(w) > 3 or w.isdigit()]
        if words and not any(w in lowered for w in words):
            head = question[: here.start()] if here else question.rstrip("? ")
            return head + there.group() + "?"
    return None


def swap_opposite(question: str, passage: str, rng: random.Random) -> str | None:
    """The question with one word turned into its opposite, unless the passage holds the opposite too."""
    words = [m for m in re.finditer(r"\w+", question) if m.group() in OPPOSITE]
    rng.shuffle(words)
    held = set(re.findall(r"\w+", passage.lower()))
    for match in words:
        if OPPOSITE[match.group()] not in held:
            return question[: match.start()] + OPPOSITE[match.group()] + question[match.end() :]
    return None


def swap_word(
    question: str,
    passage: str,
    related: Callable[[str], Sequence[str]],
    rng: random.Random,
    evidence: Span | None = None,
) -> str | None:
    """The question with one plain word, found in the passage, replaced by a related one that the passage lacks: other
    people ("students" for "professors"), another property ("median" for "average"). With `evidence`, the answer's
    sentence, the other word must stand in the passage, but not there.

    >>> swap_word("How many nurses quit?", "Ten nurses left.", lambda word: ["doctors"], random.Random(0))
    'How many doctors quit?'
    """
    held = set(re.findall(r"\w+", passage.lower()))
    said = set(re.findall(r"\w+", passage[slice(*evidence)].lower())) if evidence else set()
    plain = (m for m in re.finditer(r"\b[a-z]{5,}\b", question) if not is_question_word(m.group()))
    words = [m for m in plain if m.group() in held]
    rng.shuffle(words)
    for match in words:
        fits = [w for w in related(match.group()) if (w in held - said if evidence else w not in held)]
        if fits:
            return question[: match.start()] + rng.choice(fits) + question[match.end() :]
    return None


_HEAD = re.compile(
    r"^(?:How (?:many|much)|What|Which) ((?:[a-z]+ )??)([a-z]{4,})(?= (?:did|does|do|was|were|is|are|has|have|had)\b)"
)
_NARROWER = (
    "foreign French Chinese German American Japanese private public military young old new local temporary "
    "permanent small large female retired former modern ancient religious unknown official independent"
).split()


def swap_counted(
    question: str, passage: str, related: Callable[[str], Sequence[str]], rng: random.Random
) -> str | None:
    """A counting question counting other things of the kind, of which the passage has none.

    >>> swap_counted("How many nurses did they hire?", "Ten were hired.", lambda word: ["doctors"], random.Random(0))
    'How many doctors did they hire?'
    """
    match = _HEAD.match(question)
    if not match or not question.startswith("How"):
        return None
    held = passage.lower()
    fits = [w for w in related(match[2]) if w[:5] not in held and w.endswith("s") == match[2].endswith("s")]
    return question[: match.start(2)] + rng.choice(fits) + question[match.end(2) :] if fits else None


def narrow(question: str, passage: str, rng: random.Random) -> str | None:
    """The question asking for a part of what it asked for, by a word that the passage lacks.

    >>> narrow("How many nurses did they hire?", "They hired ten nurses.", random.Random(0))
    'How many local nurses did they hire?'
    """
    match = _HEAD.match(question)
    plain = ("year", "years", "time", "times", "percentage", "percent", "much", "many", "name", "else", "other")
    if not match or match[2] in plain or is_question_word(match[1].strip() or match[2]):
        return None
    held = passage.lower()
    fits = [w for w in _NARROWER if w.lower()[:5] not in held]
    return f"{question[: match.start(1)]}{rng.choice(fits)} {question[match.start(1) :]}" if fits else None


def negate(question: str, rng: random.Random) -> str | None:
    """The question with "not" or "never" behind its auxiliary: who did not, what was never."""
    match = _NEGATABLE.search(question)
    if not match or "not" in question or "n't" in question:
        return None
    word = match.group().lower()
    if word in ("is", "are", "was", "were", "did", "does", "do") and rng.random() < 0.5:
        return question[: match.end()] + "n't" + question[match.end() :]
    subject = re.match(r"(?:\s+(?:the\s+)?\w+)", question[match.end() :])
    at = match.end() + (subject.end() if subject and word in ("did", "does", "do", "can", "could", "would") else 0)
    return question[:at] + rng.choice((" not", " never")) + question[at:]
