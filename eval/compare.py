"""Two runs of the same questions, side by side: what changed, by how much, and whether that can be chance.

Paired by id: the questions differ far more among themselves than two versions of the chain do, and pairing takes
that out. The trap that lives here is comparing different sets: a question that only one run has, or whose gold
answers differ, is counted and named, never averaged in. Looking at many metrics finds "significant" ones by luck,
hence Holm's correction across them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval import stats
from eval.run import read_results
from eval.score import RIGHT
from rag.errors import BadInput

if TYPE_CHECKING:
    from rich.console import Console

Row = Mapping[str, Any]
Pair = tuple[Row, Row]
BINARY = tuple("right abstention correct_and_cited containment yes_no em citation_hit hit_at_1 hit_at_3".split())
GRADED = ("f1", "f1_lenient", "rr")
_GOLD = ("question", "history", "answers", "answerable", "article", "evidence")


@dataclass(frozen=True, slots=True)
class Difference:
    """One metric over the pairs that both runs scored: B minus A, its 95% interval, and p after Holm.

    p is exact McNemar for yes/no metrics and a sign-flip permutation test otherwise.
    """

    metric: str
    a: float
    b: float
    low: float
    high: float
    p: float
    wins: int
    ties: int
    losses: int


def compare(pairs: Sequence[Pair]) -> list[Difference]:
    """A Difference per metric that at least one pair was scored on by both runs."""
    found = [d for metric in (*BINARY, *GRADED) if (d := _difference(metric, pairs))]
    adjusted = stats.holm([d.p for d in found])
    return [
        Difference(d.metric, d.a, d.b, d.low, d.high, p, d.wins, d.ties, d.losses)
        for d, p in zip(found, adjusted, strict=True)
    ]


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


def main(folder_a: Path, folder_b: Path, console: Console, show: int = 20) -> int:
    """`python -m eval compare A B`: the flipped questions first, then the table."""
    from eval.table import print_table

    rows = [read_results(folder / "results.jsonl") for folder in (folder_a, folder_b)]
    pairs, remarks = pair(*rows)
    if not pairs:
        raise BadInput(f"{folder_a} and {folder_b} share no question: they are runs of different sets.")

    def say(line: str) -> None:
        console.print(line, highlight=False, markup=False, soft_wrap=True)

    turned = flipped(pairs)
    say(f"A = {folder_a}, B = {folder_b}: {len(pairs)} questions in both, {len(turned)} with another outcome.")
    for remark in remarks:
        say(remark)
    for x, y in turned[:show]:
        say(f"\n{x['id']}  {x['metrics']['outcome']} -> {y['metrics']['outcome']}\n  Q {x['question']}")
        say(f"  gold {' | '.join(x['answers']) if x['answerable'] else 'the article does not say'}")
        say(f"  A {_said(x)}\n  B {_said(y)}")
    if len(turned) > show:
        say(f"\n… and {len(turned) - show} more; --show {len(turned)} prints them all.")
    say("")
    header = ("metric", "A", "B", "B - A", "95% interval", "p (Holm)", "wins/ties/losses")
    print_table(console, header, [_cells(d) for d in compare(pairs)])
    return 0


def _difference(metric: str, pairs: Sequence[Pair]) -> Difference | None:
    scored = [
        (a, b, x["article"])
        for x, y in pairs
        for a, b in [(_value(x, metric), _value(y, metric))]
        if a is not None and b is not None
    ]
    if not scored:
        return None
    deltas = [b - a for a, b, _ in scored]
    wins, losses = sum(d > 0 for d in deltas), sum(d < 0 for d in deltas)
    p = stats.mcnemar(wins, losses) if metric in BINARY else stats.permutation(deltas)
    low, high = stats.bootstrap(stats.ratio(deltas), [article for *_, article in scored])
    n = len(scored)
    mean_a, mean_b = sum(a for a, *_ in scored) / n, sum(b for _, b, _ in scored) / n
    return Difference(metric, mean_a, mean_b, low, high, p, wins, n - wins - losses, losses)


def _value(row: Row, metric: str) -> float | None:
    """A metric of one row; higher is better. `abstention` is 1 when it refused what it should, and only that."""
    held = row["metrics"]
    if metric == "abstention":
        return float(row["error"] is None and held["refused"] != row["answerable"])
    value = held["outcome"] == RIGHT if metric == "right" else held.get(metric)
    return None if value is None else float(value)


def _said(row: Row) -> str:
    if row["error"]:
        return f"raised {row['error']}"
    answer = row["answer"]
    return f"{answer['short']} :: {answer['text']}" if answer["short"] else str(answer["text"])


def _cells(d: Difference) -> tuple[str, ...]:
    interval = "-" if d.low != d.low else f"{d.low:+.3f} to {d.high:+.3f}"
    return (
        d.metric,
        f"{d.a:.3f}",
        f"{d.b:.3f}",
        f"{d.b - d.a:+.3f}",
        interval,
        f"{d.p:.3g}",
        f"{d.wins}/{d.ties}/{d.losses}",
    )
