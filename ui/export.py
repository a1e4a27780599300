"""A conversation as Markdown: what Copy puts on the clipboard and what Export saves. Every quote keeps its number,
and every number says where in which article it stands."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rag.types import Answer, Citation
from ui.say import said
from ui.turns import Turn


def turn_markdown(turn: Turn, titles: Mapping[str, str]) -> str:
    """One question with its answer; `titles` maps slugs to titles."""
    parts = [f"**{_line(turn.question)}**"]
    if turn.answer:
        parts += _answer(turn.answer, titles)
    if turn.state == "failed":
        parts.append(_plain(turn.note))
    if turn.state == "stopped":
        parts.append("(Stopped.)")
    return "\n\n".join(parts)


def _answer(answer: Answer, titles: Mapping[str, str]) -> list[str]:
    if answer.refused:
        parts = [_plain(answer.text)]
        if answer.nearest:
            parts += ["The closest sentence in it:", _quoted(answer.nearest.quote), _where(answer.nearest, titles)]
        return parts
    line = said(answer)
    parts = [_plain(line)] if line else []
    if not answer.citations:
        return [*parts, _plain(answer.text)]
    parts += [_quoted(f"{c.quote} [{c.number}]") for c in answer.citations]
    return [*parts, "\n".join(f"[{c.number}] {_where(c, titles)}  " for c in answer.citations).rstrip()]


def _where(citation: Citation, titles: Mapping[str, str]) -> str:
    title = titles.get(citation.article_id, citation.article_id)
    return f"“{_line(title)}”, characters {citation.start}–{citation.end}"


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in _plain(text).splitlines())


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", _plain(text)).strip()


def _plain(text: str) -> str:
    """Text that no Markdown reader takes for a tag.

    >>> _plain("a <b> c")
    'a \\\\<b> c'
    """
    return text.replace("<", "\\<")
