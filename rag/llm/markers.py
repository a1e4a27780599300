"""A model's words, as they come → whole sentences, each with the keys of the passages it names.

Markers (`[k7m2]`) arrive in pieces and are hidden until they are whole. Nothing else in brackets survives as such:
the only `[1]` in an answer are our own. Links become their label, images, tags and a model's `<think>` nothing. The
trap: a sentence is only finished when the next one has begun, since its marker stands after its full stop.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from rag.llm.orders import visible
from rag.sentences import split_sentences
from rag.types import Span

_LONGEST = 600
"""Characters that an opened bracket or tag is waited for before it is taken for plain text."""
_OPEN = re.compile(r"!?[\[【［]|<|!$")
_BRACKET = re.compile(r"(!?)[\[【［]([^\[\]【】［］\n]*)[\]】］]")
_TARGET = re.compile(r"\((?:[^()\n]|\([^()\n]*\))*\)")
_TAG = re.compile(
    r"<(think|script|style)\b[^<>]*>.*?</\1>|<!--.*?-->|<(?!think\b|script\b|style\b|!--)[/?!]?[A-Za-z][^<>]*>",
    re.DOTALL | re.IGNORECASE,
)
_URL = re.compile(
    r"(?:\b[a-z][a-z0-9+.-]{1,15}:/{1,2}|\bwww\.|\b(?:mailto|javascript|data|tel):|(?<![\w/])//(?=\w))\S*"
    r"|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\b(?:[\w-]+\.)+[a-z]{2,}(?::\d+)?/\S*",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?。！？][\"'”’»)]*$")
_DECORATION = re.compile(r"^\s*(?:[-*•·–>#]+|\d{1,2}[.)])\s+|[*`]+|_{2,}|~{2,}")


@dataclass(frozen=True, slots=True)
class Said:
    """One finished sentence, plain text, and the keys it was marked with, in order."""

    text: str
    keys: tuple[str, ...]


class SentenceReader:
    """`feed` it pieces, `end` it once; `dropped` records the markers that named no passage, links and images."""

    def __init__(self, keys: Collection[str]) -> None:
        self._keys = frozenset(keys)
        self._pending = self._text = ""
        self._marks: list[tuple[int, str]] = []
        self.dropped: list[str] = []

    def feed(self, piece: str) -> list[Said]:
        """The sentences that are finished now.

        >>> reader = SentenceReader(["k7m2"])
        >>> reader.feed("It opened in 1892. [k7"), reader.feed("m2] It fell "), reader.end()
        ([], [Said(text='It opened in 1892.', keys=('k7m2',))], [Said(text='It fell', keys=())])
        """
        self._pending += piece
        self._scan(final=False)
        return self._finished()

    def end(self, cut: bool = False) -> list[Said]:
        """The rest; when the output was `cut` at a length limit, without a last sentence that does not end."""
        self._scan(final=True)
        rest = self._finished()
        spans = self._spans()
        for i, (a, b) in enumerate(spans):
            if not cut or i < len(spans) - 1 or _END.search(self._text[a:b]):
                rest += self._release(a, b, spans[i + 1][0] if i + 1 < len(spans) else len(self._text))
        return rest

    def _scan(self, final: bool) -> None:
        """Move what is complete from the pending characters to the text, markers to their place in it."""
        while self._pending:
            found = _OPEN.search(self._pending)
            if found is None or (found.group() == "!" and final):
                whole = len(self._pending) if final else re.search(r"\S*$", self._pending).start()  # type: ignore[union-attr]
                self._append(self._pending[:whole])  # a word is kept back until it is whole: it may be an address
                self._pending = self._pending[whole:]
                return
            self._append(self._pending[: found.start()])
            self._pending = self._pending[found.start() :]
            size = self._unit(final)
            if size is None and final and len(self._pending) < 24 and self._pending[0] in "[【［":
                self.dropped.append(self._pending[1:].strip())  # a marker that was never closed
                self._pending = ""
                return
            if size is None and not final and (len(self._pending) < _LONGEST or self._pending.startswith("<think>")):
                return
            self._pending = self._pending[len(found.group()) if size is None else size :]

    def _unit(self, final: bool) -> int | None:
        """The length of the bracket or tag that the pending characters begin with; None while it is not whole."""
        if self._pending[0] == "<":
            if len(self._pending) > 1 and not re.match(r"[A-Za-z/!?]", self._pending[1]):
                self._append("<")
                return 1
            tag = _TAG.match(self._pending)
            return tag.end() if tag else None
        bracket = _BRACKET.match(self._pending)
        if bracket is None or (bracket.end() == len(self._pending) and not final):
            return None  # "](" may follow
        end = bracket.end()
        link = self._pending[end : end + 1] == "("
        if link:
            target = _TARGET.match(self._pending, end)
            if target is None:
                return None
            end = target.end()
        self._bracket(bracket[2], image=bool(bracket[1]), link=link)
        return end

    def _bracket(self, inner: str, image: bool, link: bool) -> None:
        tokens = [t for t in re.split(r"[\s,;|&]+", inner.strip().lower()) if t]
        known = [t for t in tokens if t in self._keys]
        self._marks += [(len(self._text), key) for key in known]
        if image or link:
            self.dropped.append("image" if image else "link")
        if image or known:
            self.dropped += [t for t in tokens if t not in self._keys] if known else []
        elif link:
            self._append(inner)
        elif len(tokens) <= 1 or all(any(c.isdigit() for c in t) for t in tokens):
            self.dropped.append(inner.strip())
        else:
            self._append(f"({inner})")

    def _append(self, text: str) -> None:
        text, links = _URL.subn(_stop, text)
        self.dropped += ["link"] * links
        if text[:1] in ".,;:!?)" and text[:1]:
            self._text = self._text.rstrip(" ")  # "in 1892 [k7m2]." leaves a space
        self._text += text

    def _spans(self) -> list[Span]:
        """The sentences of the text; a marker after a full stop ends one whatever follows."""
        ends = [at for at, _ in self._marks if _END.search(self._text[:at].rstrip())]
        cuts = sorted({0, *ends, len(self._text)})
        return [
            (a + s, a + e) for a, b in zip(cuts, cuts[1:], strict=False) for s, e in split_sentences(self._text[a:b])
        ]

    def _finished(self) -> list[Said]:
        spans = self._spans()
        said: list[Said] = []
        kept = 0
        for (a, b), (following, _) in zip(spans, spans[1:], strict=False):
            # the splitter looks at the first word after a full stop: it must be whole
            if not re.search(r"\S\s", self._text[following:]):
                break
            said += self._release(a, b, following)
            kept = following
        self._text = self._text[kept:]
        self._marks = [(at - kept, key) for at, key in self._marks]
        return said

    def _release(self, start: int, end: int, following: int) -> list[Said]:
        mine = [key for at, key in self._marks if at <= following]
        self._marks = [(at, key) for at, key in self._marks if at > following]
        text, links = plain(self._text[start:end])
        self.dropped += ["link"] * links
        return [Said(text, tuple(dict.fromkeys(mine)))] if any(c.isalnum() for c in text) else []


def _stop(address: re.Match[str]) -> str:
    """What is left of an address: the punctuation of the sentence it stood in."""
    return re.sub(r".*?([.,;:!?]*)$", r"\1", address[0])


def plain(text: str) -> tuple[str, int]:
    """The text on one line without addresses, decoration and invisible characters; and how many addresses it held.

    >>> plain("**See** https://a.example/?q=1 or a.example/x\\u200b now.")
    ('See or now.', 2)
    """
    text, links = _URL.subn(_stop, re.sub(r"\s", " ", visible(text)))
    text = _DECORATION.sub("", text).replace("[", "(").replace("]", ")")
    return re.sub(r" +([.,;:!?)])", r"\1", re.sub(r" +", " ", text)).strip(), links
