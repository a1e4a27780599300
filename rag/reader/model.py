"""(question, passage) → the exact span that answers, how sure that is, and how sure it is that none does.

The step between retrieval and citation. Every candidate passage is read together with the question (a cross-encoder),
so a score may be compared across passages of one question. The trap: offsets are of characters in the given passage,
taken from the tokenizer, never searched for: `passage[reading.start:reading.end]` is the span even where it repeats.
torch is imported by the functions that compute, so that importing this module costs nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rag.reader.encode import Encoded, batch, encode

if TYPE_CHECKING:
    from rag.reader.net import SpanNet

LONGEST = 40
"""Most word pieces in an answer."""
KEPT = 5
"""How many spans of a passage are returned."""
_CELLS = 16_384
"""Word pieces in one batch, padding included: beyond that the caches are left and nothing is gained."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One possible answer: characters `[start, end)` of the passage; `score` is start logit + end logit."""

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read in one passage. All scores are logits, higher is surer.

    `start`, `end`, `score`: the best span (0, 0 and -inf for an empty passage); `null`: the same sum for "not here";
    `here`: a second opinion, that the passage holds the answer at all; `yes`: that a yes/no question is answered with
    yes; `spans`: the best few, best first, no two of them overlapping.
    """

    start: int
    end: int
    score: float
    null: float
    here: float
    yes: float
    spans: tuple[Candidate, ...]

    @property
    def margin(self) -> float:
        """How much better the best span is than "not here"."""
        return self.score - self.null


class Reader:
    """The trained reader. `Reader.load()` takes a second; keep one and share it: reading changes nothing in it."""

    def __init__(self, network: SpanNet) -> None:
        self._network = network

    @classmethod
    def load(cls, weights: Path | None = None) -> Reader:
        """The reader with its shipped weights, of which a process has one, or a new one with those in `weights`; raises
        ModelMissing when they are absent, damaged or made on another encoder."""
        from rag.reader import weights as stored

        return _opened(weights) if weights else _shipped(stored.WEIGHTS)

    def read(self, pairs: Sequence[tuple[str, str]]) -> list[Reading]:
        """One reading for each (question, passage), in the order given; similar lengths are computed together."""
        encoded = encode(pairs)
        readings: dict[int, Reading] = {}
        for group in _groups([len(e.ids) for e in encoded]):
            part = [encoded[i] for i in group]
            logits, verdicts = self._logits(part)
            for row, i in enumerate(group):
                readings[i] = _reading(encoded[i], logits[row], verdicts[row])
        return [readings[i] for i in range(len(pairs))]

    def _logits(self, part: Sequence[Encoded]) -> tuple[NDArray[Any], NDArray[Any]]:
        import torch

        with torch.inference_mode():
            logits, verdicts = self._network(*(torch.from_numpy(a) for a in batch(part, multiple=32)))
        return logits.numpy(), verdicts.numpy()


def _opened(weights: Path) -> Reader:
    from rag.reader import weights as stored
    from rag.reader.net import SpanNet

    frozen, trained = stored.load(weights)
    return Reader(SpanNet(frozen, trained).to(fastest()).eval())


_shipped = lru_cache(maxsize=1)(_opened)


def _groups(lengths: Sequence[int]) -> list[list[int]]:
    """Indices in batches: longest first, each batch of at most `_CELLS` word pieces, a quarter of them
    padding at most."""
    groups: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        longest = lengths[groups[-1][0]] if groups else 0
        if groups and (len(groups[-1]) + 1) * longest <= _CELLS and 4 * lengths[i] >= 3 * longest:
            groups[-1].append(i)
        else:
            groups.append([i])
    return groups


def _reading(encoded: Encoded, logits: NDArray[Any], verdicts: NDArray[Any]) -> Reading:
    null = float(logits[0].sum())
    here, yes = (float(v) for v in verdicts)
    inside = logits[encoded.first : encoded.first + len(encoded.offsets)]
    at = encoded.offsets
    spans = tuple(Candidate(at[first][0], at[last][1], score) for first, last, score in best_spans(inside))
    if not spans:
        return Reading(0, 0, float("-inf"), null, here, yes, ())
    best = spans[0]
    return Reading(best.start, best.end, best.score, null, here, yes, spans)


def best_spans(logits: NDArray[Any], kept: int = KEPT, longest: int = LONGEST) -> list[tuple[int, int, float]]:
    """(first, last, score) of the best spans by logits[first, 0] + logits[last, 1]; `last` is inclusive.

    Of shape (tokens, 2). A span is at most `longest` tokens; one that overlaps a better one is left out.

    >>> best_spans(np.array([[1.0, 0.0], [0.0, 2.0], [0.5, 0.0]]), kept=2)
    [(0, 1, 3.0), (2, 2, 0.5)]
    """
    length = len(logits)
    if not length:
        return []
    scores = logits[:, None, 0] + logits[None, :, 1]
    distance = np.arange(length)[None, :] - np.arange(length)[:, None]
    scores = np.where((distance >= 0) & (distance < longest), scores, -np.inf)
    found: list[tuple[int, int, float]] = []
    for _ in range(kept):
        first, last = divmod(int(scores.argmax()), length)
        if scores[first, last] == -np.inf:
            break
        found.append((first, last, float(scores[first, last])))
        overlapping = (np.arange(length)[:, None] <= last) & (np.arange(length)[None, :] >= first)
        scores[overlapping] = -np.inf
    return found


@lru_cache(maxsize=1)
def fastest() -> Any:
    """bfloat16 on processors that multiply it (1.8 times as fast, same answers), else float32."""
    import torch

    capable = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if capable else torch.float32
