"""How good a ranking of passages is, judged by gold spans: what `metrics.py` does not need a whole list for.

The trap that lives here is counting a fact twice: passages overlap, so two of them may cover the same gold span.
Every span is credited once, to the first passage that covers it. And longer passages hit more easily, hence
`gold_share`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from eval.metrics import Span, overlap, relevant


def first_rank(passages: Sequence[Span], golds: Sequence[Span]) -> int | None:
    """The rank, from 1, of the first relevant passage; None when none is."""
    return next((rank for rank, p in enumerate(passages, start=1) if relevant(p, golds)), None)


def recall_at(k: int, passages: Sequence[Span], golds: Sequence[Span]) -> float:
    """The share of the (different) gold spans that one of the first k passages covers.

    >>> recall_at(2, [(0, 10), (20, 30), (40, 50)], [(1, 3), (21, 23), (41, 43), (41, 43)])
    0.6666666666666666
    """
    spans = set(golds)
    return sum(any(relevant(p, [g]) for p in passages[:k]) for g in spans) / len(spans)


def ndcg_at(k: int, passages: Sequence[Span], golds: Sequence[Span]) -> float:
    """nDCG at k: a passage gains 1 when it covers a gold span that none before it does, discounted by log2(rank + 1).

    Best would be those passages, and one for each span that none covers, at the top. In [0, 1].

    >>> ndcg_at(3, [(0, 10), (0, 12), (20, 30)], [(1, 3), (21, 23)]) == (1 + 1 / 2) / (1 + 1 / math.log2(3))
    True
    """
    left = set(golds)
    credited: list[int] = []
    for rank, p in enumerate(passages, start=1):
        if covered := {g for g in left if relevant(p, [g])}:
            left -= covered
            credited.append(rank)
    best = sum(1 / math.log2(rank + 1) for rank in range(1, min(k, len(credited) + len(left)) + 1))
    return sum(1 / math.log2(rank + 1) for rank in credited if rank <= k) / best


def gold_share(passages: Sequence[Span], golds: Sequence[Span]) -> float:
    """Gold characters retrieved, each counted once, / characters retrieved. 0.0 when nothing was."""
    length = sum(end - start for start, end in passages)
    found = sum(overlap(p, g) for p in _merged(passages) for g in _merged(golds))
    return found / length if length else 0.0


def _merged(spans: Sequence[Span]) -> list[Span]:
    """The same characters as spans that do not touch each other."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
