"""How sure a figure is: intervals and paired tests. `risk.py` has the figures that need all questions at once.

Every statistic here is written over *weights*: a matrix with a row per resample and a column per question, which
says how often the question was drawn. A row of ones gives the figure itself and 10,000 drawn rows its interval, so
the two can not drift apart. The trap that lives here is BCa: it gives NaN when all scores are equal, which perfect
and empty runs are. So intervals are plain percentiles, and proportions get Wilson's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence

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
    return bootstrap_all([statistic], clusters, resamples=resamples, seed=seed)[0]


def bootstrap_all(
    statistics: Sequence[Statistic],
    clusters: Sequence[Hashable],
    units: Sequence[Hashable] | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> list[Interval]:
    """`bootstrap` of several statistics over the same questions: one drawing, the slow part, serves them all.

    `units` names what is drawn when there are too few articles: the question, where rows are repeats of it.
    """
    if len(clusters if units is None else set(units)) < 2:
        return [(math.nan, math.nan)] * len(statistics)
    of = _drawn_by(clusters, units)
    k = int(of.max()) + 1
    # a ratio needs no more than the sums of what is drawn together, ten thousand questions or twenty articles
    held = {i: s.summed(of) for i, s in enumerate(statistics) if isinstance(s, Ratio)}
    sums = np.concatenate(list(held.values()), axis=1) if held else np.zeros((k, 0))
    drawn: list[list[Floats]] = [[] for _ in statistics]
    for counts in _counts(k, len(clusters), resamples, np.random.default_rng(seed)):
        totals = counts @ sums
        for at, i in enumerate(held):
            drawn[i].append(divide(totals[:, 2 * at], totals[:, 2 * at + 1], np.nan))
        if len(held) < len(statistics):
            weights = counts if k == len(of) else counts[:, of]
            for i, statistic in enumerate(statistics):
                if i not in held:
                    drawn[i].append(statistic(weights))
    return [_percentiles(np.concatenate(values)) for values in drawn]


def _percentiles(drawn: Floats) -> Interval:
    drawn = drawn[~np.isnan(drawn)]
    if not drawn.size:
        return (math.nan, math.nan)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return (float(low), float(high))


class Ratio:
    """Sum of numerators / sum of denominators, as a statistic."""

    def __init__(self, above: Floats, below: Floats) -> None:
        self._above, self._below = above, below

    def __call__(self, weights: Floats) -> Floats:
        return divide(weights @ self._above, weights @ self._below, np.nan)

    def summed(self, of: NDArray[np.int64]) -> Floats:
        """Numerators and denominators, two columns, added up by what each question is drawn with."""
        return np.stack([np.bincount(of, weights=x) for x in (self._above, self._below)], axis=1)


def ratio(numerators: Sequence[float], denominators: Sequence[float] | None = None) -> Ratio:
    """Sum of numerators / sum of denominators: a mean when none are given; F1 is (2·tp, 2·tp + fp + fn)."""
    above = np.asarray(numerators, dtype=float)
    return Ratio(above, np.ones_like(above) if denominators is None else np.asarray(denominators, dtype=float))


def mcnemar(wins: int, losses: int) -> float:
    """Exact two-sided McNemar p of paired yes/no outcomes: the binomial test of wins among the flipped ones.

    >>> mcnemar(9, 1)
    0.021484375
    """
    n = wins + losses
    tail, term = 0, 1  # term is n over k, exact, made from the one before: thousands of flips stay quick
    for k in range(min(wins, losses) + 1):
        tail += term
        term = term * (n - k) // (k + 1)
    return min(1.0, 2 * tail / (1 << n))


def permutation(differences: Sequence[float], resamples: int = RESAMPLES, seed: int = SEED) -> float:
    """Two-sided p of a paired sign-flip test of the mean; the observed labelling counts as one of the draws."""
    d = np.asarray([x for x in differences if x], dtype=float)
    if not d.size:
        return 1.0
    rng, observed, extreme = np.random.default_rng(seed), abs(d.sum()) - 1e-12, 0
    for size in _chunks(resamples, d.size):
        signs = 2.0 * rng.integers(0, 2, size=(size, d.size), dtype=np.int8) - 1
        extreme += int((np.abs(signs @ d) >= observed).sum())
    return (extreme + 1) / (resamples + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction for looking at several metrics at once, in the order given."""
    adjusted, running, m = [0.0] * len(p_values), 0.0, len(p_values)
    for rank, i in enumerate(sorted(range(m), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (m - rank) * p_values[i]))
        adjusted[i] = running
    return adjusted


def _drawn_by(clusters: Sequence[Hashable], units: Sequence[Hashable] | None) -> NDArray[np.int64]:
    """For each question the number of what it is drawn with: its article, where there are enough, else its unit."""
    chosen = clusters if len(set(clusters)) >= MIN_CLUSTERS else units if units is not None else range(len(clusters))
    names = {name: i for i, name in enumerate(dict.fromkeys(chosen))}
    return np.asarray([names[name] for name in chosen])


def _counts(k: int, width: int, resamples: int, rng: np.random.Generator) -> Iterator[Floats]:
    """How often each of k things was drawn in k draws, a row per resample."""
    for size in _chunks(resamples, max(k, width)):
        picked = rng.integers(k, size=(size, k)) + k * np.arange(size)[:, None]
        yield np.bincount(picked.ravel(), minlength=size * k).reshape(size, k).astype(float)


def _chunks(resamples: int, width: int) -> Iterator[int]:
    """Row counts that keep a matrix near 16 MB: 10,000 resamples of 10,000 questions would need 800."""
    step = max(1, 2_000_000 // width)
    for done in range(0, resamples, step):
        yield min(step, resamples - done)


def divide(above: Floats, below: Floats, otherwise: float) -> Floats:
    """above / below, and `otherwise` where below is 0."""
    result: Floats = np.divide(above, below, out=np.full_like(above, otherwise, dtype=float), where=below > 0)
    return result
