"""Rows of a run → figures, each with its interval and with how many questions it was scored on → printed tables.

The trap that lives here is the silent denominator: a mean over the questions that happened to have a score. Every
figure carries `n scored / n total`, and the outcomes add up to n.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from eval import stats
from eval.score import OUTCOMES, RIGHT

if TYPE_CHECKING:
    from rich.console import Console

Row = Mapping[str, Any]
MIN_FOR_P95 = 20
"""Below it the 95th percentile is the slowest one or two questions; the maximum says so honestly."""
RISK = 0.05
_ALWAYS = ("abstention precision", "citations verbatim")
"""Shown even when nothing was refused or cited: that there is none is the finding. Others do not apply then."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A value and its 95% interval (NaN: there is none), scored on `scored` of `total` questions that could count."""

    group: str
    name: str
    value: float
    low: float
    high: float
    scored: int
    total: int


def figures(rows: Sequence[Row]) -> list[Figure]:
    """All figures of a run, in the order they are printed."""
    answerable = [r for r in rows if r["answerable"]]
    found = [
        _proportion("retrieval", "hit@1", "hit_at_1", answerable),
        _proportion("retrieval", "hit@3", "hit_at_3", answerable),
        _mean("retrieval", "MRR", "rr", answerable),
        _proportion("answer", "em, all (SQuAD v2)", "em", rows),
        _mean("answer", "f1, all (SQuAD v2)", "f1", rows),
        _proportion("answer", "em, answerable", "em", answerable),
        _mean("answer", "f1, answerable", "f1", answerable),
        _mean("answer", "f1 lenient, answerable", "f1_lenient", answerable),
        _proportion("answer", "containment", "containment", answerable),
        _proportion("answer", "yes or no right", "yes_no", answerable),
        _proportion("citation", "citation hit", "citation_hit", answerable),
        _validity(rows),
        _proportion("citation", "correct and cited", "correct_and_cited", answerable),
        *_abstention(rows),
        _share("all", "right", [r["metrics"]["outcome"] == RIGHT for r in rows], len(rows)),
    ]
    return [f for f in found if f.scored or f.name in _ALWAYS]


def outcomes(rows: Sequence[Row]) -> dict[str, int]:
    """How many questions had each outcome, right first; the counts add up to n."""
    counted = Counter(r["metrics"]["outcome"] for r in rows)
    return {name: counted[name] for name in (*OUTCOMES, *sorted(set(counted) - set(OUTCOMES))) if counted[name]}


