"""The chain under test: the one that the chat uses, over the user's index or over the articles that a set brings.

A set's own articles go into an index of their own, `INDEX/eval/<hash of the texts>`, never into the user's; the
second run on the same texts finds it ready. It is always a folder: on a shared Chroma server, writing a second
index would take the user's for a replaced one and remove it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Protocol

from eval.sets import Example, QuestionSet, locate
from rag.config import Config
from rag.types import Answer, Article, Question

if TYPE_CHECKING:
    from rag.build import Progress


class Chain(Protocol):
    """What the evaluation needs of a chain; `rag.chain.QAChain` is one, and so are the tests' fakes."""

    @property
    def articles(self) -> Mapping[str, Article]: ...

    def invoke(self, input: Question) -> Answer: ...


def prepare(
    questions: QuestionSet, chosen: Sequence[Example], config: Config, progress: Progress | None = None
) -> tuple[Config, tuple[Example, ...]]:
    """Index what the chosen questions ask about: the configuration to load the chain with, and the examples with
    their evidence located. Only articles that are asked about are indexed."""
    from rag.build import build_index, corpus_articles, refresh

    asked = dict.fromkeys(e.article for e in chosen)
    own = {slug: questions.articles[slug] for slug in asked if slug in questions.articles}
    corpus = {} if len(own) == len(asked) else {a.id: a for a in corpus_articles(config)}
    articles = {**corpus, **own}
    located = tuple(locate(e, articles) for e in chosen)  # before the indexing: a fault should not take minutes
    if not own:
        refresh(config, progress)
        return config, located
    texts = [articles[slug] for slug in asked]
    config = replace(config, index=config.index / "eval" / _key(texts), chroma_url="", default_article="")
    build_index(texts, config, progress)
    return config, located


def open_chain(config: Config) -> tuple[Chain, dict[str, Any]]:
    """The chain that the chat uses (`rag.chain.load_chain`), and what made its index. The chain comes first: its
    errors say what to do about a missing index."""
    from rag import chain
    from rag.store import read_manifest

    opened = chain.load_chain(config)
    made = asdict(read_manifest(config.index))
    return opened, {key: made[key] for key in ("model", "model_sha256", "chunker", "format")}


def _key(articles: Sequence[Article]) -> str:
    digest = hashlib.sha256()
    for a in articles:
        digest.update(f"{a.id}\0{a.text}\0".encode())
    return digest.hexdigest()[:16]
