"""The text of a model's answer, as its sentences are judged: markers become citations, what nothing supports is marked
or left out, and nothing is shown before something is supported."""

from __future__ import annotations

from collections.abc import Mapping

from rag.cite import cite
from rag.llm.prompt import repeats_rules
from rag.llm.support import Place, Verdict
from rag.types import Article, Citation, Span

UNSUPPORTED = "[?]"
"""Stands behind a sentence that the article does not support, where a citation would stand."""
MOST_SENTENCES = 12


class Prose:
    """`add` verdicts; `text`, `citations` and `unsupported` (spans of the text) are what is to be shown so far."""

    def __init__(self, articles: Mapping[str, Article], mark: bool) -> None:
        self._articles, self._mark = articles, mark
        self._parts: list[str] = []
        self._numbers: dict[Place, int] = {}
        self._waiting: list[Verdict] = []
        self._seen: set[str] = set()
        self.citations: tuple[Citation, ...] = ()
        self.unsupported: tuple[Span, ...] = ()
        self.removed: list[str] = []
        self.supported = self.doubted = 0

    @property
    def text(self) -> str:
        return " ".join(self._parts)

    @property
    def share(self) -> float:
        """How many of the sentences are supported, in [0, 1]."""
        return self.supported / (self.supported + self.doubted) if self.supported else 0.0

    def add(self, verdict: Verdict) -> bool:
        """Whether there is more to show than before. Repetitions, and what gives away the prompt, never are."""
        if verdict.text in self._seen or len(self._parts) >= MOST_SENTENCES:
            return False
        self._seen.add(verdict.text)
        if not verdict.evidence:
            self.doubted += 1
            if not self._mark or repeats_rules(verdict.text):
                self.removed.append(verdict.why)
                return False
            self._waiting.append(verdict)
        elif repeats_rules(verdict.text):
            return False
        if not (verdict.evidence or self.supported):
            return False  # until something is supported, nothing is shown
        for waiting in self._waiting:
            self._show(waiting)
        self._waiting.clear()
        if verdict.evidence:
            self.supported += 1
            self._show(verdict)
        return True

    def _show(self, verdict: Verdict) -> None:
        start = len(self.text) + (1 if self._parts else 0)
        marks = "".join(f"[{self._number(place)}]" for place in verdict.evidence) or UNSUPPORTED
        if not verdict.evidence:
            self.unsupported += ((start, start + len(verdict.text)),)
        self._parts.append(f"{verdict.text} {marks}")

    def _number(self, place: Place) -> int:
        if place not in self._numbers:
            number = self._numbers[place] = len(self._numbers) + 1
            self.citations += (cite(self._articles[place[0]], place[1], number),)
        return self._numbers[place]
