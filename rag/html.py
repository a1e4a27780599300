"""A saved web page with markup → its main text and what it says of itself; `load.py` asks.

trafilatura tells text from menus, adverts and comments. The trap: markup made to hurt (a megabyte of links that are
never closed takes it minutes), hence a child process, which has a time and a memory to keep to, and sees no network
because nothing here fetches anything. Run as `python -m rag.html`: HTML on stdin, one JSON object on stdout.
"""

from __future__ import annotations

import codecs
import json
import re
import subprocess
import sys
from dataclasses import dataclass, field, replace

from rag.clean import normalise
from rag.errors import BadInput

SAVE_AS_TEXT = "Open the page in a browser, select all, copy, and save it as a .txt file (UTF-8)."
SECONDS = 30
MEMORY = 2_000_000_000
"""Bytes of address space that the child may take."""

_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_ITEM = re.compile(r"[-|]")


@dataclass(frozen=True, slots=True)
class Page:
    """The main text of a page, its title ("" when it has none), and publisher, byline and time where it names them."""

    title: str
    text: str
    metadata: dict[str, str] = field(default_factory=dict)


def encoding_of(data: bytes) -> str:
    """What a page says that it is written in: its byte order mark, its `<meta charset>`, else UTF-8.

    >>> encoding_of(b'<meta charset="euc-kr"><p>...')
    'euc-kr'
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return "utf-8-sig" if name == "utf-8" else name
    found = _CHARSET.search(data[:4096])
    name = found[1].decode() if found else "utf-8"
    try:
        known = codecs.lookup(name).name
    except LookupError:
        return "utf-8"
    # as browsers do: the first two mean Windows' superset of them, and the third could not have been read this far
    return "cp1252" if known in ("ascii", "iso8859-1") else "utf-8" if known.startswith("utf-16") else name


def main_text(html: str, name: str, seconds: float = SECONDS) -> Page:
    """The page's main text; raise BadInput, naming the file, when there is none or it takes too long to find."""
    command = [sys.executable, "-m", "rag.html"]
    try:
        done = subprocess.run(command, input=html.encode("utf-8", "replace"), capture_output=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise BadInput(f"{name}: no text was found in {seconds:g} seconds; the markup is odd. {SAVE_AS_TEXT}") from None
    if done.returncode or not done.stdout.strip():
        raise BadInput(f"{name}: its markup can not be read. {SAVE_AS_TEXT}")
    page = Page(**json.loads(done.stdout))
    text = normalise(page.text).strip()
    if not text:
        raise BadInput(f"{name}: no article was found in its markup. {SAVE_AS_TEXT}")
    return replace(page, title=" ".join(normalise(page.title).split()), text=text)


def _extract(html: str) -> Page:
    import logging

    import trafilatura

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    found = trafilatura.bare_extraction(html, include_comments=False, with_metadata=True)
    if found is None or isinstance(found, dict) or not found.text:
        return Page("", "")
    facts = {"publisher": found.sitename, "published": found.date, "byline": found.author}
    title = found.title or ""
    lines = [line.rstrip() for line in found.text.split("\n")]
    if lines and lines[0] == title:
        lines = lines[1:]
    return Page(title, _paragraphs(lines), {k: v for k, v in facts.items() if v})


def _paragraphs(lines: list[str]) -> str:
    """One paragraph a line, with a blank line between; items of a list and rows of a table stay together."""
    text = ""
    for before, line in zip(["", *lines], lines, strict=False):
        together = before and _ITEM.match(before) and _ITEM.match(line)
        text += ("\n" if together else "\n\n") + line
    return text.strip("\n")


def _limited() -> None:
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, ValueError, OSError):
        pass  # not on this system: the time limit stays


if __name__ == "__main__":
    _limited()
    page = _extract(sys.stdin.buffer.read().decode("utf-8", "replace"))
    print(json.dumps({"title": page.title, "text": page.text, "metadata": page.metadata}))
