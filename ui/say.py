"""Question and short answer → one sentence, as one says it, where the question's shape is plain; else the short answer
itself, from a capital letter to a full stop. The question's own words are put in order again, nothing is added."""

from __future__ import annotations

import re

from rag.lexical import content_words, words
from rag.types import Answer
from ui.clauses import BACK, SPEAKER, base_form, third_person

UNSURE = 0.6
"""Below this confidence an answer is marked "not certain", and its sentence is shown without a saying of ours above."""
_MOST_WORDS = 14
_ENDS = re.compile(r"[.!?…][\"'”’»)]*$")
_LOOSE = re.compile(r"\b(?:of|for|about|in|on|by|to|from|with|like|as|called|named|known|made|built|\w+ed|\w+ing)$")
_HELPERS = frozenset("is are was were do does did has have had can could will would should may might must".split())


def said(answer: Answer) -> str | None:
    """The short answer as a sentence; None where there is none, or where it is too unsure to be said in our words."""
    if not answer.short or answer.confidence < UNSURE:
        return None
    quoted = {word for c in answer.citations for word in words(c.quote)}
    stated = all(word in quoted for word in content_words(answer.question.text))
    return sentence(answer.question.text, answer.short, stated)


def sentence(question: str, short: str, stated: bool = True) -> str:
    """The short answer, said; in the question's words only where the article has `stated` them all: "56 students" is no
    answer where it counts professors.

    >>> sentence("Who founded the Boudin Bakery?", "Isidore Boudin")
    'Isidore Boudin founded the Boudin Bakery.'
    >>> sentence("how many professors did they lose", "56"), sentence("When did it open?", "in 1892")
    ('56 professors.', 'In 1892.')
    >>> sentence("Is it open?", "Yes"), sentence("What is the entry fee?", "four euros")
    ('Yes.', 'The entry fee is four euros.')
    >>> sentence("Who ordered measures to stop it?", "the president ordered the minister")
    'The president ordered the minister.'
    >>> sentence("How many students left?", "56", stated=False)
    '56.'
    """
    line = re.sub(r"\s+", " ", short).strip().rstrip(",;:—- ")
    asked = re.sub(r"\s+", " ", question).strip().rstrip("?!. ")
    whole = _ENDS.search(line) or len(line.split()) > _MOST_WORDS
    return _ended(line if whole or not stated else _recast(asked, line) or line)


def _recast(asked: str, short: str) -> str | None:
    counted = re.match(r"how many ((?:[\w-]+ )??[\w-]+s|people|men|women|children) (\S+)(.*)$", asked, re.IGNORECASE)
    if counted and re.search(r"\d$|^[a-z]+$", short, re.IGNORECASE) and " " not in short:
        return _stated(f"{short} {counted[1]}", counted[2], counted[3], asked) or f"{short} {counted[1]}"
    if subject := re.match(r"(?:who|what|which [\w-]+) (\S+)(.+)$", asked, re.IGNORECASE):
        if stated := _stated(short, subject[1], subject[2], asked):
            return stated
    if named := re.match(r"what (is|are|was|were) ((?:the|an?) .+|[A-Z]\S*)$", asked, re.IGNORECASE):
        plain = not _LOOSE.search(named[2]) and not re.search(r",| (?:that|which|who|when|if) ", named[2])
        if plain and len(named[2].split()) <= 8 and len(short.split()) <= 8 and not _leans(named[2]):
            return f"{named[2]} {named[1].lower()} {short}"
    return None


def _stated(subject: str, verb: str, rest: str, asked: str) -> str | None:
    """Subject, verb and rest, when that is what they are, and the verb is the question's only one and not the answer's
    own."""
    is_verb = verb not in _HELPERS and (base_form(verb) or third_person(verb))
    single = not any(word in _HELPERS for word in rest.split())
    single = single and verb not in subject.split()
    fits = is_verb and single and rest.strip() and not _leans(rest) and len(asked.split()) <= _MOST_WORDS
    return f"{subject} {verb}{rest}" if fits else None


def _leans(text: str) -> bool:
    return bool(BACK.search(text) or SPEAKER.search(text))


def _ended(line: str) -> str:
    first = line.split(" ", 1)[0]
    start = line[:1].upper() + line[1:] if first.islower() else line  # "iPhone" and "mRNA" stay as they are
    return start if _ENDS.search(start) else f"{start}."
