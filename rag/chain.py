"""One question → one answer: the whole path, in the order in which it happens. Everyone asks here: chat,
command line and evaluation."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from langchain_core.embeddings import Embeddings
from langchain_core.runnables import Runnable, RunnableConfig

from rag.abbreviation import told_in_full
from rag.build import check_recipe
from rag.cite import cite, cited_text
from rag.config import Config
from rag.embed import MiniLM
from rag.errors import BadInput, ModelMissing, UnknownArticle
from rag.extract import Draft, extract
from rag.generate import Generator
from rag.intent import OF_THE_PAGE, Intent, intent_of
from rag.llm.speech import Deadline
from rag.overview import CANNED, about_the_page, summary
from rag.question import clean_question
from rag.retrieve import Found, HybridRetriever
from rag.rewrite import asked_last, queries
from rag.store import Index, read_manifest
from rag.topic import told_about
from rag.types import ALL, REFUSAL, Answer, Article, Citation, Passage, Question

if TYPE_CHECKING:
    from rag.reader.model import Reader

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
        llm: Generator | None = None,
    ) -> None:
        self._index, self._embedder, self._config = index, embedder, config
        self._answerer, self._notice, self._llm = answerer, notice, llm
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

    @property
    def answerers(self) -> tuple[str, ...]:
        """What `Question.answerer` may be; the last but one is the default where there is a choice."""
        return ("reader", "llm", "both") if self._llm else ("reader",)

    @property
    def llm_name(self) -> str | None:
        """`provider:model` of the language model, if one is configured."""
        return self._llm.name if self._llm else None

    def answered_by(self, answerer: Answerer) -> QAChain:
        """The same chain, index and encoder with another embedded answerer."""
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
        llm = self._chosen_llm(question, intent)
        history = [clean_question(h, self._config.max_question_chars) for h in question.history if h.strip()]
        wordings, asked = queries(text, history), None
        if llm:  # it begins to work while the reader reads
            deadline = Deadline(self._config.llm_deadline_s)
            wordings = [llm.standalone(text, history, deadline)]
            left = deadline.left  # what the search takes is not the model's: the first one loads the encoder
            retriever.search(wordings[0], scope)
            near = partial(_nearest, retriever, wordings[0], scope)
            asked = llm.ask(wordings[0], retriever.lexical(scope).passages, near, index.articles, Deadline(left))
        draft: Draft | str | None
        answer, draft = Answer(question, text, "", confidence=1.0), None
        if intent is Intent.QUESTION or (history and intent in OF_THE_PAGE):  # "it" may be a book the article tells of
            answer, draft = self._surest(question, wordings, retriever, scope, clock)
        if intent is not Intent.QUESTION and (draft is None or draft.refused):
            answer, draft = Answer(question, text, "", confidence=1.0), self._about(intent, scope, index)
        snapshots = self._written(answer, draft, index.articles)
        if llm and asked:
            *_, embedded = snapshots
            snapshots = llm.answers(asked, replace(answer, query=wordings[0]), embedded, index.articles)
            if question.answerer == "both":
                snapshots = (replace(s, beside=embedded) for s in snapshots)
        for snapshot in snapshots:
            clock.lap("generate" if asked else "cite")
            yield replace(snapshot, timings=clock.laps())

    def _surest(
        self, question: Question, queries: Sequence[str], retriever: HybridRetriever, scope: str, clock: _Clock
    ) -> tuple[Answer, Draft]:
        """A follow-up can be meant in several ways: each is searched and read, the surest answer is kept. Where none
        is answered, the most trusted one's refusal is."""
        read: list[tuple[str, Found, Draft]] = []
        for query in queries:
            found = retriever.search(query, scope)
            clock.lap("retrieve")
            articles = retriever.index.articles
            last = asked_last(query)
            looked_up = told_in_full(last, found, articles) or told_about(last, query, found, articles)
            read.append((query, found, looked_up or self._answerer(query, found, articles)))
            clock.lap("read")
        answered = [r for r in read if not r[2].refused]
        query, found, draft = max(answered, key=lambda r: r[2].confidence) if answered else read[0]
        by = "sentences" if self._answerer is extract else "reader"
        known = Answer(question, query, "", confidence=draft.confidence, notice=self._notice, answerer=by)
        return replace(known, passages=draft.hits or found.hits), draft

    def _chosen_llm(self, question: Question, intent: Intent) -> Generator | None:
        """The language model when the question is for it: what is asked of the text, and wanted from it."""
        if question.answerer not in (None, *self.answerers):
            raise BadInput(
                f"The answerer {question.answerer!r} is not there; there is: {', '.join(self.answerers)}. "
                "RAG_LLM=provider:model brings a language model in."
            )
        of_the_text = intent in (Intent.QUESTION, Intent.SUMMARY, Intent.ABOUT)
        return self._llm if of_the_text and question.answerer != "reader" else None

    def _written(self, answer: Answer, draft: Draft | str | None, articles: Mapping[str, Article]) -> Iterator[Answer]:
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


def _nearest(retriever: HybridRetriever, query: str, scope: str) -> list[Passage]:
    """Many more passages than the reader reads, best first: what a language model is given of a long article."""
    wide = retriever.model_copy(update={"top_k": 8 * retriever.top_k})
    return [hit.passage for hit in wide.search(query, scope).hits]


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
    llm = Generator.load(config) if config.llm else None
    return QAChain(Index(config.index, manifest), share_embedder(MiniLM()), config, answerer, notice, llm)


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
