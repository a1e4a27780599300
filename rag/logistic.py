"""The logistic regression that every confidence here is: a weighted sum of named features, squeezed into [0, 1]."""

from __future__ import annotations

import math
from collections.abc import Mapping

Weights = Mapping[str, float]


def dot(weights: Weights, values: Weights) -> float:
    """The weighted sum; a feature without a weight counts nothing, and the weights may hold a `bias`."""
    return weights.get("bias", 0.0) + sum(weights.get(name, 0.0) * value for name, value in values.items())


def sigmoid(z: float) -> float:
    """1 / (1 + e^-z), for any z without overflow.

    >>> sigmoid(0.0), sigmoid(-1e9) < 1e-300
    (0.5, True)
    """
    return 1 / (1 + math.exp(-max(-700.0, z)))
