"""The three small regressions behind the reader's decisions: which candidate, whether at all, and yes or no.

All are convex, so the same rows give the same weights; each is written out because its loss is not one that
scikit-learn has (weights by row, signs, and a ridge that spares the bias), not to save the import.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Loss = Callable[[Floats], tuple[float, Floats]]


def matrix(values: Sequence[Mapping[str, float]], names: Sequence[str]) -> Floats:
    """A row per mapping, a column per name."""
    return np.array([[v[n] for n in names] for v in values], dtype=float).reshape(len(values), len(names))


def softmax_choice(groups: Sequence[tuple[Floats, NDArray[np.bool_], float]], ridge: float = 0.01) -> list[float]:
    """Weights that give the right rows of each group (rows, which are right, the group's weight) the highest share of
    the group's softmax: conditional logit. Groups without a right row teach nothing and are left out."""
    usable = [(x, right, weight) for x, right, weight in groups if right.any()]

    def loss(w: Floats) -> tuple[float, Floats]:
        total, gradient = ridge * float(w @ w), 2 * ridge * w
        for x, right, weight in usable:
            z = x @ w
            every = np.exp(z - z.max())
            chosen = every * right
            total -= weight * float(np.log(chosen.sum() / every.sum()))
            gradient = gradient - weight * (x.T @ (chosen / chosen.sum() - every / every.sum()))
        return total, gradient

    return minimised(loss, usable[0][0].shape[1])


def logistic(
    rows: Floats, truth: Floats, weight: Floats, signs: Sequence[int], ridge: float = 0.001
) -> list[float]:
    """Logistic regression of `truth` on `rows`, the bias first and free of the ridge; `weight` sums to about 1;
    `signs` says of each column which sign its weight may have, 0 for either."""
    x = np.column_stack([np.ones(len(rows)), rows])

    def loss(w: Floats) -> tuple[float, Floats]:
        z = x @ w
        slope = weight * (1 / (1 + np.exp(-z)) - truth)
        held = ridge * w * (np.arange(len(w)) > 0)
        return float(weight @ (np.logaddexp(0, z) - truth * z) + held @ w / 2), x.T @ slope + held

    return minimised(loss, x.shape[1], [(0 if s > 0 else None, 0 if s < 0 else None) for s in (0, *signs)])


def sure_ends(probability: Floats, truth: Floats, precision: float) -> tuple[float, float]:
    """(yes_at, no_at): the widest ends of the probability within which a share of at least `precision` is right;
    2 or -1, which nothing reaches, where an end has none.

    >>> sure_ends(np.array([0.1, 0.4, 0.6, 0.9]), np.array([0.0, 1.0, 0.0, 1.0]), 0.9)
    (0.9, 0.1)
    """

    def end(scores: Floats, right: Floats) -> float | None:
        order = np.argsort(-scores)
        good = np.cumsum(right[order]) / np.arange(1, len(order) + 1) >= precision
        return float(scores[order][np.flatnonzero(good)[-1]]) if good.any() else None

    yes, no = end(probability, truth), end(1 - probability, 1 - truth)
    return (2.0 if yes is None else yes), (-1.0 if no is None else round(1 - no, 12))


def minimised(loss: Loss, size: int, bounds: Any = None) -> list[float]:
    """The arguments of a smooth loss (value, gradient) at its minimum within bounds, rounded to four places."""
    from scipy.optimize import minimize

    found = minimize(loss, np.zeros(size), jac=True, method="L-BFGS-B", bounds=bounds).x
    return [round(float(v), 4) for v in found]
