"""Articles as files: Markdown with front matter, one article each. `clean.py` makes articles, this keeps them.

The body of a file *is* `Article.text`, byte for byte: nothing is escaped or wrapped, so offsets made on the one hold
on the other. The trap here is YAML's guessing (`published: 2024-03-12` becomes a date, `no` becomes False), hence
`BaseLoader`, which leaves every value the string that was written.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import yaml  # type: ignore[import-untyped]

from rag.errors import BadInput, StoreUnavailable
from rag.types import ALL, Article

KEYS = ("publisher", "published", "byline", "source", "sha256", "role", "position")
"""The order in which the known keys stand after `title`; others follow by name."""

_OPENING = re.compile(r"---\n(?=[\w-]+[ ]*:)")
_CLOSING = re.compile(r"^---[ ]*(?:\n|\Z)", re.MULTILINE)
_TAG = re.compile(r"\[[^\]]*\]|\([^)]*\)")
_CUT = re.compile(r"\s+[-–—|]+\s+|\s*—\s*|:\s+|\s--\s")
_STOP = frozenset("a an and are as at be by can do does for from has have how in into is it its of on or".split()) | (
    frozenset("that the their this to was were what when where which who why will with you your".split())
)


def slug(title: str, words: int = 5) -> str:
    """A short name for a title: tags, the part after a dash or colon and stop words go; five words stay.

    >>> slug("[Interview] South Korea's brain drain - Why top talent is leaving")
    'south-korea-brain-drain'
    """
    whole = _TAG.sub(" ", title)
    first = _CUT.split(whole.strip())[0]
    for candidate in (first, whole, title):
        plain = re.sub(r"[’‘'](?:s\b)?", "", candidate.casefold())
        found = re.findall(r"[^\W_]+", plain)
        kept = [w for w in found if w not in _STOP] or found
        if len(kept) >= 2 or (kept and candidate is title):
            break
    return "-".join(kept[:words])[:60].strip("-") or "article"


def stem_slug(stem: str) -> str:
    """A file's own name as an id: "My notes_2" is my-notes-2; no word is left out."""
    return "-".join(re.findall(r"[^\W_]+", stem.casefold()))[:60].strip("-") or "article"


def is_slug(name: str) -> bool:
    """Whether a name can be an article's id and a file's name."""
    return name != ALL and len(name) <= 60 and re.fullmatch(r"[^\W_]+(?:-[^\W_]+)*", name) is not None


def unique(name: str, taken: Collection[str]) -> str:
    """`name`, or `name-2`, `name-3` … when it is taken; `all` is never free, because it means every article."""
    numbered = [name, *(f"{name}-{n}" for n in range(2, len(taken) + 4))]
    return next(n for n in numbered if n != ALL and n not in taken)


def to_markdown(article: Article) -> str:
    """The file of an article: front matter, a blank line, the text as it is, a newline."""
    values = {**article.metadata, "source": article.source}
    order = [k for k in KEYS if k in values] + sorted(k for k in values if k not in KEYS)
    head: dict[str, str | int] = {"title": article.title}
    for key in order:
        value = values[key]
        if key != "title" and not (key == "source" and not value):
            head[key] = int(value) if key == "position" and re.fullmatch("[1-9][0-9]*", value) else value
    # YAML takes these three for line ends; escaped, they are read back as they were
    readable = not any(set("\x85\u2028\u2029") & set(str(v)) for v in head.values())
    text = yaml.safe_dump(head, sort_keys=False, allow_unicode=readable, width=10**9)
    return f"---\n{text}---\n\n{article.text}\n"


def has_front_matter(text: str) -> bool:
    """Whether a file opens with `---` and a `key:` line; a lone `---` is Markdown's rule, not front matter."""
    return _OPENING.match(text) is not None


def split(text: str, name: str) -> tuple[dict[str, str], str]:
    """Front matter and body of a file; raise BadInput naming the file and the line that can not be read."""
    if not text.startswith("---\n"):
        raise BadInput(f"{name}, line 1: no front matter; the first line must be ---, then title: …, then --- again.")
    closing = _CLOSING.search(text, 4)
    if closing is None:
        raise BadInput(f"{name}, line 1: the front matter opened by --- is never closed; add a --- below its keys.")
    try:
        values = yaml.load(text[4 : closing.start()], Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 2 if mark else 1
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise BadInput(f"{name}, line {line}: the front matter is not YAML ({problem}); quote the value.") from None
    if not isinstance(values, dict):
        raise BadInput(f"{name}, line 2: the front matter must be lines of `key: value`.")
    flat = {str(k): v if isinstance(v, str) else _flat(v) for k, v in values.items()}
    body = text[closing.end() :]
    return flat, body.removeprefix("\n").removesuffix("\n")


def _flat(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, Iterable) else str(value)


def from_markdown(text: str, stem: str) -> Article:
    """The article that `to_markdown` wrote, with the file's stem as its id."""
    values, body = split(text, f"{stem}.md")
    title = values.pop("title", "")
    if not title:
        raise BadInput(f"{stem}.md, line 2: the front matter has no title; add a line `title: …`.")
    if not body.strip():
        raise BadInput(f"{stem}.md: there is no text below the front matter.")
    return Article(id=stem, title=title, text=body, source=values.pop("source", ""), metadata=values)


def keep_names(articles: Sequence[Article], folder: Path) -> list[Article]:
    """Give each article the file name it already has in `folder` (same title and source), so that a renamed file
    stays renamed when its page is indexed again; the others get a name that no file there has."""
    known: dict[tuple[str, str], str] = {}
    taken: set[str] = set()
    for path in sorted(folder.glob("*.md")):
        taken.add(path.stem)
        try:
            values, _ = split(path.read_text(encoding="utf-8"), path.name)
        except (BadInput, UnicodeDecodeError):
            continue  # not one of ours: its name is taken all the same
        known.setdefault((values.get("title", ""), values.get("source", "")), path.stem)
    named: list[Article] = []
    for article in articles:
        name = known.pop((article.title, article.source), None) or unique(article.id, taken)
        taken.add(name)
        named.append(replace(article, id=name))
    return named


def write_corpus(articles: Sequence[Article], folder: Path) -> list[Path]:
    """Write one file per article and return the paths; each appears whole or not at all, and a file that already
    says the same is not touched."""
    paths = [folder / f"{article.id}.md" for article in articles]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for article, path in zip(articles, paths, strict=True):
            data = to_markdown(article).encode("utf-8")
            if not (path.is_file() and path.read_bytes() == data):
                _replace(path, data)
    except OSError as error:
        why = error.strerror or error
        raise StoreUnavailable(f"The corpus in {folder} can not be written: {why}. Set RAG_CORPUS elsewhere.") from None
    return paths


def _replace(path: Path, data: bytes) -> None:
    """Write beside the file, then swap: a reader, or a kill -9, never meets half an article."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)  # mkstemp makes 0600; the corpus is meant to be shared
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
