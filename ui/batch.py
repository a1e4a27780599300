"""Askers share forward passes: what arrives while the model computes is its next batch. Nobody waits for company, so
a single question is as fast as without this."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from langchain_core.embeddings import Embeddings

if TYPE_CHECKING:
    from rag.reader.model import Reader, Reading

In = TypeVar("In")
Out = TypeVar("Out")
QUERIES = 32
"""Questions encoded together."""
PAIRS = 64
"""(question, passage) pairs read together: eight askers' worth. More would not be faster, and the first waits longer."""

CROWD, FEWER = 3, 4


class _Call(Generic[In, Out]):
    """One caller's items, and what came of them; `wake` is set when they are done, or when it is its turn to compute."""

    def __init__(self, items: Sequence[In]) -> None:
        self.items = list(items)
        self.result: list[Out] | None = None
        self.fault: BaseException | None = None
        self.wake = threading.Event()


class Together(Generic[In, Out]):
    """`compute` for callers in many threads: whoever is first in the queue computes for all who have come by then.

    `compute` maps a list to a list of the same length, each item for itself. What it raises for a batch is tried
    again caller by caller, so that one bad item is only its own caller's fault.
    """

    def __init__(self, compute: Callable[[list[In]], list[Out]], most: int) -> None:
        self._compute, self._most = compute, most
        self._waiting: list[_Call[In, Out]] = []
        self._lock = threading.Lock()
        self._busy, self._computing = False, 0

    def __call__(self, items: Sequence[In]) -> list[Out]:
        call: _Call[In, Out] = _Call(items)
        with self._lock:
            self._waiting.append(call)
            first, self._busy = not self._busy, True
        if not first:
            call.wake.wait()
        if call.result is None and call.fault is None:  # the first in the queue, so it is of the batch itself
            batch = self._next()
            self._computing = len(batch)
            self._run(batch)
            self._computing = 0
            for done in batch:
                done.wake.set()
            with self._lock:
                self._busy = bool(self._waiting)
                if self._busy:
                    self._waiting[0].wake.set()
        if call.fault:
            raise call.fault
        return call.result or []

    @property
    def callers(self) -> int:
        """Callers in the queue, and those whose batch is being computed."""
        return len(self._waiting) + self._computing

    def _next(self) -> list[_Call[In, Out]]:
        """The calls of the next batch, in the order they came: one at least, `most` items at most."""
        with self._lock:
            count, size = 0, 0
            for call in self._waiting:
                size += len(call.items)
                if count and size > self._most:
                    break
                count += 1
            batch, self._waiting = self._waiting[:count], self._waiting[count:]
            return batch

    def _run(self, batch: list[_Call[In, Out]]) -> None:
        try:
            results = self._compute([item for call in batch for item in call.items])
        except BaseException as fault:
            if len(batch) == 1:
                batch[0].fault = fault
            else:
                for call in batch:
                    self._run([call])
            return
        at = 0
        for call in batch:
            call.result = results[at : at + len(call.items)]
            at += len(call.items)


class SharedEmbedder(Embeddings):
    """An embedder whose queries are encoded together; documents go straight through."""

    def __init__(self, embedder: Embeddings) -> None:
        self._embedder = embedder
        self._queries: Together[str, list[float]] = Together(embedder.embed_documents, QUERIES)

    def embed_query(self, text: str) -> list[float]:
        """The vector of one question."""
        return self._queries([text])[0]

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """As the embedder's own."""
        return self._embedder.embed_documents(texts)


def shared_reader(reader: Reader) -> Reader:
    """The reader, with `read` shared: the pairs of several questions are read in one batch.

    Beside `CROWD` other askers only the first `FEWER` passages of each are read: they come best first, and
    everybody waits half as long. The others count as holding no answer.
    """
    from rag.reader.model import Reading

    unread = Reading(0, 0, float("-inf"), 0.0, 0.0, 0.0, ())
    together: Together[tuple[str, str], Reading] = Together(reader.read, PAIRS)

    def read(pairs: Sequence[tuple[str, str]]) -> list[Reading]:
        most = FEWER if together.callers >= CROWD else len(pairs)
        return together(pairs[:most]) + [unread] * max(0, len(pairs) - most)

    reader.read = read  # type: ignore[method-assign]
    return reader
