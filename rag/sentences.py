"""Sentence boundaries with exact offsets: the grain of every citation.

Rules, not a model: a boundary is terminal punctuation, any closing quotes or brackets after it, then white space,
unless the rules below say that the full stop belongs to the word ("Rep. Seo", "U.S. firms", "No. 35", "J. K. Lee")
or that the sentence goes on ('"Why?" he asked'). A blank line always ends a sentence; so does the end of a line
that starts a list item. Where the rules are unsure they do not split: a sentence too many in a quote can still be
read, half a sentence can not.
"""

from __future__ import annotations

import re

from rag.types import Span

# Titles and the like: what follows is a name, so the full stop never ends a sentence.
_TITLES = frozenset(
    "mr mrs ms mx dr prof rep sen gov gen col lt sgt capt cpl cmdr adm maj pvt brig hon rev fr st ste sr sra mme mlle "
    "messrs pres supt amb atty insp det pfc".split()
)
# Words that need something after them: "No. 35", "Fig. 2", "vs. Spain", "pp. 4".
_LEADING = frozenset(
    "no nos fig figs vol vols ch chap sec art eq eqs p pp vs v cf al approx ca op ed eds trans e.g i.e viz".split()
)
# Words that may end a sentence: then the next word decides ("at Amata Corp. The company", "Samsung Corp. said").
_TRAILING = frozenset(
    "inc corp co ltd llc plc bros jr sr esq etc ph.d m.d b.a m.a d.c u.s u.k u.n e.u u.s.a a.m p.m est dept univ assn "
    "ave blvd rd jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun".split()
)
# Words that, with a capital letter, open a sentence rather than go on with a name: decides "the U.S. The firm".
_OPENERS = frozenset(
    "the a an this that these those it its he she they we i you his her their our my in on at by for from with as "
    "to of but and or so yet nor if when while after before since until although though because however meanwhile "
    "moreover there here what who where why how which many most some all both each every no not one two three "
    "according among despite during under over about also then now still even only such".split()
)
_CLOSE = "\"'”’»)\\]}›＂」』）】"
_OPEN = "\"'“‘«([{‹„‚「『（【¿¡—–-"
_END = re.compile(rf"(?:[.!?…]+|[。！？｡।॥؟۔]+)[{_CLOSE}]*")
_WIDE = frozenset("。！？｡")
_BREAK = re.compile(r"\n[ \t]*\n|\n(?=[ \t]*(?:[-*•·–]|\d{1,3}[.)])[ \t])")
_LIST_NUMBER = re.compile(r"[(\[]?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,4})[.)]?$")


def split_sentences(text: str) -> list[Span]:
    """Spans of the sentences of `text`, in order; between two spans there is only white space.

    >>> s = 'Rep. Seo left the U.S. in 2024. "Why?" he asked. It ranks No. 35.'
    >>> [s[a:b] for a, b in split_sentences(s)]
    ['Rep. Seo left the U.S. in 2024.', '"Why?" he asked.', 'It ranks No. 35.']
    """
    spans: list[Span] = []
    start = 0
    for block in _BREAK.finditer(text):
        spans.extend(_in_block(text, start, block.start()))
        start = block.end()
    spans.extend(_in_block(text, start, len(text)))
    return spans


def _in_block(text: str, start: int, end: int) -> list[Span]:
    """Sentences of one paragraph or list item, `text[start:end]`."""
    spans: list[Span] = []
    at = start
    for mark in _END.finditer(text, start, end):
        if _ends(text, at, mark, end):
            spans.append((at, mark.end()))
            at = mark.end()
    spans.append((at, end))
    return [s for s in (_strip(text, a, b) for a, b in spans) if s[0] < s[1]]


def _strip(text: str, start: int, end: int) -> Span:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _ends(text: str, start: int, mark: re.Match[str], end: int) -> bool:
    """Whether the punctuation at `mark` ends the sentence that began at `start`."""
    stop = mark.end()
    if stop >= end:
        return True
    if mark.group()[0] in _WIDE:
        return True  # full-width stops stand without white space after them
    if not text[stop].isspace():
        return False  # 3.5, example.com, U.S
    following = text[stop:end].lstrip()
    if not following:
        return True
    head = following.lstrip(_OPEN + " ")
    if head[:1].islower():
        return False  # '"Why?" he asked', "Yahoo! said", "approx. three"
    if mark.group() != "." or not head[:1].isalnum():
        return True  # "?", "!", "...", a full stop inside closing quotes; "$5 million" begins a sentence
    return not _belongs_to_word(text[start : mark.start()].strip(), head)


def _belongs_to_word(before: str, head: str) -> bool:
    """Whether the full stop between `before` (the sentence so far) and `head` (what follows) belongs to a word."""
    word = before.rsplit(None, 1)[-1].lstrip(_OPEN) if before else ""
    if before == word and _LIST_NUMBER.match(word):
        return True  # "1. First" at the start of a line
    lower = word.lower()
    if lower in _TITLES:
        return True
    if lower in _LEADING:
        return lower not in ("no", "nos") or head[:1].isdigit()
    opener = re.match(r"\w+", head)
    opens = opener is not None and opener.group().lower() in _OPENERS
    initial = len(word) == 1 and word.isupper()
    if initial or lower in _TRAILING or re.fullmatch(r"(?:[A-Za-z]\.)+[A-Za-z]", word):
        return not opens  # "J. K. Rowling", "Corp. Chairman"; but "vitamin C. The", "the U.S. It"
    return False
