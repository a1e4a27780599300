"""Single lines of a saved page: what kind each one is. `clean.py` builds articles out of these answers.

Nothing here knows a site. A line is body when it reads like a sentence; everything else is short (titles, bylines,
menus, buttons, captions, list items). The trap: text wrapped at a fixed width, where every line but the last of a
paragraph looks short, so `unwrap` comes first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_WORD = re.compile(r"\w+(?:['’.,]\w+)*")
_END = re.compile(r"[.!?。！？…][\"'”’»)\]]*$")
_BULLET = re.compile(r"^(?:[-*+•·‣–]\s|\(?\d{1,3}[.)]\s|#|>|\|)")
_UNITS = "seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?|years?"
_MONTHS = "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
_MONTHS += "|nov(?:ember)?|dec(?:ember)?"
# no boundary before "a": pages run the name and the time together, "Korea Heralda day ago"
_AGO = rf"(?:\d+|an?|one|two|three|four|five|six)\s+(?:{_UNITS})\s+ago\b|\byesterday\b|\bjust now\b"
_DATE = rf"\b\d{{1,2}}\.?\s+(?:{_MONTHS})\.?,?\s+\d{{4}}\b|\b(?:{_MONTHS})\.?\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}\b"
_DATE += r"|\b\d{4}[-./]\d{1,2}[-./]\d{1,2}\b|\b\d{1,2}[./]\d{1,2}[./]\d{4}\b"
_TIME = re.compile(f"{_AGO}|{_DATE}", re.IGNORECASE)
_LABEL = re.compile(r"^(?:last )?(?:published|updated|modified|posted|time|date)\b(?: on)?[:\s]*", re.IGNORECASE)
_BY = re.compile(r"^(?i:written |story |posted )?(?i:by):?\s+(?=[A-Z\u00c0-\uffff])")
_EDGES = " \t|·•,;:–—-"


@dataclass(frozen=True, slots=True)
class Line:
    """One non-blank line. `body`: it reads like a sentence; `gap`: a blank line stands before it."""

    text: str
    words: int
    body: bool
    gap: bool


def count_words(text: str) -> int:
    """How many words stand in a text; "0.8" and "Korea's" are one each."""
    return len(_WORD.findall(text))


def ends_sentence(text: str) -> bool:
    """Whether a line ends like a sentence; "No comments yet..." trails off and does not."""
    return _END.search(text) is not None and not text.endswith(("...", "…"))


def is_item(text: str) -> bool:
    """Whether a line is marked as an item of a list, a heading, a quotation or a row of a table."""
    return _BULLET.match(text) is not None


def key(text: str) -> str:
    """A line without case, bullets and punctuation, to see that two lines are the same title."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def lines_of(text: str) -> list[Line]:
    """The non-blank lines of a normalised text, unwrapped. A line that stands twice in a row is a title, even where
    it reads like a sentence."""
    raw = [line.strip() for line in unwrap(text).split("\n")]
    found = [(line, index > 0 and not raw[index - 1]) for index, line in enumerate(raw) if line]
    keys = ["", *(key(line) for line, _ in found), ""]
    lines = []
    for number, (line, gap) in enumerate(found, start=1):
        words = count_words(line)
        twice = keys[number] in (keys[number - 1], keys[number + 1]) and words <= 25
        lines.append(Line(line, words, _reads_like_body(line, words) and not twice, gap))
    return lines


def _reads_like_body(line: str, words: int) -> bool:
    if line.startswith(("©", "(c) ")) and words < 30:
        return False
    if words >= 30 or (words < 5 and len(line) > 40 and ends_sentence(line)):  # the latter: scripts without spaces
        return True
    question = line.endswith(("?", "!")) and words <= 12 and not re.search(r"[.!?]\s", line)  # as titles can end
    return words >= 5 and ends_sentence(line) and not question


def unwrap(text: str) -> str:
    """Join lines that were broken at a fixed width (at most 120 characters), where most of the text is so broken.

    A break is such a break when the next line's first word would not have fitted. Verse and lists do not fill their
    lines and stay as they are. The width is that of nine lines in ten: a long address must not set it.
    """
    raw = text.split("\n")
    pairs = [(a, b) for a, b in zip(raw, raw[1:], strict=False) if a.strip() and b.strip()]
    width = sorted(len(a) for a, _ in pairs)[int(0.9 * len(pairs))] if len(pairs) > 1 else 0
    # lines that end a sentence do not count: paragraphs of one sentence each, of like length, would pass
    broken = sum(len(a) + 1 + len(b.split()[0]) > width and not ends_sentence(a) for a, b in pairs)
    if not 40 <= width <= 120 or broken < 0.5 * len(pairs):
        return text
    joined = [raw[0]]
    for before, line in zip(raw, raw[1:], strict=False):
        fits = before.strip() and line.strip() and len(before) + 1 + len(line.split()[0]) > width
        if fits and len(before) >= 0.6 * width and not is_item(line.strip()):
            joined[-1] += " " + line.strip()
        else:
            joined.append(line)
    return "\n".join(joined)


def byline(text: str) -> dict[str, str] | None:
    """What a line under a title tells: publisher, byline, published (as the page words it); None for other lines.

    >>> byline("Korea Heralda day ago")
    {'published': 'a day ago', 'publisher': 'Korea Herald'}
    >>> byline("By Ana Ruiz | 12 March 2024")
    {'published': '12 March 2024', 'byline': 'Ana Ruiz'}
    """
    time = _TIME.search(text)
    before = text[: time.start()] if time else text
    name = _LABEL.sub("", before.strip(_EDGES)).strip(_EDGES)
    written = _BY.match(name)
    if count_words(name) > 8 or (time is None and written is None):
        return None
    if time and count_words(text[time.end() :]) > 6:
        return None
    found = {"published": time.group()} if time else {}
    if written:
        found["byline"] = re.sub(r" (?:on|at)$", "", name[written.end() :].strip(_EDGES))  # "by Ana on 12 March"
    elif is_name(name):
        found["publisher"] = name
    elif count_words(name) > 2:
        return None
    return found


def is_name(text: str) -> bool:
    """Whether a line can name a publisher: one to five words, the first with a capital."""
    return 1 <= count_words(text) <= 5 and text[:1].isupper() and not _END.search(text)
