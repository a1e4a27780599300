"""How far a run is: a bar with the running score and the time left, or, where no bar can be drawn, ten lines."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

Step = Callable[[bool], None]
"""Called after each question with whether it was right."""


@contextmanager
def progress(total: int, earlier: Sequence[bool]) -> Iterator[Step]:
    """Show the way from `len(earlier)` questions, done before a resume, to `total`, on stderr."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(total, earlier)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    done, score = len(earlier), sum(earlier)
    columns = (TextColumn("asking"), BarColumn(), MofNCompleteColumn(), TextColumn("right {task.fields[score]}"))
    with Progress(*columns, TimeRemainingColumn(), console=console) as bar:
        task = bar.add_task("", total=total, completed=done, score="-")

        def step(right: bool) -> None:
            nonlocal done, score
            done, score = done + 1, score + right
            bar.update(task, completed=done, score=f"{score / done:.3f}")

        yield step


def _lines(total: int, earlier: Sequence[bool]) -> Step:
    n, score, start = len(earlier), sum(earlier), time.perf_counter()

    def step(right: bool) -> None:
        nonlocal n, score
        n, score = n + 1, score + right
        if n * 10 // total > (n - 1) * 10 // total:
            left = (time.perf_counter() - start) / (n - len(earlier)) * (total - n)
            print(f"asked {n}/{total}, right {score / n:.3f}, {left:.0f} s left", file=sys.stderr, flush=True)

    return step


def building(stage: str, done: int, total: int) -> None:
    """How far the indexing is: a line at the start and the end."""
    if total == 0 or done in (0, total):
        print(f"{stage}: {done}/{total}" if total else stage, file=sys.stderr, flush=True)
