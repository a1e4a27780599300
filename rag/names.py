"""Names and numbers in a text, and which of them may stand in for which: a year for a year, a name for a name."""

from __future__ import annotations

import re

_LEFT_OUT = (
    r"excluding|except(?:ing)?(?: for)?|other than|apart from|aside from|besides|not (?:including|counting)|leaving out"
)

_NAME = re.compile(r"\b(?:[A-Z][\w'’.-]*[\w]|[A-Z]{2,})(?:\s+(?:(?:of|the|de|and)\s+)?[A-Z][\w'’.-]*\w)*")
_NUMBER = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?:st|nd|rd|th)?(?![\w])")
_QUESTION_WORDS = frozenset(
    "what who whom whose when where which why how is are was were do does did can could will would should has have had "
    "the a an in on at by for from of to with according during after before name along besides aside if and but or so "
    "then".split()
)


def is_question_word(word: str) -> bool:
    """Whether a lower-case word is one that questions are made with, not one they are about."""
    return word in _QUESTION_WORDS


def names(text: str) -> list[str]:
    """Runs of capitalised words that are no sentence's or question's first word.

    >>> names("How many left Seoul National University for MIT?")
    ['Seoul National University', 'MIT']
    """
    found = []
    for match in _NAME.finditer(text):
        start, name = match.start(), match.group()
        first, _, rest = name.partition(" ")
        if is_question_word(first.lower()):
            name = rest
        elif not rest and (start == 0 or text[:start].rstrip()[-1:] in '.?!"“'):
            continue
        if name and not is_question_word(name.split()[0].lower()):
            found.append(name)
    return found


def numbers(text: str) -> list[str]:
    """Numbers and years as they stand in `text`."""
    return [m.group() for m in _NUMBER.finditer(text)]


def kind(token: str) -> str:
    """The rough type that decides what may replace what: 'year', 'number', 'acronym', 'name' or 'names'."""
    if token[0].isdigit():
        plain = token.replace(",", "")
        return "year" if re.fullmatch(r"1\d{3}|20\d\d", plain) else "number"
    if token.isupper():
        return "acronym"
    return "names" if " " in token else "name"


def left_out(question: str, sentence: str) -> bool:
    """Whether the sentence leaves out the very name that the question asks about: what it says is not about it.

    >>> left_out("How many did Yonsei lose?", "Apart from Yonsei, nine universities lost 323.")
    True
    >>> left_out("Leaving out Yonsei, how many did they lose?", "Apart from Yonsei, nine universities lost 323.")
    False
    """
    if re.search(rf"\b(?:{_LEFT_OUT}|without|leaving)\b", question, re.IGNORECASE):
        return False
    asked = {*names(f"- {question}")}
    for match in re.finditer(rf"\b(?i:{_LEFT_OUT})\s+(?:the\s+)?", sentence):
        found = _NAME.match(sentence, match.end())
        if found:
            initials = "".join(word[0] for word in found.group().split() if word[0].isupper())
            if found.group() in asked or (len(initials) > 1 and initials in asked):
                return True
    return False
