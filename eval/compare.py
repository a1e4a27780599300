"""Two runs of the same questions, side by side: what changed, by how much, and whether that can be chance.

Paired by id: the questions differ far more among themselves than two versions of the chain do, and pairing takes
that out. The trap that lives here is comparing different sets: a question that only one run has, or whose gold
answers differ, is counted and named, never averaged in. Looking at many metrics finds "significant" ones by luck,
hence Holm's correction across them.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval import stats
from eval.choose import count
from eval.folder import read_manifest, stream_results
from eval.score import RIGHT
from rag.errors import BadInput

if TYPE_CHECKING:
    from rich.console import Console

Row = Mapping[str, Any]
Pair = tuple[Row, Row]
BINARY = tuple("right abstention correct_and_cited containment yes_no em citation_hit hit_at_1 hit_at_3".split())
GRADED = ("f1", "f1_lenient", "rr", "citation_recall", "citation_precision")
_GOLD = ("question", "history", "answers", "answerable", "article", "evidence")


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric over the `n` pairs that both runs scored: B minus A, its 95% interval, and three p.

    `permutation` is a sign-flip test of the mean; `mcnemar` the exact test of yes/no metrics (None for others);
    `holm` corrects the McNemar p where there is one, else the other, for the number of metrics looked at.
    """

    metric: str
    a: float
    b: float
    low: float
    high: float
    permutation: float
    mcnemar: float | None
    holm: float
    wins: int
    ties: int
    losses: int
    n: int


def compare(pairs: Sequence[Pair]) -> list[Difference]:
    """A Difference per metric that at least one pair was scored on by both runs."""
    scored = {metric: _scored(metric, pairs) for metric in (*BINARY, *GRADED)}
    scored = {metric: values for metric, values in scored.items() if any(values)}
    statistics = [
        stats.ratio([v[1] - v[0] if v else 0.0 for v in values], [float(v is not None) for v in values])
        for values in scored.values()
    ]
    intervals = stats.bootstrap_all(statistics, [x["article"] for x, _ in pairs])
    found = [_difference(m, v, interval) for (m, v), interval in zip(scored.items(), intervals, strict=True)]
    adjusted = stats.holm([d.permutation if d.mcnemar is None else d.mcnemar for d in found])
    return [replace(d, holm=p) for d, p in zip(found, adjusted, strict=True)]


def _scored(metric: str, pairs: Sequence[Pair]) -> list[tuple[float, float] | None]:
    values = ((_value(x, metric), _value(y, metric)) for x, y in pairs)
    return [(a, b) if a is not None and b is not None else None for a, b in values]


def _difference(
    metric: str, values: Sequence[tuple[float, float] | None], interval: stats.Interval
) -> Difference:
    held = [v for v in values if v is not None]
    deltas = [b - a for a, b in held]
    wins, losses, n = sum(d > 0 for d in deltas), sum(d < 0 for d in deltas), len(held)
    # the mean of several repeats is no longer yes or no
    binary = metric in BINARY and all(x in (0.0, 1.0) for v in held for x in v)
    mean_a, mean_b = sum(a for a, _ in held) / n, sum(b for _, b in held) / n
    mcnemar = stats.mcnemar(wins, losses) if binary else None
    p = stats.permutation(deltas)
    return Difference(metric, mean_a, mean_b, *interval, p, mcnemar, math.nan, wins, n - wins - losses, losses, n)


def pair(a: Sequence[Row], b: Sequence[Row]) -> tuple[list[Pair], list[str]]:
    """Rows of the same id and the same gold, in A's order; and remarks on those that have no partner."""
    others = {row["id"]: row for row in b}
    pairs = [(row, others[row["id"]]) for row in a if row["id"] in others]
    same = [(x, y) for x, y in pairs if all(x.get(key) == y.get(key) for key in _GOLD)]
    remarks = []
    if len(pairs) < len(a) or len(pairs) < len(b):
        remarks.append(f"{len(a) - len(pairs)} questions only in A, {len(b) - len(pairs)} only in B: left out.")
    kept = {x["id"] for x, _ in same}
    if changed := [x["id"] for x, _ in pairs if x["id"] not in kept]:
        remarks.append(f"{len(changed)} questions changed between the runs: left out ({', '.join(changed[:5])}).")
    return same, remarks


