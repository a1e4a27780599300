"""Rows of a run → figures, each with its interval and with how many questions it was scored on.

The trap that lives here is the silent denominator: a mean over the questions that happened to have a score. Every
figure carries `n scored / n total`, and the outcomes add up to n. When questions were asked more than once, the rows
of a question are no independent draws: intervals then come from resampled questions, never from Wilson's formula.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from eval import risk, stats
from eval.cost import latencies, usage
from eval.score import OUTCOMES, RIGHT, K

Row = Mapping[str, Any]
RISK = 0.05
_ALWAYS = ("abstention_precision", "citation_valid")
"""Shown even when nothing was refused or cited: that there is none is the finding. Others do not apply then."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A value and its 95% interval (NaN: there is none), scored on `scored` of `total` questions that could count.
    `key` is its name for the gate; `lower` says that lower is better."""

    group: str
    key: str
    name: str
    value: float
    low: float
    high: float
    scored: int
    total: int
    lower: bool = False


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A figure still to be computed: over all rows, so that one drawing of resamples serves every figure."""

    group: str
    key: str
    name: str
    statistic: stats.Statistic
    scored: int
    total: int
    hits: float | None = None  # of a proportion: Wilson's interval is the better one
    trials: float = 0.0
    lower: bool = False


def figures(rows: Sequence[Row]) -> list[Figure]:
    """All figures of a run, in the order they are printed."""
    wanted = [w for w in _wanted(rows) if w.scored or w.key in _ALWAYS]
    repeated = any(row.get("repeat", 0) for row in rows)
    drawn = [w for w in wanted if w.scored and (w.hits is None or repeated)]
    units = [row["id"] for row in rows] if repeated else None
    intervals = dict(
        zip(
            (w.key for w in drawn),
            stats.bootstrap_all([w.statistic for w in drawn], [r["article"] for r in rows], units) if drawn else [],
            strict=True,
        )
    )
    return [_figure(w, intervals.get(w.key), len(rows)) for w in wanted]


def _figure(w: _Wanted, drawn: stats.Interval | None, n: int) -> Figure:
    value = stats.value(w.statistic, n) if w.scored else math.nan
    low, high = drawn if drawn is not None else stats.wilson(w.hits or 0.0, round(w.trials))
    if w.scored < 2 and w.hits is None:
        low = high = math.nan
    return Figure(w.group, w.key, w.name, value, low, high, w.scored, w.total, w.lower)


def _wanted(rows: Sequence[Row]) -> Iterator[_Wanted]:
    answerable = [bool(r["answerable"]) for r in rows]
    yield _metric("retrieval", "hit_at_1", "hit@1", rows, answerable, binary=True)
    yield _metric("retrieval", "hit_at_3", "hit@3", rows, answerable, binary=True)
    yield _metric("retrieval", "rr", "MRR", rows, answerable)
    yield _metric("retrieval", "recall_at_5", f"recall@{K}", rows, answerable)
    yield _metric("retrieval", "ndcg_at_5", f"nDCG@{K}", rows, answerable)
    yield _metric("retrieval", "gold_share", "gold / retrieved characters", rows, answerable)
    yield _metric("answer", "em", "em, all (SQuAD v2)", rows, binary=True)
    yield _metric("answer", "f1", "f1, all (SQuAD v2)", rows)
    yield _metric("answer", "em_answerable", "em, answerable", rows, answerable, "em", binary=True)
    yield _metric("answer", "f1_answerable", "f1, answerable", rows, answerable, "f1")
    yield _metric("answer", "f1_lenient", "f1 lenient, answerable", rows, answerable)
    yield _metric("answer", "containment", "containment", rows, answerable, binary=True)
    yield _metric("answer", "token_recall", "token recall", rows, answerable)
    yield _metric("answer", "yes_no", "yes or no right", rows, answerable, binary=True)
    yield _metric("citation", "citation_hit", "citation hit", rows, answerable, binary=True)
    yield _validity(rows)
    yield _metric("citation", "citation_recall", "citation recall", rows)
    yield _metric("citation", "citation_precision", "citation precision", rows)
    yield _metric("citation", "correct_and_cited", "correct and cited", rows, answerable, binary=True)
    yield _metric("faithfulness", "content_precision", "content words in passages (composed answers)", rows)
    yield from _abstention(rows, answerable)
    right = [float(r["metrics"]["outcome"] == RIGHT) for r in rows]
    yield _share("all", "right", "right", right, [True] * len(rows), len(rows))
    if stable := _stable(rows):
        yield stable


