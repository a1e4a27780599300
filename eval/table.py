"""A run's figures → printed tables: aligned plain text, in a terminal, a file or a pipe."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from eval.figures import Figure, Group, Tables
from eval.score import OUTCOMES

if TYPE_CHECKING:
    from rich.console import Console

SHORT = ("right", "retrieval", "reader", "citation", "abstained", "answered", "error")
"""Column heads for OUTCOMES, in that order."""


def show(held: Tables, console: Console) -> None:
    """Print a run: the figures, the outcomes, which add up to n, the same by tag, and the latencies."""
    print_table(console, ("metric", "value", "95% interval", "n scored"), [_cells(f) for f in held.figures])
    counted = [(name, f"{count}", f"{count / held.n:.3f}") for name, count in held.outcomes.items()]
    total = ("all questions", f"{sum(held.outcomes.values())}", "")
    print_table(console, ("outcome", "questions", "share"), [*counted, total])
    if held.groups:
        header = ("tag and question type", "n", "right", "95% interval", "f1", *SHORT)
        print_table(console, header, [_tag(g) for g in held.groups])
    stages = [(s, *(_ms(t[k]) for k in ("p50", "p95", "max")), f"{t['n']:.0f}") for s, t in held.latency_ms.items()]
    print_table(console, ("latency, ms", "p50", "p95", "max", "n"), stages)
    if held.cold_start_s is not None:
        console.print(f"cold start (opening the chain to its first answer): {held.cold_start_s:.1f} s", highlight=False)
    if held.llm:
        told = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in held.llm.items())
        console.print(f"language model: {told}", highlight=False)


def _tag(g: Group) -> tuple[str, ...]:
    """The columns after f1 count outcomes and add up to n."""
    f1 = f"{g.f1.value:.3f}" if g.f1 else "-"
    interval = f"{g.right.low:.3f} to {g.right.high:.3f}"
    return (g.tag, f"{g.n}", f"{g.right.value:.3f}", interval, f1, *(f"{g.outcomes.get(o, 0)}" for o in OUTCOMES))


def _ms(milliseconds: float) -> str:
    return "-" if milliseconds != milliseconds else f"{milliseconds:.0f}"


def _cells(f: Figure) -> tuple[str, str, str, str]:
    value = "-" if f.value != f.value else f"{f.value:.3f}"
    return f.name, value, interval(f), f"{f.scored}/{f.total}"


def interval(f: Figure) -> str:
    return "-" if f.low != f.low else f"{f.low:.3f} to {f.high:.3f}"


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
