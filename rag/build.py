"""Corpus → index: embed what changed, copy what did not, write a new generation beside the old one, then switch.

Until the switch nothing is touched that answers questions: kill it at any point and the old index still answers.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rag.chunk import CHUNKER, chunk
from rag.config import Config
from rag.embed import DIMENSION, MODEL_ID, MiniLM, model_sha256
from rag.errors import BadInput, IndexMismatch, IndexMissing, RagError, StoreUnavailable
from rag.store import (
    REBUILD,
    Index,
    Manifest,
    check_whole,
    connect,
    read_manifest,
    remove_generations,
    sentence_id,
    store_faults,
    write_generation,
    write_pointer,
    write_vectors,
)
from rag.types import ALL, Article, Passage

Progress = Callable[[str, int, int], None]
"""Called with (what is being done, how much is done, how much there is)."""

_BATCH = 64


def refresh(config: Config, progress: Progress | None = None) -> Manifest:
    """Build the index of `config.corpus`, or bring it up to date; quick when nothing changed."""
    return build_index(corpus_articles(config), config, progress)


def posted_folder(config: Config) -> Path:
    """Where articles that came over the network are kept: apart from the user's own files."""
    return config.index / "posted"


def corpus_articles(config: Config) -> list[Article]:
    """The articles of the corpus folder, lead articles first, then as they stood on their page; posted ones last."""
    from rag.load import load_articles

    files = sorted(config.corpus.glob("*.md"))
    if not files:
        raise BadInput(
            f"The corpus folder {config.corpus} holds no article. Run `python -m rag index PAGE.txt` to put one in, "
            "or set RAG_CORPUS to another folder."
        )
    articles = [a for f in files for a in load_articles(f, config.max_file_mb)]
    posted = [a for f in sorted(posted_folder(config).glob("*.md")) for a in load_articles(f, config.max_file_mb)]
    return sorted(articles, key=_place) + posted


def _place(article: Article) -> tuple[bool, str, int, str]:
    position = article.metadata.get("position", "")
    at = int(position) if position.isdigit() else 0
    return article.metadata.get("role", "main") != "main", article.source, at, article.id


def build_index(articles: Sequence[Article], config: Config, progress: Progress | None = None) -> Manifest:
    """Index `articles` into `config.index`; the first is the default unless `config.default_article` names another.

    Articles whose text, model and chunker are those of the present index keep their vectors. Raises BadInput for
    articles that can not be indexed, StoreUnavailable when the folder or the Chroma server can not be written.
    """
    default = _checked(articles, config)
    with store_faults("The index can not be written", config.index):
        wanted = _manifest(articles, default, config)
        present, _ = _present(config, wanted)
        if present and _same(present, wanted):  # no lock: an index that may only be read answers too
            return present
        with _lock(config.index):
            present, remark = _present(config, wanted)  # again: who held the lock may have built it
            if present and _same(present, wanted):
                return present
            if progress and remark:
                progress(remark, 0, 0)
            return _write(articles, wanted, present, config, progress or (lambda *_: None))


def _checked(articles: Sequence[Article], config: Config) -> str:
    """Refuse what can not be indexed; return the default article's id."""
    ids = [a.id for a in articles]
    for id_ in ids:
        if id_ == ALL or ids.count(id_) > 1:
            raise BadInput(f"Two articles are called {id_!r}, or it is a reserved name. Rename one file of the corpus.")
    if empty := [a.id for a in articles if not a.text.strip()]:
        raise BadInput(f"The article {empty[0]!r} has no text. Remove it from the corpus, or fill it.")
    if not ids:
        raise BadInput("There is no article to index.")
    if config.default_article and config.default_article not in ids:
        raise BadInput(f"RAG_DEFAULT_ARTICLE={config.default_article!r} is not in the corpus: {', '.join(ids)}.")
    return config.default_article or ids[0]


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """One writer at a time; readers need no lock."""
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / "lock", timeout=120):
            yield
    except Timeout:
        raise StoreUnavailable(
            f"Another process has been writing the index in {folder} for two minutes. Wait for it, or stop it."
        ) from None


def _manifest(articles: Sequence[Article], default: str, config: Config) -> Manifest:
    """What the index of these articles has to say of itself; counts are filled in when it is written."""
    return Manifest(
        generation=f"gen-{time.time_ns():x}",
        model=MODEL_ID,
        model_sha256=model_sha256(),
        dimension=DIMENSION,
        chunker=f"{CHUNKER}/{config.passage_tokens}/{config.overlap_tokens}",
        chroma=config.chroma_url,
        chromadb=version("chromadb"),
        default_article=default,
        articles={a.id: _sha256(a) for a in articles},
        passages=0,
        sentences=0,
        files={},
    )