def latencies(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Stage → p50, p95 (from n = 20 on), max and n, in milliseconds; the cold first question is left out of all."""
    warm = [r for r in rows if not r["cold"]]
    stages = {s: None for r in warm for s in r["timings_ms"] if s != "total"}
    found = {s: _spread([r["timings_ms"][s] for r in warm if s in r["timings_ms"]]) for s in stages}
    return {**found, "whole question": _spread([r["latency_ms"] for r in warm])} if warm else {}


@dataclass(frozen=True, slots=True)
class Tables:
    """All that is printed of a run. Made once: the intervals are the slow part."""

    n: int
    figures: Sequence[Figure]
    outcomes: Mapping[str, int]
    latency_ms: Mapping[str, Mapping[str, float]]
    cold_start_s: float | None

    def as_json(self) -> dict[str, Any]:
        """Plain types for DIR/summary.json; NaN, which JSON does not have, becomes null."""
        return {
            "n": self.n,
            "figures": [_plain(asdict(f)) for f in self.figures],
            "outcomes": dict(self.outcomes),
            "latency_ms": {stage: _plain(found) for stage, found in self.latency_ms.items()},
            "cold_start_s": self.cold_start_s,
        }


def tables(rows: Sequence[Row], cold_start_s: float | None) -> Tables:
    return Tables(len(rows), figures(rows), outcomes(rows), latencies(rows), cold_start_s)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: None if value != value else value for key, value in values.items()}


def _proportion(group: str, name: str, key: str, rows: Sequence[Row]) -> Figure:
    return _share(group, name, [bool(v) for v, _ in _values(key, rows)], len(rows))


def _share(group: str, name: str, successes: Sequence[bool], total: int) -> Figure:
    yes, n = sum(successes), len(successes)
    return Figure(group, name, yes / n if n else math.nan, *stats.wilson(yes, n), n, total)


def _mean(group: str, name: str, key: str, rows: Sequence[Row]) -> Figure:
    values = _values(key, rows)
    return _figure(group, name, stats.ratio([v for v, _ in values]), [r for _, r in values], len(rows))


def _figure(group: str, name: str, statistic: stats.Statistic, scored: Sequence[Row], total: int) -> Figure:
    if not scored:
        return Figure(group, name, math.nan, math.nan, math.nan, 0, total)
    interval = stats.bootstrap(statistic, [r["article"] for r in scored])
    return Figure(group, name, stats.value(statistic, len(scored)), *interval, len(scored), total)


def _values(key: str, rows: Sequence[Row]) -> list[tuple[float, Row]]:
    return [(r["metrics"][key], r) for r in rows if r["metrics"][key] is not None]


def _validity(rows: Sequence[Row]) -> Figure:
    """Valid citations / citations; n counts the answers that cite."""
    cited = [r["metrics"] for r in rows if r["metrics"]["citations"]]
    valid, count = (sum(held[key] for held in cited) for key in ("citations_valid", "citations"))
    value = valid / count if count else math.nan
    return Figure("citation", "citations verbatim", value, *stats.wilson(valid, count), len(cited), len(rows))


def _abstention(rows: Sequence[Row]) -> list[Figure]:
    """Positive = should abstain. A question that raised did not abstain, and counts against the confidence too."""
    refused = [r for r in rows if r["metrics"]["refused"]]
    unanswerable = [r for r in rows if not r["answerable"]]
    answerable = [r for r in rows if r["answerable"]]
    found = [_share("abstention", "over-abstention", [r["metrics"]["refused"] for r in answerable], len(answerable))]
    if unanswerable:
        # 2·tp over 2·tp + fp + fn: a refusal adds 1 below, an unanswerable question adds 1 below
        above = [2.0 * (r["metrics"]["refused"] and not r["answerable"]) for r in rows]
        below = [float(r["metrics"]["refused"]) + float(not r["answerable"]) for r in rows]
        found = [
            _share("abstention", "abstention precision", [not r["answerable"] for r in refused], len(rows)),
            _share(
                "abstention", "abstention recall", [r["metrics"]["refused"] for r in unanswerable], len(unanswerable)
            ),
            _figure("abstention", "abstention F1", stats.ratio(above, below), rows, len(rows)),
            *found,
        ]
        if answerable:
            auroc = stats.auroc([_confidence(r) for r in rows], [r["answerable"] for r in rows])
            found.append(_figure("abstention", "AUROC of confidence", auroc, rows, len(rows)))
    return found + _risk(rows)


def _risk(rows: Sequence[Row]) -> list[Figure]:
    """How well confidence ranks the answers given: what share of them is wrong as it falls."""
    answered = [r["confidence"] is not None and not r["metrics"]["refused"] for r in rows]
    given = [r for r, a in zip(rows, answered, strict=True) if a]
    if not given:
        return []
    confidence, wrong = [r["confidence"] or 0.0 for r in rows], [float(r["metrics"]["outcome"] != RIGHT) for r in rows]
    covered = stats.coverage_at_risk(confidence, wrong, answered, RISK)
    aurc = stats.aurc([r["confidence"] for r in given], [float(r["metrics"]["outcome"] != RIGHT) for r in given])
    return [
        _figure("abstention", "AURC (lower is better)", aurc, given, len(rows)),
        _figure("abstention", f"coverage at {RISK:.0%} risk", covered, rows, len(rows)),
    ]


def _confidence(row: Row) -> float:
    """A question that raised has none: it gets the one that is worst for its side."""
    held: float | None = row["confidence"]
    return held if held is not None else (-math.inf if row["answerable"] else math.inf)


def _spread(ms: Sequence[float]) -> dict[str, float]:
    import numpy as np

    p95 = float(np.quantile(ms, 0.95)) if len(ms) >= MIN_FOR_P95 else math.nan
    return {"p50": float(np.median(ms)), "p95": p95, "max": max(ms), "n": len(ms)}


def show(held: Tables, console: Console) -> None:
    """Print a run: the figures, the outcomes, which add up to n, and the latencies."""
    print_table(console, ("metric", "value", "95% interval", "n scored"), [_cells(f) for f in held.figures])
    counted = [(name, f"{count}", f"{count / held.n:.3f}") for name, count in held.outcomes.items()]
    total = ("all questions", f"{sum(held.outcomes.values())}", "")
    print_table(console, ("outcome", "questions", "share"), [*counted, total])
    stages = [(s, *(_ms(t[k]) for k in ("p50", "p95", "max")), f"{t['n']:.0f}") for s, t in held.latency_ms.items()]
    print_table(console, ("latency, ms", "p50", "p95", "max", "n"), stages)
    if held.cold_start_s is not None:
        console.print(f"cold start (opening the chain to its first answer): {held.cold_start_s:.1f} s", highlight=False)


def _ms(milliseconds: float) -> str:
    return "-" if milliseconds != milliseconds else f"{milliseconds:.0f}"


def _cells(f: Figure) -> tuple[str, str, str, str]:
    value = "-" if f.value != f.value else f"{f.value:.3f}"
    interval = "-" if f.low != f.low else f"{f.low:.3f} to {f.high:.3f}"
    return f.name, value, interval, f"{f.scored}/{f.total}"


def print_table(console: Console, header: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Aligned columns; frames and colours only on a terminal, so that a file or a pipe gets plain text."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD if console.is_terminal else None, pad_edge=False)
    for i, title in enumerate(header):
        table.add_column(title, justify="right" if i else "left", no_wrap=True)
    for line in lines:
        table.add_row(*line)
    if lines:
        console.print(table)
        console.print()
