"""What greets a reader: a summary of the article and questions to start with, and after an answer two or three to go
on with. Made in the background, since each question is asked first: it is offered only when the chain answers it, and
from a sentence that it was made from. The questions are kept in the index folder, by the article's hash.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import rag
from rag.errors import RagError
from rag.types import ALL, Answer, Question, Span
from ui.frame import STARTERS, Guide
from ui.starters import VERSION, Candidate, candidates
from ui.turns import Talk

if TYPE_CHECKING:
    from rag.chain import QAChain
    from ui.backend import Backend

MOST_CHECKED, MOST_STARTERS, MOST_FOLLOW_UPS = 30, 4, 3
ALIKE = 0.72
"""Two questions with a higher cosine ask the same thing in other words."""
READER = Path(rag.__file__ or "").parent / "reader"
"""What can be answered depends on the reader's weights and code too."""
_RETRY = 15.0  # seconds until another try, while pages ask again twice a second
_PAUSE = 0.02  # seconds between two checks: a person's question comes first

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Starter:
    """A question that the chain answers from `span`."""

    text: str
    article: str
    span: Span
    kind: str


@dataclass(frozen=True, slots=True)
class _Made:
    summary: Answer | None = None
    pool: tuple[Starter, ...] = ()
    ready: bool = False


class Guides:
    """`of` returns what there is at once, and begins to make what there is not."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._made: dict[str, _Made] = {}
        self._lock, self._one_at_a_time = threading.Lock(), threading.Lock()

    def blank(self, scope: str) -> Guide:
        found = self._backend.articles.get(scope)
        return Guide(scope, f"“{found.title}”" if found else "all articles", llm=self._backend.config.llm)

    def of(self, scope: str) -> Guide:
        if scope != ALL and scope not in self._backend.articles:  # a page that was open before it went
            scope = self._backend.default_article
        blank, key = self.blank(scope), self._key(scope)
        with self._lock:
            if key not in self._made:
                self._made[key] = _Made()
                threading.Thread(target=self._make, args=(scope, key), name="guide", daemon=True).start()
        made = self._made[key]
        starters = tuple(s.text for s in made.pool[:MOST_STARTERS])
        fill = STARTERS[: max(0, 3 - len(starters))] if made.ready else ()
        return replace(blank, scope=scope, summary=made.summary, starters=starters + fill, ready=made.ready)

    def follow_ups(self, talk: Talk) -> tuple[str, ...]:
        """Questions about what stands near the sentence last cited, none asked yet or like one that was."""
        answer = talk.turns[-1].answer
        cited = answer and (*answer.citations[:1], *([answer.nearest] if answer.nearest else []))
        if not cited:
            return ()
        made = self._made.get(self._key(cited[0].article_id), _Made())
        answered = {c.start for t in talk.turns if t.answer for c in t.answer.citations}
        fresh = [s for s in made.pool if s.span[0] not in answered]
        fresh.sort(key=lambda s: abs(s.span[0] - cited[0].start))
        asked = [t.question for t in talk.turns]
        return tuple(s.text for s in self._unlike(fresh[: 3 * MOST_FOLLOW_UPS], asked)[:MOST_FOLLOW_UPS])

    def _key(self, scope: str) -> str:
        articles = self._backend.articles.values() if scope == ALL else [self._backend.articles[scope]]
        reader = [(f.name, f.stat().st_size) for f in sorted(READER.glob("*.*s*"))] if READER.is_dir() else []
        held = json.dumps(
            [VERSION, self._backend.config.answerer, reader, scope, [(a.title, a.text) for a in articles]]
        )
        return hashlib.sha256(held.encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def _make(self, scope: str, key: str) -> None:
        try:
            self._backend.start()
            while (chain := self._backend.chain(1.0)) is None:
                pass
            with self._one_at_a_time:
                summary = chain.invoke(Question("Summarize the article", (), scope))
                self._made[key] = _Made(summary)
                self._made[key] = _Made(summary, self._questions(chain, scope, key), ready=True)
        except RagError as fault:  # a question will meet it too, and tells it; a while later there is another try
            _log.warning("No guide to %s: %s", scope, fault)
            time.sleep(_RETRY)
            self._made.pop(key, None)
        except Exception:  # the edge of a thread
            _log.exception("No guide to %s", scope)
            self._made[key] = _Made(ready=True)

    def _questions(self, chain: QAChain, scope: str, key: str) -> tuple[Starter, ...]:
        if scope == ALL:
            return self._of_all(chain)
        file = self._backend.config.index / "questions" / f"{key}.json"
        if (kept := _read(file)) is not None:
            return kept
        made = candidates(chain.articles[scope])[:MOST_CHECKED]
        found = [s for candidate in made if (s := _checked(candidate, scope, chain))]
        pool = _varied(self._unlike(found, []))
        _write(file, pool)
        return pool

    def _of_all(self, chain: QAChain) -> tuple[Starter, ...]:
        """The best question or two of each article, as long as it is answered when every article is searched."""
        pools = [self._questions(chain, id_, self._key(id_)) for id_ in list(chain.articles)[:MOST_STARTERS]]
        first = [s for nth in zip(*(p[:2] for p in pools if p), strict=False) for s in nth][: 2 * MOST_STARTERS]
        return tuple(s for s in first if _cited(chain.invoke(Question(s.text, (), ALL)), s.article, (s.span,)))

    def _unlike(self, found: Sequence[Starter], asked: Sequence[str]) -> list[Starter]:
        """Those that are like none before them, nor like what was asked."""
        chain = self._backend.chain(0.0)
        if not chain or not found:
            return []
        vectors = np.array(chain.retriever.embedder.embed_documents([*asked, *(s.text for s in found)]))
        kept, taken = list(vectors[: len(asked)]), []
        for starter, vector in zip(found, vectors[len(asked) :], strict=True):
            if all(vector @ other < ALIKE for other in kept):
                kept.append(vector)
                taken.append(starter)
        return taken


def _checked(candidate: Candidate, slug: str, chain: QAChain) -> Starter | None:
    """The candidate, when the chain answers it from one of its sentences."""
    time.sleep(_PAUSE)
    span = _cited(chain.invoke(Question(candidate.text, (), slug)), slug, candidate.spans)
    return Starter(candidate.text, slug, span, candidate.kind) if span else None


def _cited(answer: Answer, slug: str, spans: Sequence[Span]) -> Span | None:
    """The first of `spans` that the answer cites; None when it is refused or cites another."""
    cited = {(c.start, c.end) for c in answer.citations if c.article_id == slug}
    return next((span for span in spans if span in cited), None)


def _varied(found: Sequence[Starter]) -> tuple[Starter, ...]:
    """In the order found, but the first of each kind and sentence before the second ones."""
    first: list[Starter] = []
    for starter in found:
        if all(starter.kind != s.kind and starter.span != s.span for s in first):
            first.append(starter)
    return (*first, *(s for s in found if s not in first))


def _read(file: Path) -> tuple[Starter, ...] | None:
    """What was kept, or None: then it is made anew."""
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
        return tuple(Starter(r["text"], r["article"], (r["span"][0], r["span"][1]), r["kind"]) for r in rows)
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _write(file: Path, pool: Sequence[Starter]) -> None:
    try:
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps([asdict(s) for s in pool], ensure_ascii=False), encoding="utf-8")
    except OSError as fault:  # a read-only index folder still answers
        _log.warning("%s: %s", file, fault)