def _sha256(article: Article) -> str:
    return hashlib.sha256(json.dumps(asdict(article), sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


def _same(a: Manifest, b: Manifest) -> bool:
    return list(a.articles.items()) == list(b.articles.items()) and a.default_article == b.default_article


def _present(config: Config, wanted: Manifest) -> tuple[Manifest | None, str]:
    """The index there is, if it is whole and of the same recipe; and why it has to be built again if not."""
    try:
        manifest = read_manifest(config.index)
        if manifest.recipe() != wanted.recipe():
            return None, f"Building the index again: {difference(manifest, wanted)}"
        check_whole(config.index / manifest.generation, manifest)
        if config.chroma_url:
            Index(config.index, manifest).close()  # its vectors are elsewhere: ask for them
        return manifest, ""
    except IndexMissing:
        return None, ""
    except IndexMismatch as fault:
        return None, f"Building the index again. {fault}".removesuffix(f" {REBUILD}")


def difference(old: Manifest, new: Manifest) -> str:
    """Which parts of two manifests' recipes differ, in words."""
    is_ = new.recipe()
    return "; ".join(f"{n} was {was!s:.20}, is {is_[n]!s:.20}" for n, was in old.recipe().items() if was != is_[n])


def check_recipe(manifest: Manifest, config: Config) -> None:
    """Raise IndexMismatch unless the index was made by this model and chunker: other vectors answer wrongly."""
    wanted = _manifest([], "", config)
    if manifest.recipe() != wanted.recipe():
        raise IndexMismatch(
            f"The index in {config.index} was made otherwise ({difference(manifest, wanted)}). "
            "Run `python -m rag index`."
        )


def _write(
    articles: Sequence[Article], wanted: Manifest, old: Manifest | None, config: Config, progress: Progress
) -> Manifest:
    home = config.index / wanted.generation
    home.mkdir()
    client = connect(home, config.chroma_url)  # first: a server that is down is told before minutes of embedding
    embedder = MiniLM()
    passages = {a.id: chunk(a, config.passage_tokens, config.overlap_tokens, embedder.count_tokens) for a in articles}
    rows = [row for a in articles for row in _rows(a, passages[a.id])]
    kept = _kept(wanted, old, config.index)
    vectors = _embed([(kind, id_, text) for kind, id_, text, _ in rows], kept, embedder, progress)
    counts = {}
    with store_faults("The index can not be written", config.chroma_url or home):
        for kind in ("passages", "sentences"):
            mine = [(id_, at) for k, id_, _, at in rows if k == kind]
            ids = [id_ for id_, _ in mine]
            write_vectors(
                client, f"{wanted.generation}-{kind}", ids, [vectors[kind, i] for i in ids], [at for _, at in mine]
            )
            counts[kind] = len(ids)
        client.close()  # type: ignore[attr-defined]
    counted = replace(wanted, passages=counts["passages"], sentences=counts["sentences"])
    manifest = write_generation(home, counted, articles)
    write_pointer(config.index, manifest.generation)
    # The one just replaced stays: somebody may be on the way from the pointer to it.
    keep = {manifest.generation} | ({old.generation} if old else set())
    remove_generations(config.index, keep, config.chroma_url)
    return manifest


Row = tuple[str, str, str, dict[str, Any]]
"""(passages | sentences, id, text, what Chroma keeps beside the vector)"""


def _rows(article: Article, passages: Sequence[Passage]) -> Iterator[Row]:
    for p in passages:
        at = {"article": article.id, "start": p.start, "end": p.end, "sentences": json.dumps(p.sentences)}
        yield "passages", p.id, p.text, at
    for span in sorted({s for p in passages for s in p.sentences}):
        yield "sentences", sentence_id(article.id, span), article.text[slice(*span)], {"article": article.id}


def _kept(wanted: Manifest, old: Manifest | None, folder: Path) -> dict[tuple[str, str], Any]:
    """Vectors of the articles that did not change, by (kind, id)."""
    kept: dict[tuple[str, str], Any] = {}
    same = [id_ for id_, sha in wanted.articles.items() if old and old.articles.get(id_) == sha]
    if not old or not same:
        return kept
    index = Index(folder, old)
    for article_id in same:
        for kind, vectors in zip(("passages", "sentences"), index.vectors_of(article_id), strict=True):
            kept.update({(kind, id_): v for id_, v in vectors.items()})
    index.close()
    return kept


def _embed(
    texts: list[tuple[str, str, str]], kept: dict[tuple[str, str], Any], embedder: MiniLM, progress: Progress
) -> dict[tuple[str, str], Any]:
    """Vectors of all `texts`, by (kind, id): those in `kept`, and the encoder's for the rest."""
    fresh = [(kind, id_, text) for kind, id_, text in texts if (kind, id_) not in kept]
    for i in range(0, len(fresh), _BATCH):
        progress("Embedding passages and sentences", i, len(fresh))
        part = fresh[i : i + _BATCH]
        for (kind, id_, _), vector in zip(part, embedder.embed_documents([t for _, _, t in part]), strict=True):
            kept[kind, id_] = vector
    progress("Embedding passages and sentences", len(fresh), len(fresh))
    return kept


__all__ = ["Progress", "RagError", "build_index", "check_recipe", "corpus_articles", "posted_folder", "refresh"]
