"""(question, passage) → word pieces, and back from a word piece to its place in the passage.

The encoder's own tokenizer, without its truncation: what lies past the network's length is cut here, the question
first to `MAX_QUESTION` pieces (its end, where a follow-up stands, is kept), then the passage's end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rag.embed import tokenizer
from rag.types import Span

CLS, SEP = 101, 102
MAX_QUESTION, MAX_LENGTH = 64, 384
Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Encoded:
    """[CLS] question [SEP] passage [SEP] as `ids`; the passage begins at index `first`, and `offsets[i]` is the span
    of token `first + i` in the passage's characters."""

    ids: list[int]
    first: int
    offsets: list[Span]


def encode(pairs: Sequence[tuple[str, str]]) -> list[Encoded]:
    """The word pieces of each (question, passage); texts that repeat are tokenised once."""
    texts = list(dict.fromkeys(text for pair in pairs for text in pair))
    encodings = tokenizer().encode_batch(texts, add_special_tokens=False)
    pieces = dict(zip(texts, encodings, strict=True))
    return [_join(pieces[question].ids, pieces[passage].ids, pieces[passage].offsets) for question, passage in pairs]


def _join(question: list[int], passage: list[int], offsets: list[Span]) -> Encoded:
    question = question[-MAX_QUESTION:]
    room = MAX_LENGTH - len(question) - 3
    ids = [CLS, *question, SEP, *passage[:room], SEP]
    return Encoded(ids, len(question) + 2, offsets[:room])


def batch(encoded: Sequence[Encoded], multiple: int = 1) -> tuple[Ids, Ids, Ids]:
    """Ids, segments (0 question, 1 passage) and real (0 padding), each (batch, longest rounded up to `multiple`)."""
    length = max(len(e.ids) for e in encoded)
    length += -length % multiple
    ids, segments, real = (np.zeros((len(encoded), length), dtype=np.int64) for _ in range(3))
    for row, e in enumerate(encoded):
        ids[row, : len(e.ids)] = e.ids
        segments[row, e.first : len(e.ids)] = 1
        real[row, : len(e.ids)] = 1
    return ids, segments, real


def tokens_of(span: Span, encoded: Encoded) -> tuple[int, int] | None:
    """First and last token (indices into `ids`) of a span of the passage; None if it was cut off."""
    inside = [i for i, (a, b) in enumerate(encoded.offsets) if a < span[1] and b > span[0]]
    return (encoded.first + inside[0], encoded.first + inside[-1]) if inside else None
