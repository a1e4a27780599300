"""Lines of a saved page → its articles, by structure alone; `clean.py` asks, `lines.py` says what each line is.

An article begins at a title block: a short line that stands there twice, or one above a byline or a time. The trap is
cutting too much, which nobody sees: a text without any such sign is taken whole, what is unclear stays, and whatever
goes is told in the remarks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from rag.lines import Line, byline, count_words, ends_sentence, is_item, is_name, key, lines_of

SMALL_WORDS, SMALL_SHARE = 40, 0.1
"""A piece is small below both: this many words, and this share of the largest piece of the page."""
TEASER_WORDS = 25
"""With a title block, a small piece is an article from this many words; below, a link to another page."""
MENU_LINES, MENU_SHARE = 4, 0.2
"""So many short lines at the top of a page, with less than this share of its words, are its menu."""
BLOCK_LINES = 40
"""A title block stands so near its text; also, lines are compared in pairs, and a table can have 20,000 of them."""

_COMMENTS = re.compile(
    r"^(?:\d+ |leave an? |post an? |join the )?(?:comments?|repl(?:y|ies)|responses|discussion)(?: \d+)?$"
)


@dataclass(slots=True)
class Piece:
    """An article in the making. `proved`: it began with a title block, so being small does not make it clutter."""

    title: str
    proved: bool
    metadata: dict[str, str] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)

    @property
    def words(self) -> int:
        return sum(line.words for line in self.lines)

    @property
    def text(self) -> str:
        """Paragraphs with a blank line between; short lines that stood together (a list, verse) stay together."""
        text = ""
        for before, line in zip([None, *self.lines], self.lines, strict=False):
            together = before is not None and not line.gap and not before.body and not line.body
            text += ("\n" if together else "\n\n") + line.text
        return text.lstrip("\n")


@dataclass(frozen=True, slots=True)
class _Block:
    """A title block in a run of short lines: lines before `start` belong to what came before, after `end` to the
    text (a standfirst)."""

    title: str
    start: int
    end: int
    metadata: dict[str, str]


def pieces_of(text: str, stem: str) -> tuple[list[Piece], list[str]]:
    """Cut a normalised text into articles, in the page's order; remarks say which lines belong to none.

    `stem` is the title of a text that brings none.
    """
    lines, remarks = _without_comments(lines_of(text))
    runs = [list(run) for _, run in groupby(lines, key=lambda line: line.body)]
    # a run at the very end has no text below it: it can not begin an article
    blocks = [None if run[0].body or run is runs[-1] else _block(run, first=run is runs[0]) for run in runs]
    if not any(blocks) and not _opens_with_menu(runs):
        return [_whole(lines, stem)], remarks
    pieces, furniture = _cut(runs, blocks, stem)
    for piece in pieces:
        furniture += _trim(piece)
    dropped = [line.text for line in furniture]
    largest = max(piece.words for piece in pieces)
    kept = [p for p in pieces if (p.proved and p.words >= TEASER_WORDS) or not _small(p.words, largest)]
    for piece in pieces:
        if piece not in kept:
            dropped += [] if piece.title == stem else [piece.title]
            dropped += [line.text for line in piece.lines]
    return kept, remarks + ([_remark(dropped)] if dropped else [])


def _opens_with_menu(runs: Sequence[Sequence[Line]]) -> bool:
    """Whether a page begins with a menu: many lines, of few words, and little beside the text. Verse is not so."""
    if len(runs) < 2 or len(runs[0]) < MENU_LINES or any(line.body or is_item(line.text) for line in runs[0]):
        return False
    words = sum(line.words for line in runs[0][:-1])  # the last line is the title
    rest = sum(line.words for run in runs[1:] for line in run)
    return words <= 3 * len(runs[0]) and words < MENU_SHARE * rest


def _cut(runs: Sequence[list[Line]], blocks: Sequence[_Block | None], stem: str) -> tuple[list[Piece], list[Line]]:
    """Deal the runs out to pieces, a new one at each title block; return the lines of blocks that are no text, too."""
    pieces, dropped = [Piece(stem, proved=False)], list[Line]()
    for run, block in zip(runs, blocks, strict=True):
        if block:
            pieces[-1].lines += run[: block.start]
            below = run[block.end :]
            text = [line for line in below if line.words >= 4 or is_item(line.text) or ends_sentence(line.text)]
            dropped += [line for line in below if line not in text]
            pieces.append(Piece(block.title, True, block.metadata, text))
        elif run is runs[0] and _opens_with_menu(runs):
            pieces[-1].title = run[-1].text
            dropped += run[:-1]
        elif run is runs[0] and not run[0].body and not is_item(run[0].text):
            pieces[-1].title = run[0].text
            pieces[-1].lines += run[1:]
        else:
            pieces[-1].lines += run
    return pieces, dropped


def _small(words: int, of: int) -> bool:
    return words == 0 or (words < SMALL_WORDS and words < SMALL_SHARE * of)


def _whole(lines: list[Line], stem: str) -> Piece:
    """A text without any sign of a page: all of it, under its first line if that can be a title."""
    titled = len(lines) > 1 and not lines[0].body and lines[0].words <= 20 and not is_item(lines[0].text)
    if titled:
        return Piece(lines[0].text, False, {}, lines[1:])
    return Piece(stem, False, {}, lines)


def _block(run: Sequence[Line], first: bool) -> _Block | None:
    """The title block of a run of short lines, if there is one among its last lines."""
    skipped = max(0, len(run) - BLOCK_LINES)
    run = run[skipped:]
    keys = [key(line.text) for line in run]
    facts = [byline(line.text) for line in run]
    at = _title(run, keys, facts, least=1 if first else 3)
    if at is None:
        return None
    same = [n for n, k in enumerate(keys) if _same(k, keys[at])]
    last = max([*same, *(n for n, fact in enumerate(facts) if fact and n > at)])
    metadata: dict[str, str] = {}
    for n in range(at + 1, last + 1):
        if n not in same:
            fact = facts[n] or ({"publisher": run[n].text} if is_name(run[n].text) else {})
            metadata = {**fact, **metadata}  # the first that tells wins
    return _Block(run[at].text, skipped + min(same), skipped + last + 1, metadata)


def _title(run: Sequence[Line], keys: Sequence[str], facts: Sequence[dict[str, str] | None], least: int) -> int | None:
    """Which line of a run is a title: one that stands there twice, else one of the three above a byline or a time.

    `least` words: in mid-page, a name of two words above a time is a commenter.
    """
    counts = [sum(_same(k, own) for k in keys) for own in keys]
    repeated = [n for n, line in enumerate(run) if counts[n] > 1 and line.words >= 3 and not facts[n]]
    if repeated:
        return max(repeated, key=lambda n: (counts[n], run[n].words, -n))
    told = next((n for n, fact in enumerate(facts) if fact and n), 0)
    above = [n for n in range(max(0, told - 3), told) if not facts[n] and run[n].words >= least]
    # a publisher may stand between title and time: among the three, the nearest of six words or more, else the longest
    return max(above, key=lambda n: (min(run[n].words, 6), n), default=None)


def _same(line: str, title: str) -> bool:
    """Whether a line's key is the title's, perhaps with the site's name behind it."""
    return bool(title) and (line == title or line.startswith(title + " "))