def _metric(
    group: str,
    key: str,
    name: str,
    rows: Sequence[Row],
    of: Sequence[bool] | None = None,
    field: str = "",
    binary: bool = False,
) -> _Wanted:
    """A mean of the rows' `field` (or `key`) over those where it applies, among the rows that it is `of`."""
    mask = [True] * len(rows) if of is None else of
    held = [r["metrics"].get(field or key) if m else None for r, m in zip(rows, mask, strict=True)]
    scored = [v is not None for v in held]
    values = [float(v or 0.0) for v in held]
    total = sum(mask)
    if binary:
        return _share(group, key, name, [float(bool(v)) for v in values], scored, total)
    return _Wanted(group, key, name, stats.ratio(values, [float(s) for s in scored]), sum(scored), total)


def _share(
    group: str, key: str, name: str, hits: Sequence[float], scored: Sequence[bool], total: int, lower: bool = False
) -> _Wanted:
    counted = [h if s else 0.0 for h, s in zip(hits, scored, strict=True)]
    statistic = stats.ratio(counted, [float(s) for s in scored])
    return _Wanted(group, key, name, statistic, sum(scored), total, sum(counted), sum(scored), lower)


def _validity(rows: Sequence[Row]) -> _Wanted:
    """The share of citations that are verbatim; scored = the answers that cite. Wilson's interval is over citations."""
    cited = [float(r["metrics"]["citations"]) for r in rows]
    valid = [float(r["metrics"]["citations_valid"]) for r in rows]
    scored, verbatim = sum(n > 0 for n in cited), stats.ratio(valid, cited)
    name = "citations verbatim"
    return _Wanted("citation", "citation_valid", name, verbatim, scored, len(rows), sum(valid), sum(cited))


def _abstention(rows: Sequence[Row], answerable: Sequence[bool]) -> Iterator[_Wanted]:
    """Positive = should abstain. F1, AUROC and coverage look at all questions, AURC and AUGRC at those answered."""
    refused = [bool(r["metrics"]["refused"]) for r in rows]
    unanswerable = [not a for a in answerable]
    n = len(rows)
    if any(unanswerable):
        told = [float(u) for u in unanswerable]
        yield _share("abstention", "abstention_precision", "abstention precision", told, refused, n)
        said = [float(r) for r in refused]
        yield _share("abstention", "abstention_recall", "abstention recall", said, unanswerable, sum(unanswerable))
        # F1 of abstaining: 2·tp / (2·tp + fp + fn), where 2·tp + fp + fn = refused + unanswerable
        above = [2.0 * (r and u) for r, u in zip(refused, unanswerable, strict=True)]
        below = [float(r) + float(u) for r, u in zip(refused, unanswerable, strict=True)]
        yield _Wanted("abstention", "abstention_f1", "abstention F1", stats.ratio(above, below), n, n)
    over = [float(r) for r in refused]
    yield _share("abstention", "over_abstention", "over-abstention", over, answerable, sum(answerable), lower=True)
    if any(unanswerable) and any(answerable):
        auroc = risk.auroc([_confidence(r) for r in rows], answerable)
        yield _Wanted("abstention", "auroc", "AUROC of confidence", auroc, n, n)
    yield from _risk(rows)


def _risk(rows: Sequence[Row]) -> Iterator[_Wanted]:
    """How well confidence ranks the answers given: what share of them is wrong as it falls."""
    confidence, wrong, given = risk_inputs(rows)
    scored, n = sum(given), len(rows)
    if not scored:
        return
    aurc, augrc = risk.aurc(confidence, wrong, given), risk.augrc(confidence, wrong, given)
    yield _Wanted("abstention", "aurc", "AURC (lower is better)", aurc, scored, n, lower=True)
    yield _Wanted("abstention", "augrc", "AUGRC (lower is better)", augrc, scored, n, lower=True)
    covered = risk.coverage_at_risk(confidence, wrong, given, RISK)
    yield _Wanted("abstention", "coverage_at_5_risk", f"coverage at {RISK:.0%} risk", covered, n, n)