def flipped(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs whose outcome changed, newly wrong ones first, then newly right, then those wrong in another way."""
    changed = [p for p in pairs if p[0]["metrics"]["outcome"] != p[1]["metrics"]["outcome"]]
    return sorted(changed, key=lambda p: (p[0]["metrics"]["outcome"] != RIGHT, p[1]["metrics"]["outcome"] != RIGHT))


def read_slim(folder: Path) -> list[Row]:
    """The rows of a run without their passages, so that ten thousand fit; repeats of a question are one row, its
    metrics averaged and the outcome of the first kept."""
    held: dict[str, list[Row]] = {}
    for row in stream_results(folder / "results.jsonl"):
        slim = {key: row.get(key) for key in (*_GOLD, "id", "error", "metrics")}
        answer = row.get("answer") or {}
        slim["answer"] = {"short": answer.get("short"), "text": answer.get("text", "")} if row.get("answer") else None
        slim["evidence"] = json.dumps(row.get("evidence"))
        held.setdefault(row["id"], []).append(slim)
    return [rows[0] if len(rows) == 1 else _averaged(rows) for rows in held.values()]


def _averaged(rows: Sequence[Row]) -> Row:
    metrics = dict(rows[0]["metrics"])
    for name in (*BINARY, *GRADED):
        values = [v for row in rows if (v := _value(row, name)) is not None]
        metrics[name] = sum(values) / len(values) if values else None
    return {**rows[0], "metrics": metrics}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("a", type=Path, metavar="A", help="the --out folder of a run")
    parser.add_argument("b", type=Path, metavar="B", help="that of another")
    parser.add_argument("--show", type=count, default=20, metavar="N", help="how many flipped questions to print")


def main(args: argparse.Namespace) -> int:
    """`python -m eval compare A B`: the flipped questions first, side by side, then the table."""
    from rich.console import Console

    from eval.table import print_table

    console = Console(width=None if sys.stdout.isatty() else 150)
    pairs, remarks = pair(read_slim(args.a), read_slim(args.b))
    if not pairs:
        raise BadInput(f"{args.a} and {args.b} share no question: they are runs of different sets.")
    turned = flipped(pairs)
    _say(console, f"A = {args.a}, B = {args.b}: {len(pairs)} questions in both, {len(turned)} with another outcome.")
    for remark in (*remarks, *changes(read_manifest(args.a), read_manifest(args.b))):
        _say(console, remark)
    for x, y in turned[: args.show]:
        _side_by_side(console, x, y)
    if len(turned) > args.show:
        _say(console, f"\n… and {len(turned) - args.show} more; --show {len(turned)} prints them all.")
    _say(console, "")
    header = ("metric", "A", "B", "B - A", "95% interval", "p permut.", "p McNemar", "p (Holm)", "wins/ties/losses")
    print_table(console, header, [_cells(d) for d in compare(pairs)])
    return 0


def changes(a: Mapping[str, Any], b: Mapping[str, Any]) -> Iterator[str]:
    """What the two runs' manifests say was different: settings, index, versions, articles."""
    for part in ("config", "index", "versions", "articles_sha256"):
        one, other = (m.get("identity", {}).get(part, {}) for m in (a, b))
        for key in sorted(set(one) | set(other)):
            if key not in ("index", "corpus") and one.get(key) != other.get(key):
                yield f"{part} {key}: {_short(one.get(key))} in A, {_short(other.get(key))} in B"


def _short(value: Any) -> str:
    return str(value)[:40]


def _say(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def _side_by_side(console: Console, x: Row, y: Row) -> None:
    from rich.table import Table
    from rich.text import Text

    _say(console, f"\n{x['id']}  {x['metrics']['outcome']} -> {y['metrics']['outcome']}\n  Q {x['question']}")
    _say(console, f"  gold {' | '.join(x['answers']) if x['answerable'] else 'the article does not say'}")
    columns = Table.grid(padding=(0, 2), expand=True)
    columns.add_column(ratio=1)
    columns.add_column(ratio=1)
    columns.add_row(Text(f"  A {_said(x)}"), Text(f"  B {_said(y)}"))
    console.print(columns)


def _value(row: Row, metric: str) -> float | None:
    """A metric of one row; higher is better. `abstention` is 1 when it refused what it should, and only that."""
    held = row["metrics"]
    if metric in held:  # averaged over repeats, or a plain metric
        return None if held[metric] is None else float(held[metric])
    if metric == "abstention":
        return float(row["error"] is None and held["refused"] != row["answerable"])
    return float(held["outcome"] == RIGHT) if metric == "right" else None


def _said(row: Row) -> str:
    if row["error"]:
        return f"raised {row['error']}"
    answer = row["answer"]
    return f"{answer['short']} :: {answer['text']}" if answer["short"] else str(answer["text"])


def _cells(d: Difference) -> tuple[str, ...]:
    interval = "-" if d.low != d.low else f"{d.low:+.3f} to {d.high:+.3f}"
    mcnemar = "-" if d.mcnemar is None else f"{d.mcnemar:.3g}"
    return (
        d.metric,
        f"{d.a:.3f}",
        f"{d.b:.3f}",
        f"{d.b - d.a:+.3f}",
        interval,
        f"{d.permutation:.3g}",
        mcnemar,
        f"{d.holm:.3g}" + ("*" if d.holm < 0.05 else ""),
        f"{d.wins}/{d.ties}/{d.losses}",
    )
