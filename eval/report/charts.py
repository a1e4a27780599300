"""The rows of runs → the four charts: risk and coverage, calibration, latency, retrieval by rank."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eval.figures import Row, risk_inputs
from eval.report.data import Run
from eval.report.plots import Chart, Point
from eval.risk import risk_curve
from eval.score import RIGHT

BINS = 10


def charts(runs: Sequence[Run]) -> list[tuple[Chart, str]]:
    """Each chart with one sentence that tells how to read it."""
    rows = [(run.name, run.lights) for run in runs]
    slow = max((point[0] for _, held in rows for point in latency(held)), default=1.0) or 1.0
    deepest = max((len(by_rank(held)) for _, held in rows), default=1)
    return [
        (
            Chart("Risk and coverage", "coverage", "share of wrong answers", [(n, risk_coverage(r)) for n, r in rows]),
            "Answering the surest questions first: how many are wrong as more are answered. Flat and low is good.",
        ),
        (
            Chart("Calibration", "confidence", "share right", [(n, calibration(r)) for n, r in rows],
                  diagonal=True, dots=True),  # fmt: skip
            "Of the answers given at about this confidence, how many are right. On the diagonal it means what it says.",
        ),
        (
            Chart("Latency", "milliseconds", "share of questions", [(n, latency(r)) for n, r in rows], x_max=slow),
            "The share of questions answered within this time, cold ones left out; the slowest hundredth is cut off.",
        ),
        (
            Chart("Retrieval by rank", "rank", "share of questions", [(n, by_rank(r)) for n, r in rows],
                  x_max=float(deepest), dots=True, whole=True),  # fmt: skip
            "The share of questions whose evidence is in a passage of this rank or a better one.",
        ),
    ]  # fmt: skip


def risk_coverage(rows: Sequence[Row]) -> list[Point]:
    """(share of all questions answered, share of those that is wrong), from the surest down."""
    confidence, wrong, given = risk_inputs(rows)
    if not any(given):
        return []
    covered, risk = risk_curve(confidence, wrong, np.asarray([given], dtype=float))
    points = {round(float(c) / len(rows), 6): float(r) for c, r in zip(covered[0], risk[0], strict=True) if c}
    return sorted(points.items())


def calibration(rows: Sequence[Row]) -> list[Point]:
    """(mean confidence, share right) of the answers given, in tenths of confidence; empty tenths are left out."""
    bins: dict[int, list[Point]] = {}
    for row in rows:
        if row["confidence"] is not None and not row["metrics"]["refused"]:
            held = float(row["confidence"])
            bins.setdefault(min(BINS - 1, int(held * BINS)), []).append((held, row["metrics"]["outcome"] == RIGHT))
    return [tuple(np.mean(bins[b], axis=0).tolist()) for b in sorted(bins)]


def latency(rows: Sequence[Row]) -> list[Point]:
    """(milliseconds, share of warm questions answered by then), up to the 99th percentile."""
    warm = sorted(float(row["latency_ms"]) for row in rows if not row["cold"])
    kept = max(1, round(0.99 * len(warm)))
    return [(ms, (i + 1) / len(warm)) for i, ms in enumerate(warm[:kept])]


def by_rank(rows: Sequence[Row]) -> list[Point]:
    """(rank, share of questions with evidence whose first relevant passage is at that rank or before)."""
    ranks = [row["metrics"].get("first_rank") for row in rows if row["metrics"].get("rr") is not None]
    found = [rank for rank in ranks if rank]
    return [(float(k), sum(r <= k for r in found) / len(ranks)) for k in range(1, max(found, default=0) + 1)]