def risk_inputs(rows: Sequence[Row]) -> tuple[list[float], list[float], list[bool]]:
    """Per row its confidence, whether it is wrong (1.0), and whether it was answered."""
    given = [r["confidence"] is not None and not r["metrics"]["refused"] for r in rows]
    return (
        [float(r["confidence"] or 0.0) for r in rows],
        [float(r["metrics"]["outcome"] != RIGHT) for r in rows],
        given,
    )


def _confidence(row: Row) -> float:
    """A question that raised has none: it gets the one that is worst for its side."""
    held: float | None = row["confidence"]
    return held if held is not None else (-math.inf if row["answerable"] else math.inf)


def _stable(rows: Sequence[Row]) -> _Wanted | None:
    """With repeats: the share of questions that had the same outcome each time. Weighted 1 / repeats per row."""
    seen: dict[str, list[str]] = {}
    for r in rows:
        seen.setdefault(r["id"], []).append(r["metrics"]["outcome"])
    if all(len(o) == 1 for o in seen.values()):
        return None
    weight = [1 / len(seen[r["id"]]) for r in rows]
    same = [w * (len(set(seen[r["id"]])) == 1) for r, w in zip(rows, weight, strict=True)]
    return _Wanted("all", "stable", "same outcome in every repeat", stats.ratio(same, weight), len(seen), len(seen))


def outcomes(rows: Sequence[Row]) -> dict[str, int]:
    """How many questions had each outcome, right first; the counts add up to n."""
    counted = Counter(r["metrics"]["outcome"] for r in rows)
    return {name: counted[name] for name in (*OUTCOMES, *sorted(set(counted) - set(OUTCOMES))) if counted[name]}


@dataclass(frozen=True, slots=True)
class Group:
    """The questions that bear one tag: two figures and the outcomes, which add up to n."""

    tag: str
    n: int
    right: Figure
    f1: Figure | None
    outcomes: Mapping[str, int]


def groups(rows: Sequence[Row]) -> list[Group]:
    """A group per tag, the largest first. A question stands in as many groups as it has tags."""
    tagged: dict[str, list[Row]] = {}
    for row in rows:
        for tag in row["tags"]:
            tagged.setdefault(tag, []).append(row)
    return [_group(tag, held) for tag, held in sorted(tagged.items(), key=lambda t: (-len(t[1]), t[0]))]


def _group(tag: str, rows: Sequence[Row]) -> Group:
    right = _share("all", "right", "right", [float(r["metrics"]["outcome"] == RIGHT) for r in rows], [True] * len(rows),
                   len(rows))  # fmt: skip
    f1 = _metric("answer", "f1", "f1", rows)
    interval = stats.bootstrap_all([f1.statistic], [r["article"] for r in rows], resamples=2000)[0]
    found = _figure(f1, interval, len(rows)) if f1.scored else None
    return Group(tag, len(rows), _figure(right, None, len(rows)), found, outcomes(rows))


@dataclass(frozen=True, slots=True)
class Tables:
    """All that is printed of a run. Made once: the intervals are the slow part."""

    n: int
    figures: Sequence[Figure]
    outcomes: Mapping[str, int]
    groups: Sequence[Group]
    latency_ms: Mapping[str, Mapping[str, float]]
    cold_start_s: float | None
    llm: Mapping[str, float]

    def as_json(self) -> dict[str, Any]:
        """Plain types for DIR/summary.json; NaN, which JSON does not have, becomes null."""
        return {
            "n": self.n,
            "figures": [_plain(asdict(f)) for f in self.figures],
            "outcomes": dict(self.outcomes),
            "tags": {
                g.tag: {
                    "n": g.n,
                    "right": _plain(asdict(g.right)),
                    "f1": _plain(asdict(g.f1)) if g.f1 else None,
                    "outcomes": dict(g.outcomes),
                }
                for g in self.groups
            },
            "latency_ms": {stage: _plain(found) for stage, found in self.latency_ms.items()},
            "cold_start_s": self.cold_start_s,
            "llm": dict(self.llm),
        }


def tables(rows: Sequence[Row], cold_start_s: float | None) -> Tables:
    return Tables(len(rows), figures(rows), outcomes(rows), groups(rows), latencies(rows), cold_start_s, usage(rows))


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: None if value != value else value for key, value in values.items()}
