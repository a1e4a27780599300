"""`python -m eval retrieval SET`: does what answers the question come first? Four retrievers, side by side.

    stock dense  what a first tutorial builds: LangChain's RecursiveCharacterTextSplitter (1000 characters, 200 of them
                 overlap), the same encoder, Chroma
    dense        our passages by the cosine of their vectors
    BM25         our passages by their words
    hybrid       the chain's own retriever

Each ranks the chunks of the whole article that the question is about. A hit, for all four alike, is a chunk that
covers at least half of one gold span at its place in the article (`metrics.relevant`, the rule of `eval run`): a
native set's evidence, or any of a SQuAD question's annotated answers where they stand in its paragraph. The same
words elsewhere in the article are no hit. MRR looks at as many chunks as the chain retrieves.

The trap that lives here is the size of a chunk: one twice as long holds twice the article, so its hit@k comes cheaper
and its reader pays. Hence the mean length, and the hits at equal reading: chunks in rank order, the last one cut off,
until READ characters are through.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from langchain_core.embeddings import Embeddings

from eval import metrics as m
from eval import stats
from eval.sets import Example, select
from rag.config import Config
from rag.errors import BadInput, RagError
from rag.types import Article, Span

if TYPE_CHECKING:
    from rich.console import Console

    from rag.build import Progress
    from rag.retrieve import HybridRetriever

READ = 1000
"""Characters: one stock chunk, two or three of our passages."""
STOCK, HYBRID = "stock dense", "hybrid"
INCOMPLETE = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as the chain searches for it, the article it is about, and where that article answers it."""

    query: str
    article: str
    golds: tuple[Span, ...]


Ranker = Callable[[Asked], list[Span]]
"""The chunks of the question's article, best first."""
Ranked = Mapping[str, list[list[Span]]]
"""Retriever → for each question asked so far, its chunks, best first."""


def main(path: Path, filters: Sequence[str], n: int | None, config: Config, report: Progress, console: Console) -> int:
    """Rank for every question of the set, print the table; 4 when Ctrl-C came between. Raises BadInput."""
    from eval.chains import prepare
    from eval.formats import load_set
    from eval.progress import progress
    from rag.chain import load_chain

    _stock_is_installed()  # before the indexing, which may take minutes
    held = load_set(path)
    config, examples = prepare(held, select(held.examples, filters, n), config, report)
    questions = searched(examples, config.max_question_chars)
    if not questions:
        raise BadInput(f"None of the {len(examples)} questions chosen from {path} has gold evidence to look for.")
    chain = load_chain(config)
    asked_about = [chain.articles[slug] for slug in dict.fromkeys(q.article for q in questions)]
    once = Once(chain.retriever.embedder)
    retriever = chain.retriever.model_copy(update={"embedder": once})
    rankers = {STOCK: stock(asked_about, once, config.top_k, report), **ours(retriever)}
    ranked: dict[str, list[list[Span]]] = {name: [] for name in rankers}
    try:
        with progress(len(questions), []) as step:
            for question in questions:
                found = {name: rank(question) for name, rank in rankers.items()}
                for name, spans in found.items():
                    ranked[name].append(spans)
                step(bool(m.hit_at(1, found[HYBRID], question.golds)))
    except KeyboardInterrupt:
        if not ranked[HYBRID]:
            raise
    without = sum(not e.evidence for e in examples)
    show(ranked, questions, config.top_k, console)
    console.print(
        f"left out of {len(examples)}: {without} questions without gold evidence in the article, "
        f"{len(examples) - without - len(questions)} that the chain answers without a search",
        highlight=False,
        soft_wrap=True,
    )
    return 0 if len(ranked[HYBRID]) == len(questions) else INCOMPLETE


def searched(examples: Sequence[Example], max_chars: int) -> list[Asked]:
    """The questions with located evidence that the chain searches for; "summarize it" it answers without."""
    from rag.intent import Intent, intent_of
    from rag.question import clean_question
    from rag.rewrite import standalone

    questions = []
    for e in examples:
        try:
            text, *history = (clean_question(q, max_chars) for q in (e.question, *e.history))
        except BadInput as fault:
            raise BadInput(f"{e.where}: {fault}") from None
        if e.evidence and intent_of(text) is Intent.QUESTION:
            questions.append(Asked(standalone(text, history), e.article, tuple(x.span for x in e.evidence)))
    return questions


class Once(Embeddings):
    """An encoder that embeds a question once for all the retrievers that are asked it in turn."""

    def __init__(self, encoder: Embeddings) -> None:
        self._encoder = encoder
        self._embed = lru_cache(maxsize=1)(encoder.embed_query)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return self._encoder.embed_documents(texts)

    def embed_query(self, text: str) -> list[float]:
        return self._embed(text)


def stock(articles: Sequence[Article], embedder: Embeddings, top_k: int, report: Progress) -> Ranker:
    """The stock set-up, one Chroma collection in memory per article."""
    from uuid import uuid4

    import chromadb
    from chromadb.config import Settings
    from langchain_chroma import Chroma
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(chunk_size=1000, chunk_overlap=200)
    client = chromadb.EphemeralClient(Settings(_env_file=None, anonymized_telemetry=False))
    stores = {}
    for done, article in enumerate(articles):
        report("Embedding stock chunks, articles", done, len(articles))
        chunks = splitter.split_text(article.text)
        at: list[dict[str, Any]] = [{"start": s, "end": e} for s, e in located(chunks, article.text)]
        # Chroma's memory is one per process: a name of its own, or a second call adds to the first one's chunks.
        stores[article.id] = Chroma.from_texts(chunks, embedder, at, client=client, collection_name=uuid4().hex)
    report("Embedding stock chunks, articles", len(articles), len(articles))

    def rank(question: Asked) -> list[Span]:
        found = stores[question.article].similarity_search(question.query, k=top_k)
        return [(d.metadata["start"], d.metadata["end"]) for d in found]

    return rank


