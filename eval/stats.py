"""How sure a figure is: intervals, paired tests, and the figures that need all questions at once (AUROC, AURC).

Every statistic here is written over *weights*: a matrix with a row per resample and a column per question, which
says how often the question was drawn. A row of ones gives the figure itself and 10,000 drawn rows its interval, so
the two can not drift apart. The trap that lives here is BCa: it gives NaN when all scores are equal, which perfect
and empty runs are. So intervals are plain percentiles, and proportions get Wilson's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Statistic = Callable[[Floats], Floats]
Interval = tuple[float, float]

SEED = 20_240_611
RESAMPLES = 10_000
MIN_CLUSTERS = 8
"""With fewer articles, whole-article resampling repeats the same few means: questions are drawn instead."""
_Z = 1.959963984540054  # 97.5th percentile of the normal distribution


def wilson(successes: float, n: int) -> Interval:
    """Wilson's 95% score interval of a proportion. It stays inside [0, 1] and is not empty at 0 or n successes.

    >>> tuple(round(x, 3) for x in wilson(8, 10))
    (0.49, 0.943)
    """
    if n == 0:
        return (math.nan, math.nan)
    p, z2 = successes / n, _Z * _Z
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return (max(0.0, middle - half), min(1.0, middle + half))


def value(statistic: Statistic, n: int) -> float:
    """The statistic with each of the n questions counted once."""
    return float(statistic(np.ones((1, n)))[0])


def bootstrap(
    statistic: Statistic, clusters: Sequence[Hashable], resamples: int = RESAMPLES, seed: int = SEED
) -> Interval:
    """Percentile 95% interval over resampled questions, whole articles at a time when there are MIN_CLUSTERS of them.

    `clusters` names each question's article. Resamples in which the statistic has no value are left out.
    """
    if len(clusters) < 2:
        return (math.nan, math.nan)
    drawn = np.concatenate([statistic(w) for w in _weights(clusters, resamples, np.random.default_rng(seed))])
    drawn = drawn[~np.isnan(drawn)]
    return (float(np.quantile(drawn, 0.025)), float(np.quantile(drawn, 0.975))) if drawn.size else (math.nan, math.nan)


def ratio(numerators: Sequence[float], denominators: Sequence[float] | None = None) -> Statistic:
    """Sum of numerators / sum of denominators: a mean when none are given; F1 is (2·tp, 2·tp + fp + fn)."""
    above = np.asarray(numerators, dtype=float)
    below = np.ones_like(above) if denominators is None else np.asarray(denominators, dtype=float)

    def statistic(weights: Floats) -> Floats:
        total = weights @ below
        return _divide(weights @ above, total, np.nan)

    return statistic


def auroc(confidence: Sequence[float], answerable: Sequence[bool]) -> Statistic:
    """The chance that an answerable question has the higher confidence of a random pair; a tie counts half."""
    groups, order = _tied(confidence)
    positive = np.asarray(answerable, dtype=float)[order]

    def statistic(weights: Floats) -> Floats:
        drawn = weights[:, order]
        above = np.add.reduceat(drawn * positive, groups, axis=1)
        below = np.add.reduceat(drawn * (1 - positive), groups, axis=1)
        pairs = above.sum(axis=1) * below.sum(axis=1)
        # groups run from the highest confidence down: a positive beats the negatives of every later group
        later = below.sum(axis=1, keepdims=True) - np.cumsum(below, axis=1)
        won = (above * (later + below / 2)).sum(axis=1)
        return _divide(won, pairs, np.nan)

    return statistic


def risk_curve(confidence: Sequence[float], wrong: Sequence[float], weights: Floats) -> tuple[Floats, Floats]:
    """How many are answered, and which share of them is wrong, as the confidence asked for falls, tie by tie."""
    groups, order = _tied(confidence)
    drawn = weights[:, order]
    answered = np.cumsum(np.add.reduceat(drawn, groups, axis=1), axis=1)
    failed = np.cumsum(np.add.reduceat(drawn * np.asarray(wrong, dtype=float)[order], groups, axis=1), axis=1)
    return answered, _divide(failed, answered, 0.0)


def aurc(confidence: Sequence[float], wrong: Sequence[float]) -> Statistic:
    """Mean risk over the coverages of the risk–coverage curve (Geifman & El-Yaniv 2017). Lower is better."""

    def statistic(weights: Floats) -> Floats:
        answered, risk = risk_curve(confidence, wrong, weights)
        steps = np.diff(answered, axis=1, prepend=0.0)
        return np.asarray((risk * steps).sum(axis=1) / answered[:, -1])

    return statistic


def coverage_at_risk(
    confidence: Sequence[float], wrong: Sequence[float], answered: Sequence[bool], limit: float
) -> Statistic:
    """The largest share of all questions that can be answered, most confident first, at a risk ≤ limit.

    A question that is not `answered` (refused, or it raised) stays in the denominator and adds no risk.
    """
    mask = np.asarray(answered, dtype=float)

    def statistic(weights: Floats) -> Floats:
        covered, risk = risk_curve(confidence, wrong, weights * mask)
        return np.asarray(np.where(risk <= limit, covered, 0.0).max(axis=1) / weights.sum(axis=1))

    return statistic


def mcnemar(wins: int, losses: int) -> float:
    """Exact two-sided McNemar p of paired yes/no outcomes: the binomial test of wins among the flipped ones.

    >>> mcnemar(9, 1)
    0.021484375
    """
    n = wins + losses
    tail: int = sum(math.comb(n, k) for k in range(min(wins, losses) + 1))
    return min(1.0, 2 * tail / (1 << n))


def permutation(differences: Sequence[float], resamples: int = RESAMPLES, seed: int = SEED) -> float:
    """Two-sided p of a paired sign-flip test of the mean; the observed labelling counts as one of the draws."""
    d = np.asarray([x for x in differences if x], dtype=float)
    if not d.size:
        return 1.0
    rng, observed, extreme = np.random.default_rng(seed), abs(d.sum()) - 1e-12, 0
    for size in _chunks(resamples, d.size):
        extreme += int((np.abs(rng.choice((-1.0, 1.0), size=(size, d.size)) @ d) >= observed).sum())
    return (extreme + 1) / (resamples + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction for looking at several metrics at once, in the order given."""
    adjusted, running, m = [0.0] * len(p_values), 0.0, len(p_values)
    for rank, i in enumerate(sorted(range(m), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (m - rank) * p_values[i]))
        adjusted[i] = running
    return adjusted


def _weights(clusters: Sequence[Hashable], resamples: int, rng: np.random.Generator) -> Iterator[Floats]:
    names = {name: i for i, name in enumerate(dict.fromkeys(clusters))}
    whole = len(names) >= MIN_CLUSTERS
    of = np.asarray([names[c] for c in clusters]) if whole else np.arange(len(clusters))
    k = len(names) if whole else len(clusters)
    for size in _chunks(resamples, len(clusters)):
        drawn: NDArray[Any] = rng.multinomial(k, [1 / k] * k, size=size)
        yield drawn[:, of].astype(float)


def _chunks(resamples: int, width: int) -> Iterator[int]:
    """Row counts that keep a matrix near 16 MB: 10,000 resamples of 10,000 questions would need 800."""
    step = max(1, 2_000_000 // width)
    for done in range(0, resamples, step):
        yield min(step, resamples - done)


def _divide(above: Floats, below: Floats, otherwise: float) -> Floats:
    result: Floats = np.divide(above, below, out=np.full_like(above, otherwise, dtype=float), where=below > 0)
    return result


def _tied(confidence: Sequence[float]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each run of equal confidences starts, and the order, highest first, that makes the runs."""
    scores = np.asarray(confidence, dtype=float)
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    return np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]]), order
