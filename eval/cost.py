"""What the answers of a run took: milliseconds per stage, and the tokens and seconds of a language model."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
MIN_FOR_P95 = 20
"""Below it the 95th percentile is the slowest one or two questions; the maximum says so honestly."""


def latencies(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Stage → p50, p95 (from n = 20 on), max and n, in milliseconds. The cold first question is left out of all, and
    so is what a language model's cache answered."""
    warm = [r for r in rows if not r["cold"] and not (r.get("llm") or {}).get("cached")]
    stages = {s: None for r in warm for s in r["timings_ms"] if s != "total"}
    found = {s: _spread([r["timings_ms"][s] for r in warm if s in r["timings_ms"]]) for s in stages}
    return {**found, "whole question": _spread([r["latency_ms"] for r in warm])} if warm else {}


def _spread(ms: Sequence[float]) -> dict[str, float]:
    import numpy as np

    p95 = float(np.quantile(ms, 0.95)) if len(ms) >= MIN_FOR_P95 else math.nan
    return {"p50": float(np.median(ms)), "p95": p95, "max": max(ms), "n": len(ms)}


def usage(rows: Sequence[Row]) -> dict[str, float]:
    """What a language model took in all, kept answers aside; `fell_back` counts those where it failed and the embedded
    answerer spoke. {} without one."""
    parts = [r["llm"] for r in rows if r.get("llm")]
    fresh = [part for part in parts if not part["cached"]]
    if not parts:
        return {}
    return {
        "asked": len(fresh),
        "cached": len(parts) - len(fresh),
        "fell_back": sum(part["fault"] is not None for part in parts),
        **{key: sum(float(p.get(key) or 0) for p in fresh) for key in ("input_tokens", "output_tokens", "seconds")},
    }
