"""Raw text → articles, between `load.py` and `chunk.py`: `normalise` once, cut with `page.py`, leave out second copies.

Every offset made later refers to the text that leaves here. `Article.text` is the body: paragraphs with one blank
line between them, sub-headings as paragraphs of their own, without the title (it is metadata). The trap is a second
normalisation later on, which would move every offset behind it: nothing after this file changes a text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath

from rag.errors import BadInput
from rag.frontmatter import is_slug, slug, unique
from rag.lines import key, unwrap
from rag.page import pieces_of
from rag.types import Article

SHINGLE = 5
"""Words in a row that two texts must share to count as the same; single shared words say little."""
DUPLICATE = 0.6
"""Share of the shorter text's shingles that stand in the longer one, from which it is the same article."""
TEASER = 1.5
"""A second copy takes the first one's place when it is so many times longer: the first was its teaser."""

_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_SPACES = re.compile("[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_HIDDEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"  # controls
    "\u00ad\u180e\u200b\u200e\u200f\u2060-\u2064\ufeff"  # soft hyphen, zero width, byte order mark
    "\u202a-\u202e\u2066-\u2069\ud800-\udfff]"  # direction overrides, lone surrogates
)
_JOINERS = re.compile("(?<![^\x00-\x7f])[\u200c\u200d]+|[\u200c\u200d]+(?![^\x00-\x7f])")


def normalise(text: str) -> str:
    """Unicode NFC, `\\n` line ends, plain spaces, nothing invisible, at most one blank line; quotes and dashes stay.

    Idempotent. Joiners (U+200C, U+200D) stay between letters that are not ASCII: Persian and emoji need them.

    >>> normalise("\\ufeffA\\u00a0so\\u00adlu\\u200btion \\r\\n\\r\\n\\r\\n“B”")
    'A solution\\n\\n“B”'
    """
    text = unicodedata.normalize("NFC", _BREAKS.sub("\n", text))
    text = _SPACES.sub(" ", _HIDDEN.sub("", text))
    text = unicodedata.normalize("NFC", _JOINERS.sub("", text))  # again: what stood between two marks is gone
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n")


def articles_of(page: str, source: str, sha256: str, names: Sequence[str] = ()) -> tuple[list[Article], list[str]]:
    """The articles of a page, a text or a Markdown file (by the suffix of `source`), and remarks on what was left out.

    `names` are ids for the articles in their order; where there is none, the title's slug is taken. Raises BadInput
    for a name that is no slug, and for more names than articles.
    """
    text, path = normalise(page), PurePath(source)
    remarks: list[str] = []
    if path.suffix.casefold() in (".md", ".markdown"):
        title, body = _markdown(text)
        found = [Article("", title or path.stem, body)] if body else []
    else:
        pieces, cut = pieces_of(text, path.stem)
        found, twins = _without_duplicates([Article("", p.title, p.text, "", p.metadata) for p in pieces if p.lines])
        remarks = cut + twins
    _check(names, len(found))
    articles: list[Article] = []
    for position, article in enumerate(found, start=1):
        wanted = names[position - 1] if position <= len(names) else slug(article.title)
        name = unique(wanted, [a.id for a in articles])
        role = "main" if position == 1 else "related"
        facts = {**article.metadata, "sha256": sha256, "role": role, "position": str(position)}
        articles.append(replace(article, id=name, source=path.name, metadata=facts))
    return articles, remarks


def _check(names: Sequence[str], articles: int) -> None:
    for name in names:
        if not is_slug(name):  # it becomes a file's name
            raise BadInput(f"{name!r} can not name an article; use letters, digits and hyphens, and not 'all'.")
    if articles and len(names) > articles:
        raise BadInput(f"{len(names)} names were given for {articles} article(s); leave out the last ones.")


def _without_duplicates(found: Sequence[Article]) -> tuple[list[Article], list[str]]:
    """Keep the first of articles that are nearly the same; a teaser gives way to the full text that follows it."""
    kept, prints, remarks = list[Article](), list[_Shingles](), list[str]()
    for article in found:
        own = _shingles(article.text)
        twin = next((n for n, other in enumerate(prints) if _shared(own, other) >= DUPLICATE), None)
        if twin is None:
            kept.append(article)
            prints.append(own)
            continue
        stays, goes = kept[twin], article
        if len(goes.text) > TEASER * len(stays.text):
            stays, goes = goes, stays
            kept[twin], prints[twin] = stays, own
        share = round(100 * _shared(_shingles(goes.text, size=1), _shingles(stays.text, size=1)))
        remarks.append(f"left out: {goes.title!r} ({share}% of its words are in {stays.title!r}, which is kept)")
    return kept, remarks


_TARGET = r"(?:[^()\s]|\([^()\s]*\))+(?:\s+\"[^\"]*\")?"
"""Where a Markdown link leads: one pair of brackets may stand in the address, as in Wikipedia's."""
_Shingles = frozenset[tuple[str, ...]]


def _shingles(text: str, size: int = SHINGLE) -> _Shingles:
    """Every run of `size` words of a text, without case and punctuation; a shorter text is one run."""
    words = key(text).split()
    return frozenset(tuple(words[n : n + size]) for n in range(max(1, len(words) - size + 1)))


def _shared(one: _Shingles, other: _Shingles) -> float:
    """Which part of the smaller set stands in the larger one too, in [0, 1]; higher is more alike."""
    return len(one & other) / min(len(one), len(other))


def _markdown(text: str) -> tuple[str, str]:
    """Title (the first `# ` heading) and text of a Markdown file, marks of headings, bold type and links taken off."""
    title, fenced = "", False
    body: list[str] = []
    for line in unwrap(text).split("\n"):
        fenced ^= line.lstrip().startswith("```")
        heading = None if fenced else re.match(r"(#{1,6})[ ]+(.*?)[ ]*#*$", line)
        if heading and heading[1] == "#" and not title:
            title = _unmarked(heading[2])
            continue
        body.append(line if fenced else _unmarked(heading[2] if heading else line))
    return title, normalise("\n".join(body))


def _unmarked(line: str) -> str:
    line = re.sub(rf"!\[([^\]]*)\]\({_TARGET}\)", "", line)
    line = re.sub(rf"\[([^\]]+)\]\({_TARGET}\)", r"\1", line)
    return re.sub(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1", r"\2", line)
