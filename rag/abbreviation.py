"""“What does MHC stand for?” → the words in the article whose initials it is.

Spelled out, an abbreviation stands beside its words in brackets ("magnetic resonance imaging (MRI)"), or its words are
a name somewhere in the article. Both can be checked letter by letter, which a reader of whole words can not do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from rag.extract import Draft
from rag.retrieve import Found
from rag.sentences import split_sentences
from rag.types import Article, Span

_ASKED = re.compile(
    r"what (?:does|do|did) (?:the (?:abbreviation |acronym |letters )?)?(\S+) (?:stand for|abbreviate)"
    r"|what(?:'s|’s| is|s) (?:the )?(\S+) (?:short|an? (?:abbreviation|acronym)) (?:for|of)"
    r"|what(?:'s|’s| is|s) the (?:full|long) (?:name|form) of (?:the )?(\S+)"
    r"|(?:spell out|expand) (\S+)",
    re.IGNORECASE,
)
_SMALL = frozenset("of the and for in on de la du und y".split())
_WORDS = re.compile(r"[^\W\d_](?:[\w'’-]|\.(?=\w))*")


def abbreviation_asked(question: str) -> str | None:
    """The abbreviation whose words are asked for, in capitals.

    >>> abbreviation_asked("what does mhc stand for?"), abbreviation_asked("What does she stand for?")
    ('MHC', None)
    """
    match = _ASKED.fullmatch(question.strip(" ?!."))
    letters = next((g for g in match.groups() if g), "").strip("\"'“”‘’.") if match else ""
    plain = letters.lower() in ("it", "he", "she", "they", "this", "that", "you", "we")
    return letters.upper() if 2 <= len(letters) <= 8 and letters.isalpha() and not plain else None


def spelled_out(abbreviation: str, text: str) -> Span | None:
    """Where the words of `abbreviation` stand: beside it in brackets, else the first name with its initials.

    >>> text = "A scan by magnetic resonance imaging (MRI) took place."
    >>> text[slice(*spelled_out("MRI", text))]
    'magnetic resonance imaging'
    """
    for bracket in re.finditer(rf"\(\W?{abbreviation}s?\W?\)", text):
        before = text[: bracket.start()]
        for start, end in _runs(abbreviation, before, names=False):
            if not before[end:].strip(" \"'“”‘’"):
                return start, end
    return next(_runs(abbreviation, text, names=True), None)


def _runs(abbreviation: str, text: str, names: bool) -> Iterator[Span]:
    """Runs of neighbouring words with those initials, small words ("of") skipped; capitalised ones where `names`."""
    found = [(m.start(), m.end()) for m in _WORDS.finditer(text)]
    for first in range(len(found)):
        at, letters = first, abbreviation.lower()
        while at < len(found) and letters:
            word = text[slice(*found[at])]
            if at > first and not re.fullmatch(r" " if names else r" |, ", text[found[at - 1][1] : found[at][0]]):
                break
            if word[0].lower() == letters[0] and (word[0].isupper() or not names):
                letters = letters[1:]
            elif at == first or word not in _SMALL:
                break
            at += 1
        if not letters and at - first > 1:
            yield found[first][0], found[at - 1][1]


def told_in_full(question: str, found: Found, articles: Mapping[str, Article]) -> Draft | None:
    """The words of the abbreviation that is asked for, in their sentence; a refusal where the article uses it and never
    spells it out; None for every other question, and where the article does not have it at all."""
    abbreviation = abbreviation_asked(question)
    if abbreviation is None:
        return None
    for slug in dict.fromkeys(hit.passage.article_id for hit in found.hits):
        text = articles[slug].text
        span = spelled_out(abbreviation, text)
        used = re.search(rf"\b{abbreviation}\b", text)
        place = span[0] if span else used.start() if used else None
        if place is None:
            continue
        sentence = next((slug, (a, b)) for a, b in split_sentences(text) if a <= place < b)
        if span is None:
            return Draft((), 0.0, sentence, refused=True)
        return Draft((sentence,), 1.0, sentence, refused=False, short=text[slice(*span)])
    return None