def _trim(piece: Piece) -> list[Line]:
    """Take clutter off a piece's end, and off its beginning where no title block stands; return what was taken."""
    taken = _cut_end(piece)
    gap = next((n for n in _gaps(piece.lines) if n), None)
    if piece.proved or gap is None or not _small(sum(x.words for x in piece.lines[:gap]), piece.words):
        return taken
    text = next(n for n in range(gap, len(piece.lines)) if piece.lines[n].body)
    taken += piece.lines[: text - 1]
    piece.title = piece.lines[text - 1].text
    piece.lines = piece.lines[text:]
    return taken


def _cut_end(piece: Piece) -> list[Line]:
    """Cut after the last paragraph (but for a list or a short sentence), and before a small remainder that stands
    below two short lines or more, such as a footer's sentence."""
    lines = piece.lines
    end = len(lines)
    for gap in reversed(_gaps(lines)):
        if _small(sum(line.words for line in lines[gap:] if line.body), piece.words):
            end = gap
    while end and not lines[end - 1].body:
        end -= 1
    end = _carried(lines, end)
    piece.lines = lines[:end]
    return lines[end:]


def _gaps(lines: Sequence[Line]) -> list[int]:
    """Where runs of two short lines or more begin that are no list and stand before a body line."""
    starts, n = [], 0
    for body, run in groupby(lines, key=lambda line: line.body):
        size = len(list(run))
        if not body and size >= 2 and n + size < len(lines) and _carried(lines, n) == n:
            starts.append(n)
        n += size
    return starts


def _carried(lines: Sequence[Line], end: int) -> int:
    """How far the text before `end` goes on in short lines: items, short sentences, and what a colon announces."""
    listing = False
    while 0 < end < len(lines) and not lines[end].body:
        line, before = lines[end], lines[end - 1]
        announces = before.body and line.words >= 4 and line.text.endswith(":")
        listing = announces or before.text.endswith(":") or (listing and not line.gap)
        if not (listing or is_item(line.text) or ends_sentence(line.text)):
            break
        end += 1
    return end


def _without_comments(lines: list[Line]) -> tuple[list[Line], list[str]]:
    """Leave out what stands under a heading such as "3 Comments", up to the next title block.

    It must look like comments: times or names between the texts, or the same button again and again.
    """
    start = next((n for n, x in enumerate(lines) if n and not x.body and _COMMENTS.match(key(x.text))), None)
    if start is None or not any(line.body for line in lines[:start]):
        return lines, []
    end = _next_article(lines, start)
    section = lines[start:end]
    short = [line.text for line in section if not line.body]
    again = max(Counter(map(key, short)).values())
    if len(short) == len(section) or not (again > 1 or any(map(byline, short))):
        return lines, []
    words = sum(line.words for line in section)
    return lines[:start] + lines[end:], [f"left out: what stands under {lines[start].text!r} ({words} words)"]


def _next_article(lines: Sequence[Line], start: int) -> int:
    """Where the first title block behind `start` begins that is too long to be a commenter's name."""
    n = start
    for body, group in groupby(lines[start:], key=lambda line: line.body):
        run = list(group)
        block = None if body or n + len(run) == len(lines) else _block(run, first=False)
        if block and count_words(block.title) >= 4:
            return n + block.start
        n += len(run)
    return len(lines)


def _remark(dropped: Sequence[str]) -> str:
    shown = ", ".join(repr(line if len(line) <= 50 else line[:49] + "…") for line in dropped[:4])
    more = f" and {len(dropped) - 4} more" if len(dropped) > 4 else ""
    return f"left out: {len(dropped)} lines around the articles (menus, buttons, captions): {shown}{more}"
