"""The same chain with another retriever, for `sweep` and `bench`; and the stock pipeline that a tutorial builds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rag.cite import cite, cited_text
from rag.errors import BadInput
from rag.retrieve import Found, HybridRetriever, ranking
from rag.types import Answer, Article, Hit, Passage, Question

if TYPE_CHECKING:
    from rag.build import Progress
    from rag.chain import QAChain

RETRIEVERS = ("dense", "bm25", "hybrid")
STOCK_K = 4
"""How many chunks LangChain's `similarity_search` returns unless told otherwise."""


class DenseRetriever(HybridRetriever):
    """Our passages by the cosine of their vectors alone."""

    def search(self, query: str, scope: str | None = None) -> Found:
        scope = scope or self.scope
        vector = self.embedder.embed_query(query)
        near = self.index.nearest_passages(vector, scope, self.top_k)
        hits = tuple(Hit(self.index.passages[i], near[i], near[i]) for i in ranking(near)[: self.top_k])
        sentences = self.index.nearest_sentences(vector, scope, 4 * max(64, 4 * self.top_k))
        return Found(hits, sentences, self.lexical(scope).bm25)


class WordRetriever(HybridRetriever):
    """Our passages by their words alone (BM25)."""

    def search(self, query: str, scope: str | None = None) -> Found:
        scope = scope or self.scope
        lexical = self.lexical(scope)
        scores = {p.id: s for p, s in zip(lexical.passages, lexical.bm25.scores(query), strict=True) if s > 0}
        hits = tuple(Hit(self.index.passages[i], float(scores[i]), 0.0) for i in ranking(scores)[: self.top_k])
        sentences = self.index.nearest_sentences(self.embedder.embed_query(query), scope, 4 * max(64, 4 * self.top_k))
        return Found(hits, sentences, lexical.bm25)


_KINDS: Mapping[str, type[HybridRetriever]] = {
    "dense": DenseRetriever,
    "bm25": WordRetriever,
    "hybrid": HybridRetriever,
}


def with_retriever(chain: QAChain, kind: str, top_k: int) -> QAChain:
    """The chain, from now on with this retriever. BadInput when there is no such."""
    if kind not in _KINDS:
        raise BadInput(f"There is no retriever {kind!r}. There are: {', '.join(_KINDS)}.")
    held = chain.retriever
    chain.retriever = _KINDS[kind](index=held.index, embedder=held.embedder, top_k=top_k)
    return chain


class StockChain:
    """LangChain's splitter (1000 characters, 200 overlap), the same encoder, Chroma's similarity search; without a
    language model the best chunk is the answer. It never refuses, and takes a follow-up as it stands."""

    def __init__(self, chain: QAChain, asked: Sequence[str], report: Progress) -> None:
        from eval.retrieval import stock

        self.articles: Mapping[str, Article] = chain.articles
        about = [chain.articles[slug] for slug in asked]
        self._rank = stock(about, chain.retriever.embedder, STOCK_K, report)

    def invoke(self, input: Question) -> Answer:
        from eval.retrieval import Asked

        article = self.articles[input.article_id or ""]
        spans = self._rank(Asked(input.text, article.id, ()))
        hits = [
            Hit(Passage(f"{a}", article.id, a, b, article.text[a:b], ((a, b),)), 1 / rank, 0.0)
            for rank, (a, b) in enumerate(spans, start=1)
        ]
        quote = (cite(article, spans[0]),)
        return Answer(input, input.text, cited_text(quote), citations=quote, confidence=1.0, passages=tuple(hits))