def located(chunks: Sequence[str], text: str) -> list[Span]:
    """Where a splitter's chunks stand: each is looked for from the start of the one before.

    >>> located(["a b", "b a", "a b"], "a b a b")
    [(0, 3), (2, 5), (4, 7)]
    """
    spans: list[Span] = []
    for chunk in chunks:
        start = text.index(chunk, spans[-1][0] + 1 if spans else 0)
        spans.append((start, start + len(chunk)))
    return spans


def ours(retriever: HybridRetriever) -> dict[str, Ranker]:
    """The chain's retriever, and its two halves alone on the same passages."""
    from rag.retrieve import ranking

    index, top_k = retriever.index, retriever.top_k

    def spans(scores: Mapping[str, float]) -> list[Span]:
        return [(index.passages[id_].start, index.passages[id_].end) for id_ in ranking(scores)[:top_k]]

    def dense(question: Asked) -> list[Span]:
        return spans(index.nearest_passages(retriever.embedder.embed_query(question.query), question.article, top_k))

    def bm25(question: Asked) -> list[Span]:
        lexical = retriever.lexical(question.article)
        scores = lexical.bm25.scores(question.query)
        return spans({p.id: s for p, s in zip(lexical.passages, scores, strict=True) if s > 0})

    def hybrid(question: Asked) -> list[Span]:
        hits = retriever.search(question.query, question.article).hits
        return [(h.passage.start, h.passage.end) for h in hits]

    return {"dense": dense, "BM25": bm25, HYBRID: hybrid}


def within(characters: int, chunks: Sequence[Span]) -> list[Span]:
    """The chunks, best first, as far as so many characters of them reach.

    >>> within(100, [(0, 80), (200, 280), (400, 480)])
    [(0, 80), (200, 220)]
    """
    read: list[Span] = []
    for start, end in chunks:
        if characters <= 0:
            break
        read.append((start, min(end, start + characters)))
        characters -= end - start
    return read


def show(ranked: Ranked, questions: Sequence[Asked], top_k: int, console: Console) -> None:
    """Print a row per retriever, how much of it chunk length explains, and the gain over stock, paired by question."""
    from eval.table import print_table

    done = questions[: len(ranked[HYBRID])]
    header = ("retriever", "chunk chars", "hit@1", "hit@3", f"MRR (first {top_k})", f"hit in {READ} chars", "n")
    print_table(console, header, [_row(name, spans, done) for name, spans in ranked.items()])
    gain = [m.hit_at(1, ours, q.golds) - m.hit_at(1, theirs, q.golds) for ours, theirs, q in _pairs(ranked, done)]
    low, high = stats.bootstrap(stats.ratio(gain), [q.article for q in done])
    lines = [
        f"hybrid over stock dense, hit@1: {100 * sum(gain) / len(gain):+.1f} points "
        f"(95% interval {100 * low:+.1f} to {100 * high:+.1f}, paired by question)",
        f"longer chunks hit more easily: “hit in {READ} chars” compares the retrievers at equal reading",
    ]
    if len(done) < len(questions):
        lines.append(f"incomplete: {len(questions) - len(done)} of {len(questions)} questions are missing.")
    console.print("\n".join(lines), highlight=False, soft_wrap=True)


def _pairs(ranked: Ranked, questions: Sequence[Asked]) -> list[tuple[list[Span], list[Span], Asked]]:
    return list(zip(ranked[HYBRID], ranked[STOCK], questions, strict=True))


def _row(name: str, ranked: Sequence[Sequence[Span]], questions: Sequence[Asked]) -> tuple[str, ...]:
    pairs = [(chunks, q.golds) for chunks, q in zip(ranked, questions, strict=True)]
    lengths = [end - start for chunks in ranked for start, end in chunks]
    read = [(within(READ, chunks), golds) for chunks, golds in pairs]
    rr = [m.reciprocal_rank(chunks, golds) for chunks, golds in pairs]
    return (
        name,
        f"{sum(lengths) / max(1, len(lengths)):.0f}",
        _share([m.hit_at(1, chunks, golds) for chunks, golds in pairs]),
        _share([m.hit_at(3, chunks, golds) for chunks, golds in pairs]),
        _figure(sum(rr) / len(rr), stats.bootstrap(stats.ratio(rr), [q.article for q in questions])),
        _share([m.hit_at(len(chunks), chunks, golds) for chunks, golds in read]),
        f"{len(pairs)}",
    )


def _share(hits: Sequence[float]) -> str:
    return _figure(sum(hits) / len(hits), stats.wilson(sum(hits), len(hits)))


def _figure(value: float, interval: stats.Interval) -> str:
    low, high = interval
    return f"{value:.3f} {low:.3f}–{high:.3f}" if low == low else f"{value:.3f}"


def _stock_is_installed() -> None:
    from importlib.util import find_spec

    if missing := [name for name in ("langchain_chroma", "langchain_text_splitters") if find_spec(name) is None]:
        raise RagError(f"The stock retriever needs {' and '.join(missing)}, which `make setup` installs. Run it.")
