"""Vectors on disk, by Chroma: write a whole generation, open one, search it.

    .index/CURRENT              names the generation in use, and its manifest's hash; replaced in one step, so a reader
                                sees old or new
    .index/gen-…/manifest.json  what made it: model, file hash, dimension, chunker, article hashes, counts; and the
                                hash of every other file of the generation
    .index/gen-…/articles.json  the texts that all offsets refer to
    .index/gen-…/chroma/        the vectors (or, with RAG_CHROMA_URL, collections of that name on the server)

Nothing of a generation changes after it was written: `seal.py` checks it, and copies it for those who open it.
Traps: another model of the same dimension fails in silence, hence the manifest; re-indexing in place loses the old
index when the process dies, hence a folder per generation; Chroma's Settings read a stray .env, hence _env_file=None.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from rag.errors import IndexMismatch, IndexMissing, StoreUnavailable
from rag.seal import MANIFEST, Copy, broken, seal, sha256_of
from rag.types import ALL, Article, Passage, Span

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection

FORMAT = 2
POINTER = "CURRENT"
REBUILD = "Run `python -m rag index` to build it again from the corpus."


RECIPE = ("format", "model", "model_sha256", "dimension", "chunker", "chroma", "chromadb")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What made a generation. Two manifests with equal `recipe()` hold comparable vectors."""

    generation: str
    model: str
    model_sha256: str
    dimension: int
    chunker: str
    chroma: str
    """the Chroma server's address; empty for a folder"""
    chromadb: str
    """version that wrote the files"""
    default_article: str
    articles: Mapping[str, str]
    """slug → sha256 of what was indexed of the article"""
    passages: int
    sentences: int
    files: Mapping[str, str]
    """path in the generation's folder → sha256, of every other file of it"""
    format: int = FORMAT

    def recipe(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in RECIPE}


@contextmanager
def store_faults(what: str, where: object) -> Iterator[None]:
    """Turn what the disk, SQLite, Chroma or its server raise into one StoreUnavailable line."""
    import httpx
    from chromadb.errors import ChromaError

    try:
        yield
    except PermissionError as fault:
        raise StoreUnavailable(
            f"{what}: no permission for {fault.filename or where}. Make the folder writable, "
            "or set RAG_INDEX to another one."
        ) from fault
    except (httpx.HTTPError, ConnectionError) as fault:
        raise StoreUnavailable(
            f"{what}: the Chroma server at {where} does not answer ({fault}). "
            "Start it (`chroma run`), or unset RAG_CHROMA_URL."
        ) from fault
    except OSError as fault:
        raise StoreUnavailable(
            f"{what}: {fault.filename or where} can not be used ({fault.strerror or fault}). "
            "Mend that, or set RAG_INDEX to another folder."
        ) from fault
    except (sqlite3.Error, ChromaError) as fault:
        raise StoreUnavailable(f"{what}: {where} can not be used ({fault}). {REBUILD}") from fault


def connect(generation: Path, chroma_url: str) -> ClientAPI:
    """A Chroma client on a generation's own folder, or on the server at `chroma_url`."""
    import chromadb
    from chromadb.config import Settings

    settings = Settings(_env_file=None, anonymized_telemetry=False)  # type: ignore[call-arg]
    with store_faults("The vector store can not be opened", chroma_url or generation):
        if not chroma_url:
            return chromadb.PersistentClient(str(generation / "chroma"), settings=settings)
        url = urlsplit(chroma_url)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise StoreUnavailable(f"RAG_CHROMA_URL={chroma_url!r} is not an address such as http://localhost:8000.")
        ssl = url.scheme == "https"
        port = url.port or (443 if ssl else 8000)
        try:
            return chromadb.HttpClient(host=url.hostname, port=port, ssl=ssl, settings=settings)
        except ValueError as fault:  # how chromadb reports a refused connection
            raise ConnectionError(str(fault).strip()) from fault


def write_vectors(
    client: ClientAPI, name: str, ids: list[str], vectors: Sequence[Any], metadatas: list[dict[str, Any]]
) -> Collection:
    """Make the collection `name` (cosine) and fill it; `add` refuses both empty and over-long batches."""
    collection = client.create_collection(
        name, configuration={"hnsw": {"space": "cosine", "ef_search": 256}}, embedding_function=None
    )
    step = min(client.get_max_batch_size(), 4096)
    for i in range(0, len(ids), step):
        part = slice(i, i + step)
        matrix = np.asarray(vectors[part], dtype=np.float32)
        collection.add(ids=ids[part], embeddings=matrix, metadatas=list(metadatas[part]))
    return collection


