"""One question → one answer: the whole path, in the order in which it happens. Everyone asks here: chat,
command line and evaluation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from langchain_core.embeddings import Embeddings
from langchain_core.runnables import Runnable, RunnableConfig

from rag.build import check_recipe
from rag.cite import cite, cited_text
from rag.config import Config
from rag.embed import MiniLM
from rag.errors import BadInput, ModelMissing, UnknownArticle
from rag.extract import Draft, extract
from rag.intent import Intent, intent_of
from rag.overview import CANNED, about_the_page, summary
from rag.question import clean_question
from rag.retrieve import Found, HybridRetriever
from rag.rewrite import queries
from rag.store import Index, read_manifest
from rag.types import ALL, Answer, Article, Citation, Question

if TYPE_CHECKING:
    from rag.reader.model import Reader

REFUSAL = "The article doesn't say."
_KEPT_OPEN = 2
"""Replaced generations that stay open, for answers that began before the switch."""
Answerer = Callable[[str, Found, Mapping[str, Article]], Draft]
"""(stand-alone query, what was found, articles by slug) → what to say."""


class QAChain(Runnable[Question, Answer]):
    """A LangChain Runnable: `stream` yields growing snapshots, each with the citations its text needs; `invoke` is
    the last of them; `batch` works. When the index is built again, the next question is answered from the new one.

    Raises BadInput for a question that can not be asked, UnknownArticle, and what the store raises; a question the
    article does not answer is an Answer with `refused`.
    """

    def __init__(
        self,
        index: Index,
        embedder: Embeddings,
        config: Config,
        answerer: Answerer = extract,
        notice: str | None = None,
    ) -> None:
        self._index, self._embedder, self._config = index, embedder, config
        self._answerer, self._notice = answerer, notice
        self._switching = threading.Lock()
        self._replaced: list[Index] = []
        self.retriever = HybridRetriever(index=index, embedder=embedder, top_k=config.top_k)

    @property
    def articles(self) -> Mapping[str, Article]:
        """The articles that can be asked about, by slug, in the index's order."""
        return self._index.articles

    @property
    def default_article(self) -> str:
        return self._index.default_article

    def answered_by(self, answerer: Answerer) -> QAChain:
        """The same chain, index and encoder with another answerer."""
        return QAChain(self._index, self._embedder, self._config, answerer)

    def invoke(self, input: Question, config: RunnableConfig | None = None, **kwargs: Any) -> Answer:
        def last(question: Question) -> Answer:
            *_, answer = self._answers(question)
            return answer

        return self._call_with_config(last, input, config, **kwargs)

    def stream(self, input: Question, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Answer]:
        def each(questions: Iterator[Question]) -> Iterator[Answer]:
            for question in questions:
                yield from self._answers(question)

        yield from self._transform_stream_with_config(iter([input]), each, config, **kwargs)

    def _answers(self, question: Question) -> Iterator[Answer]:
        clock = _Clock()
        retriever = self.follow_index()
        index = retriever.index  # one generation from here to the citation, whatever is switched to meanwhile
        text = clean_question(question.text, self._config.max_question_chars)
        scope = self._scope(question.article_id, index)
        intent = intent_of(text)
        if intent is not Intent.QUESTION:
            draft: Draft | str | None = self._about(intent, scope, index)
            answer = Answer(question, text, "", confidence=1.0)
        else:
            history = [clean_question(h, self._config.max_question_chars) for h in question.history if h.strip()]
            query, found, draft = self._surest(queries(text, history), retriever, scope, clock)
            hits = draft.hits or found.hits
            answer = Answer(question, query, "", confidence=draft.confidence, passages=hits, notice=self._notice)
        for snapshot in self._written(answer, draft, index.articles):
            clock.lap("cite")
            yield replace(snapshot, timings=clock.laps())

    def _surest(
        self, queries: Sequence[str], retriever: HybridRetriever, scope: str, clock: _Clock
    ) -> tuple[str, Found, Draft]:
        """A follow-up can be meant in several ways: each is searched and read, the surest answer is kept. Where none
        is answered, the most trusted one's refusal is."""
        read = []
        for query in queries:
            found = retriever.search(query, scope)
            clock.lap("retrieve")
            read.append((query, found, self._answerer(query, found, retriever.index.articles)))
            clock.lap("read")
        answered = [r for r in read if not r[2].refused]
        return max(answered, key=lambda r: r[2].confidence) if answered else read[0]

    def _written(
        self, answer: Answer, draft: Draft | str | None, articles: Mapping[str, Article]
    ) -> Iterator[Answer]:
        """Snapshots of the answer as its sentences are cited, one more in each."""
        if draft is None:
            yield replace(answer, text="The page doesn't say.", refused=True, confidence=0.0)
        elif isinstance(draft, str):
            yield replace(answer, text=draft)
        elif draft.refused:
            nearest = cite(articles[draft.nearest[0]], draft.nearest[1]) if draft.nearest else None
            yield replace(answer, text=REFUSAL, refused=True, nearest=nearest)
        else:
            citations: tuple[Citation, ...] = ()
            for number, (article_id, span) in enumerate(draft.sentences, start=1):
                citations += (cite(articles[article_id], span, number),)
                yield replace(answer, text=cited_text(citations), short=draft.short, citations=citations)

    def _about(self, intent: Intent, scope: str, index: Index) -> Draft | str | None:
        if intent in CANNED:
            return CANNED[intent]
        if intent in (Intent.SUMMARY, Intent.ABOUT):
            sentences = summary(index, scope, many=intent is Intent.SUMMARY)
            return Draft(tuple(sentences), 1.0, None, refused=False)
        return about_the_page(intent, list(index.articles.values()) if scope == ALL else [index.articles[scope]])

    def _scope(self, article_id: str | None, index: Index) -> str:
        scope = article_id or index.default_article
        if scope != ALL and scope not in index.articles:
            raise UnknownArticle(f"There is no article {scope!r}. There are: {', '.join(index.articles)}, and {ALL}.")
        return scope

    def follow_index(self) -> HybridRetriever:
        """The retriever over the generation in use; one thread opens a new one, the others wait for it."""
        with self._switching:
            if not self._index.in_use:
                fresh = Index(self._config.index, read_manifest(self._config.index))
                self._replaced.append(self._index)
                self._index = fresh
                self.retriever = HybridRetriever(index=self._index, embedder=self._embedder, top_k=self._config.top_k)
                while len(self._replaced) > _KEPT_OPEN:
                    self._replaced.pop(0).close()
            return self.retriever


