"""File → text, and file → articles: the first step of the path, where bad input is refused before anything changes.

Nothing is guessed here. A file in an unknown encoding would decode to something, and its wrong letters would then be
quoted as evidence; so what is not UTF-8 (or UTF-16 with its mark) is refused, with the command that converts it.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from rag import frontmatter
from rag.clean import articles_of, normalise
from rag.errors import BadInput
from rag.frontmatter import is_slug, slug
from rag.html import encoding_of, main_text
from rag.types import ALL, Article

TEXT = (".txt", ".text", ".md", ".markdown")
"""Suffixes that are read."""
PAGES = (".html", ".htm", ".xhtml")
"""Suffixes of saved pages with markup; their main text is read (`html.py`)."""

_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def read_page(path: Path, max_mb: float) -> str:
    """The text of a file, as it stands there; raise BadInput that says what is wrong with it and what to do."""
    _check_kind(path)
    data = _read(path, max_mb)
    if _is_page(path):
        return _decode(path, data, encoding_of(data))
    if data.startswith(_UTF16):
        text = _decode(path, data, "UTF-16")
    else:
        # before decoding: "binary" says more about a picture than "not UTF-8 at byte 1"
        if b"\x00" in data[:8192]:
            raise BadInput(f"{path} is a binary file (it holds NUL bytes), not text. Give a .txt or .md file.")
        text = _decode(path, data, "utf-8-sig")
    strange = len(_CONTROL.findall(text))
    if "\x00" in text or strange > max(2, len(text) // 100):
        raise BadInput(f"{path} looks like a binary file ({strange} control characters). Give a .txt or .md file.")
    if not normalise(text).strip():
        raise BadInput(f"{path} is empty: there is no text in it. Save the page's text again and retry.")
    if re.match(r"\s*<(?:!doctype html|html)\b", text, re.IGNORECASE):
        raise BadInput(f"{path} holds HTML. Call it {path.stem}.html, and its main text is read.")
    return text


def _check_kind(path: Path) -> None:
    suffix = path.suffix.casefold()
    if path.is_dir():
        raise BadInput(f"{path} is a folder. Give the files in it, for example {path}/*.md.")
    if not path.exists():
        raise BadInput(f"{path} does not exist. Check the spelling, and the folder you are in.")
    if not path.is_file():
        raise BadInput(f"{path} is not a regular file. Give a .txt or .md file.")
    if suffix not in TEXT + PAGES:
        kind = suffix or "(no suffix)"
        raise BadInput(f"{path}: files of the kind {kind} are not read. Give a .txt, .md or .html file.")


def _is_page(path: Path) -> bool:
    return path.suffix.casefold() in PAGES


def _read(path: Path, max_mb: float) -> bytes:
    limit = int(max_mb * 1_000_000)
    try:
        size = path.stat().st_size
        if size > limit:  # asked before reading: a wrong path can be a disk image
            raise BadInput(
                f"{path} has {size / 1e6:.1f} MB; the limit is {max_mb:g} MB (RAG_MAX_FILE_MB). "
                "An article is text: give the article alone, or raise the limit."
            )
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} can not be read: {error.strerror or error}. Check its permissions.") from None


def _decode(path: Path, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        if not encoding.startswith("utf-8"):
            raise BadInput(f"{path} is damaged {encoding} at byte {error.start}. Save it again as UTF-8.") from None
        # utf-8-sig counts from behind the mark
        at = error.start + (len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0)
        raise BadInput(
            f"{path} is not UTF-8: byte 0x{data[at]:02x} at offset {at}. Save it as UTF-8 in your editor, or "
            f"convert it from the encoding it has: iconv -f WINDOWS-1252 -t UTF-8 {path.name} > utf8-{path.name}"
        ) from None


def load_articles(
    path: Path, max_mb: float, names: Sequence[str] = (), remark: Callable[[str], object] | None = None
) -> list[Article]:
    """The articles of a file, with the file's stem as id for Markdown with front matter, slugs of titles otherwise.

    Markdown that `frontmatter.to_markdown` wrote is taken as it is; everything else goes through `clean.articles_of`.
    `remark` is called with one line for each thing that was left out.
    """
    text = read_page(path, max_mb)
    if _is_page(path):
        return [_of_page(text, path, names)]
    markdown = path.suffix.casefold() in (".md", ".markdown")
    plain = normalise(text)
    if markdown and _id(path) == ALL:
        raise BadInput(f'{path}: "{ALL}" means every article and can not name one. Rename the file.')
    if markdown and frontmatter.has_front_matter(plain):
        return [_with_front_matter(plain, path)]
    if markdown and not names:
        names = [_id(path)]
    # of the file's bytes, as `sha256sum` prints it
    articles, remarks = articles_of(text, path.name, hashlib.sha256(path.read_bytes()).hexdigest(), names)
    if not articles:
        raise BadInput(f"{path}: no article was found in it. Give a file with at least one paragraph of text.")
    for line in remarks:
        if remark is not None:
            remark(line)
    return articles


def _id(path: Path) -> str:
    return frontmatter.stem_slug(path.stem)


def _of_page(html: str, path: Path, names: Sequence[str]) -> Article:
    """The article of a page with markup: its main text, under the title and by the publisher that it names."""
    page = main_text(html, str(path))
    name = [*names, slug(page.title or path.stem)][0]
    if not is_slug(name) or len(names) > 1:
        raise BadInput(f"{path}: {', '.join(names)!r} can not name its one article; use letters, digits and hyphens.")
    facts = {**page.metadata, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "role": "main", "position": "1"}
    return Article(name, page.title or path.stem, page.text, path.name, facts)


def _with_front_matter(text: str, path: Path) -> Article:
    """An article of the corpus, or notes with front matter of their own (where a missing title is the `# ` heading)."""
    values, body = frontmatter.split(text, path.name)
    if "sha256" in values:
        return frontmatter.from_markdown(text, path.stem)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    articles, _ = articles_of(body, path.name, sha256, [_id(path)])
    if not articles:
        raise BadInput(f"{path}: there is no text below the front matter.")
    title = values.pop("title", "") or articles[0].title
    metadata = {**values, **articles[0].metadata}
    return replace(articles[0], title=title, metadata=metadata)
