"""`python -m rag doctor`: what is in use, each part tried, and what to do where one fails. It changes nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rag.config import Config
from rag.errors import RagError


@dataclass(frozen=True, slots=True)
class Finding:
    """One part: `state` is ok, note or fail; `said` what was found, or what is wrong and the next command."""

    part: str
    state: str
    said: str


Check = Callable[[Config], Iterator[Finding]]


def examine(config: Config) -> Iterator[Finding]:
    """A finding for each part, as it is tried; nothing raises. The language model is asked for one word, if there is
    one: the only check that leaves the machine."""
    checks: tuple[tuple[str, Check], ...] = (
        ("encoder", _encoder),
        ("corpus", _corpus),
        ("store", _store),
        ("index", _index),
        ("reader", _reader),
        ("language model", _llm),
        ("privacy", _privacy),
    )
    for part, check in checks:
        try:
            yield from check(config)
        except RagError as fault:
            yield Finding(part, "fail", str(fault))
        except Exception as fault:  # a doctor that dies of what it finds is of no use; no message: it may hold a key
            yield Finding(part, "fail", f"{type(fault).__name__} while trying it. Run `make setup` and try again.")


def report(config: Config, show: Callable[[str], None]) -> int:
    """Show a line for each finding and return the exit code: 1 when a part failed."""
    failed = False
    for found in examine(config):
        show(f"{found.state:<5} {found.part:<15} {found.said}")
        failed |= found.state == "fail"
    return int(failed)


def _encoder(config: Config) -> Iterator[Finding]:
    from rag.embed import DIMENSION, MODEL_ID, MiniLM, model_sha256

    start = time.perf_counter()
    size = len(MiniLM().embed_query("Does it work?"))
    took = time.perf_counter() - start
    state = "ok" if size == DIMENSION else "fail"
    yield Finding("encoder", state, f"{MODEL_ID} ({model_sha256()[:12]}), {size} dimensions, loaded in {took:.1f} s")


def _corpus(config: Config) -> Iterator[Finding]:
    from rag.build import corpus_articles

    articles = corpus_articles(config)
    yield Finding("corpus", "ok", f"{len(articles)} articles in {config.corpus}: {', '.join(a.id for a in articles)}")


def _store(config: Config) -> Iterator[Finding]:
    from importlib.metadata import version

    from rag.store import read_manifest

    where = config.chroma_url or f"in {config.index}, embedded"
    manifest = read_manifest(config.index)
    yield Finding("store", "ok", f"Chroma {version('chromadb')} {where}; generation {manifest.generation}")


def _index(config: Config) -> Iterator[Finding]:
    from rag.build import check_recipe
    from rag.embed import MiniLM
    from rag.retrieve import HybridRetriever
    from rag.store import Index, read_manifest

    manifest = read_manifest(config.index)
    check_recipe(manifest, config)
    index = Index(config.index, manifest)  # opening it makes a vector find itself
    try:
        found = HybridRetriever(index=index, embedder=MiniLM(), top_k=1).search("What is it about?")
    finally:
        index.close()
    state = "ok" if found.hits else "fail"
    counts = f"{len(manifest.articles)} articles, {manifest.passages} passages, {manifest.sentences} sentences"
    yield Finding("index", state, f"{counts}; asked about unless said otherwise: {manifest.default_article}")


def _reader(config: Config) -> Iterator[Finding]:
    from rag.chain import load_answerer

    _, notice = load_answerer(config)
    if notice:
        yield Finding("reader", "note", notice)
    else:
        trained = config.answerer == "reader"
        yield Finding("reader", "ok", "the trained reader's spans" if trained else "whole sentences, as configured")


def _llm(config: Config) -> Iterator[Finding]:
    if not config.llm:
        yield Finding("language model", "ok", "none; RAG_LLM=provider:model brings one in (README, Use an LLM)")
        return
    from langchain_core.messages import HumanMessage

    from rag.llm.cache import Cache
    from rag.llm.faults import Fault
    from rag.llm.provider import open_model, remedy, window
    from rag.llm.speech import Deadline, Speech

    Cache(config.llm_cache)
    start = time.perf_counter()
    try:
        model = open_model(config)
        "".join(Speech(model, [HumanMessage("Answer with the word: ready")], Deadline(config.llm_deadline_s)))
    except Fault as fault:
        yield Finding("language model", "fail", f"{config.llm} {fault.why}. {remedy(config, fault)}")
        return
    took = time.perf_counter() - start
    tokens = window(model, config)
    said = f"{config.llm} answered in {took:.1f} s; {tokens} tokens at once. Questions and passages go there."
    yield Finding("language model", "ok", said)


def _privacy(config: Config) -> Iterator[Finding]:
    tracing = [n for n in ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING_V2") if _on(n)]
    if tracing:
        yield Finding("privacy", "note", f"{tracing[0]} is on: LangChain sends every question to LangSmith. Unset it.")
    elif not config.llm:
        yield Finding("privacy", "ok", "nothing leaves this machine")


def _on(name: str) -> bool:
    return os.environ.get(name, "").lower() in ("1", "true", "yes")