def read_pointer(folder: Path) -> str | None:
    """The name of the generation in use, or None when there is no index."""
    return _pointer(folder)[0] or None


def _pointer(folder: Path) -> tuple[str, str]:
    """Name of the generation in use and the hash of its manifest; empty where there is none."""
    try:
        words = (folder / POINTER).read_text(encoding="utf-8", errors="replace").split()
    except (FileNotFoundError, NotADirectoryError):
        words = []
    except OSError as fault:
        raise StoreUnavailable(f"The index at {folder} can not be read ({fault}). Check its permissions.") from fault
    return (words[0], words[1]) if len(words) == 2 else ("", "")


def write_pointer(folder: Path, generation: str) -> None:
    """Switch to a generation: after this line the new one answers, before it the old one."""
    fresh = folder / f"{POINTER}.new"
    with fresh.open("w", encoding="utf-8") as file:
        file.write(f"{generation} {sha256_of(folder / generation / MANIFEST)}\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, folder / POINTER)


def read_manifest(folder: Path) -> Manifest:
    """The manifest in use; IndexMissing without an index, IndexMismatch when it is damaged or of another version."""
    generation, sha256 = _pointer(folder)
    if not generation:
        raise IndexMissing(f"There is no index in {folder} yet. Run `python -m rag index`.")
    path = folder / generation / MANIFEST
    try:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ValueError("it is not the one that was written")
        return Manifest(**json.loads(data))
    except (FileNotFoundError, NotADirectoryError):
        raise IndexMissing(f"The index in {folder} has lost {generation}. {REBUILD}") from None
    except (OSError, ValueError, TypeError) as fault:
        raise IndexMismatch(f"The manifest {path} can not be used ({fault}). {REBUILD}") from fault


def check_whole(home: Path, manifest: Manifest) -> None:
    """Raise IndexMismatch when a file of a generation is damaged, missing or too many."""
    if damaged := broken(home, manifest.files):
        raise IndexMismatch(f"The index is damaged: {home / damaged[0]} is not as it was written. {REBUILD}")


class Index:
    """One opened generation: texts, passages, and nearest neighbours. Read-only; safe to share between threads."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self._home = folder / manifest.generation
        with store_faults("The index can not be opened", self._home):
            self._copy = Copy(self._home)
        check_whole(self._copy.path, manifest)
        self.articles = _read_articles(self._copy.path)
        self._client = connect(self._copy.path, manifest.chroma)
        self._disconnect = weakref.finalize(self, self._client.close)  # type: ignore[attr-defined]
        with store_faults("The index can not be read", manifest.chroma or self._home):
            self._passages = self._collection("passages")
            self._sentences = self._collection("sentences")
            self.passages = self._load_passages()
            self._probe()

    def _collection(self, kind: str) -> Collection:
        from chromadb.errors import NotFoundError

        name = f"{self.manifest.generation}-{kind}"
        try:
            return self._client.get_collection(name, embedding_function=None)
        except NotFoundError:
            where = self.manifest.chroma or self._home
            raise IndexMismatch(f"Chroma at {where} has lost the collection {name}. {REBUILD}") from None

    def _load_passages(self) -> dict[str, Passage]:
        rows = self._passages.get(include=["metadatas"])
        passages = {}
        for id_, at in zip(rows["ids"], rows["metadatas"] or [], strict=True):
            start, end = int(at["start"]), int(at["end"])  # type: ignore[arg-type]
            article = self.articles[str(at["article"])]
            sentences = tuple((a, b) for a, b in json.loads(str(at["sentences"])))
            passages[id_] = Passage(id_, article.id, start, end, article.text[start:end], sentences)
        order = {id_: n for n, id_ in enumerate(self.articles)}
        return dict(sorted(passages.items(), key=lambda kv: (order[kv[1].article_id], kv[1].start)))

    def _probe(self) -> None:
        """Refuse an index that is not whole: counts, and one stored vector that has to find itself."""
        found = (len(self.passages), self._sentences.count())
        if found != (self.manifest.passages, self.manifest.sentences):
            raise IndexMismatch(
                f"The index in {self._home} holds {found[0]} passages and {found[1]} sentences where its manifest says "
                f"{self.manifest.passages} and {self.manifest.sentences}. {REBUILD}"
            )
        for collection in (self._passages, self._sentences):
            one = collection.get(limit=1, include=["embeddings"])
            near = collection.query(query_embeddings=one["embeddings"], n_results=1, include=["distances"])
            if not near["distances"] or not near["distances"][0] or near["distances"][0][0] > 1e-3:
                raise IndexMismatch(f"The vectors in {self._home} do not find themselves: damaged. {REBUILD}")

    @property
    def in_use(self) -> bool:
        """Whether this generation is still the one the pointer names."""
        return read_pointer(self.folder) == self.manifest.generation

    def nearest_passages(self, vector: Sequence[float], scope: str, n: int) -> dict[str, float]:
        """Passage id → cosine similarity (higher is nearer) of the `n` nearest in scope."""
        return self._nearest(self._passages, vector, scope, n)

    def nearest_sentences(self, vector: Sequence[float], scope: str, n: int) -> dict[tuple[str, Span], float]:
        """(article id, span) → cosine similarity of the `n` nearest sentences in scope."""
        found = self._nearest(self._sentences, vector, scope, n)
        return {_sentence_key(id_): score for id_, score in found.items()}

    def _nearest(self, collection: Collection, vector: Sequence[float], scope: str, n: int) -> dict[str, float]:
        where: Any = None if scope == ALL else {"article": scope}
        with store_faults("The question can not be searched", self.manifest.chroma or self._home):
            query = np.asarray([vector], dtype=np.float32)
            rows = collection.query(query_embeddings=query, n_results=n, where=where, include=["distances"])
        # Chroma's cosine distance is 1 - similarity: turned round here, once.
        return {id_: 1.0 - d for id_, d in zip(rows["ids"][0], (rows["distances"] or [[]])[0], strict=True)}

    def vectors_of(self, article_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Stored vectors by passage id and by sentence id: an unchanged article is not embedded again."""
        where: Any = {"article": article_id}
        with store_faults("The old index can not be read", self.manifest.chroma or self._home):
            both = [c.get(where=where, include=["embeddings"]) for c in (self._passages, self._sentences)]
        return tuple(dict(zip(r["ids"], r["embeddings"], strict=True)) for r in both)  # type: ignore

    @cached_property
    def default_article(self) -> str:
        return self.manifest.default_article

    def close(self) -> None:
        """Let go of Chroma and of the copy; the garbage collector does so too, when the last question is through."""
        self._disconnect()
        self._copy.close()


def _read_articles(home: Path) -> dict[str, Article]:
    try:
        rows = json.loads((home / "articles.json").read_text(encoding="utf-8"))
        return {row["id"]: Article(**row) for row in rows}
    except (OSError, ValueError, TypeError, KeyError) as fault:
        raise IndexMismatch(f"The articles of {home} can not be read ({fault}). {REBUILD}") from fault


def sentence_id(article_id: str, span: Span) -> str:
    return f"{article_id}:{span[0]}-{span[1]}"


def _sentence_key(id_: str) -> tuple[str, Span]:
    article, _, at = id_.rpartition(":")
    start, _, end = at.partition("-")
    return article, (int(start), int(end))


def write_generation(home: Path, manifest: Manifest, articles: Sequence[Article]) -> Manifest:
    """The two JSON files of a generation, and its seal; written last, so a folder without a manifest is not one."""
    rows = [asdict(a) for a in articles]
    (home / "articles.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    sealed = replace(manifest, files=seal(home))
    (home / MANIFEST).write_text(json.dumps(asdict(sealed), indent=1), encoding="utf-8")
    return sealed


def remove_generations(folder: Path, keep: set[str], chroma_url: str) -> None:
    """Delete all but `keep`: generations replaced long ago, and those a killed process left half made."""
    for old in folder.glob("gen-*"):
        if old.name not in keep:
            shutil.rmtree(old, ignore_errors=True)
    if chroma_url:
        client = connect(folder, chroma_url)
        with store_faults("Old collections can not be removed", chroma_url):
            for name in [c if isinstance(c, str) else c.name for c in client.list_collections()]:
                generation = name.rpartition("-")[0]
                if generation.startswith("gen-") and generation not in keep:
                    client.delete_collection(name)
