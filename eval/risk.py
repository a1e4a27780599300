"""How well confidence tells right from wrong: AUROC, and the risk–coverage figures (AURC, AUGRC, coverage at a risk).

Written over weights like everything in `stats.py`. The trap that lives here is ties: questions of equal confidence
are answered together or not at all, or the order of the file would decide the figure.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from eval.stats import Floats, Statistic, divide


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
        return divide(won, pairs, np.nan)

    return statistic


def risk_curve(confidence: Sequence[float], wrong: Sequence[float], weights: Floats) -> tuple[Floats, Floats]:
    """How many are answered, and which share of them is wrong, as the confidence asked for falls, tie by tie."""
    groups, order = _tied(confidence)
    drawn = weights[:, order]
    answered = np.cumsum(np.add.reduceat(drawn, groups, axis=1), axis=1)
    failed = np.cumsum(np.add.reduceat(drawn * np.asarray(wrong, dtype=float)[order], groups, axis=1), axis=1)
    return answered, divide(failed, answered, 0.0)


def aurc(confidence: Sequence[float], wrong: Sequence[float], counts: Sequence[bool] | None = None) -> Statistic:
    """Mean risk over the coverages of the risk–coverage curve (Geifman & El-Yaniv 2017). Lower is better.

    Only questions that `counts` are on the curve; without it all are.
    """
    mask = np.ones(len(confidence)) if counts is None else np.asarray(counts, dtype=float)

    def statistic(weights: Floats) -> Floats:
        answered, risk = risk_curve(confidence, wrong, weights * mask)
        steps = np.diff(answered, axis=1, prepend=0.0)
        return divide((risk * steps).sum(axis=1), answered[:, -1], np.nan)

    return statistic


def augrc(confidence: Sequence[float], wrong: Sequence[float], counts: Sequence[bool] | None = None) -> Statistic:
    """Mean *generalised* risk, wrong among the top k / all questions on the curve (Traub et al. 2024). Lower is better.

    AURC punishes a confident failure many times over; here each counts as often as it is accepted, so that 0.5 times
    the share of wrong answers is what random confidences get.
    """
    mask = np.ones(len(confidence)) if counts is None else np.asarray(counts, dtype=float)

    def statistic(weights: Floats) -> Floats:
        answered, risk = risk_curve(confidence, wrong, weights * mask)
        steps = np.diff(answered, axis=1, prepend=0.0)
        total = answered[:, -1]
        return divide((risk * answered * steps).sum(axis=1), total * total, np.nan)

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


def _tied(confidence: Sequence[float]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each run of equal confidences starts, and the order, highest first, that makes the runs."""
    scores = np.asarray(confidence, dtype=float)
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    return np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]]), order