class _Clock:
    """Milliseconds per stage of one question."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        now = time.perf_counter()
        self._laps[stage] = self._laps.get(stage, 0.0) + 1000 * (now - self._last)
        self._last = now

    def laps(self) -> dict[str, float]:
        return {**self._laps, "total": 1000 * (self._last - self._start)}


def load_chain(
    config: Config,
    share_embedder: Callable[[Embeddings], Embeddings] = lambda one: one,
    share_reader: Callable[[Reader], Reader] = lambda one: one,
) -> QAChain:
    """Open the index in `config.index`. Raises IndexMissing, IndexMismatch or StoreUnavailable, each of which names
    the next command; `build.refresh` makes the index first. A server with many askers wraps the two models, so that
    questions share forward passes."""
    manifest = read_manifest(config.index)
    check_recipe(manifest, config)
    answerer, notice = load_answerer(config, share_reader)
    return QAChain(Index(config.index, manifest), share_embedder(MiniLM()), config, answerer, notice)


def load_answerer(
    config: Config, share_reader: Callable[[Reader], Reader] = lambda one: one
) -> tuple[Answerer, str | None]:
    """What `config.answerer` names; without the reader's weights whole sentences answer, and the notice says so."""
    if config.answerer == "sentences":
        return extract, None
    if config.answerer != "reader":
        raise BadInput(f"RAG_ANSWERER={config.answerer!r} is not known: write reader or sentences.")
    from rag.reader.answer import Calibration, SpanAnswerer
    from rag.reader.model import Reader

    try:
        return SpanAnswerer(share_reader(Reader.load()), Calibration.load()).answer, None
    except ModelMissing as fault:
        return extract, f"Answered with whole sentences: {fault}"
