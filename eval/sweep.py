"""`python -m eval sweep SET`: one set through a small grid, retriever × reader × top-k, and the matrix of figures.

Every cell is a run of its own in DIR, so that any two can be compared with `eval compare`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from eval.choose import add_filters, add_set, chosen
from eval.figures import Tables
from eval.folder import RunFolder, identity, stream_results
from eval.run import ask_and_keep, finish
from eval.sets import Example
from eval.variants import RETRIEVERS, with_retriever
from rag.config import Config
from rag.errors import BadInput

if TYPE_CHECKING:
    from rag.chain import QAChain

COLUMNS = ("right", "f1", "hit_at_1", "hit_at_3", "correct_and_cited", "abstention_f1", "over_abstention", "auroc")


def arguments(parser: argparse.ArgumentParser) -> None:
    add_set(parser)
    add_filters(parser)
    parser.add_argument("--retrievers", default=",".join(RETRIEVERS), metavar="A,B", help="dense, bm25, hybrid")
    parser.add_argument("--readers", default="sentences,reader", metavar="A,B", help="sentences, reader")
    parser.add_argument("--top-k", default="4,8", metavar="N,M", help="passages retrieved")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep each cell's run there")


@dataclass(frozen=True, slots=True)
class Cell:
    """One system of the grid, what it scored, and what its chain had to say (no weights: whole sentences)."""

    name: str
    tables: Tables
    notice: str | None


def main(args: argparse.Namespace) -> int:
    from rich.console import Console

    from eval.chains import prepare
    from eval.progress import building

    grid = _grid(args)
    questions, wanted = chosen(args)
    config, examples = prepare(questions, wanted, Config.from_env(), building)
    keep = tempfile.TemporaryDirectory() if args.out is None else nullcontext(str(args.out))
    with keep as where:
        cells = list(sweep(grid, examples, questions.sha256, config, Path(where)))
    print_matrix(cells, Console(width=None if sys.stdout.isatty() else 150))
    return 0


def _grid(args: argparse.Namespace) -> list[tuple[str, str, int]]:
    """Readers outermost: their weights are what takes long to load."""
    retrievers, readers, depths = (t.split(",") for t in (args.retrievers, args.readers, args.top_k))
    if bad := [r for r in retrievers if r not in RETRIEVERS]:
        raise BadInput(f"--retrievers {bad[0]}: there are {', '.join(RETRIEVERS)}.")
    if bad := [r for r in readers if r not in ("sentences", "reader")]:
        raise BadInput(f"--readers {bad[0]}: there are sentences and reader.")
    if bad := [k for k in depths if not k.isdigit() or int(k) < 1]:
        raise BadInput(f"--top-k {bad[0]}: give whole numbers above 0, such as 4,8.")
    return [(retriever, reader, int(k)) for reader in readers for retriever in retrievers for k in depths]


def sweep(
    grid: Sequence[tuple[str, str, int]], examples: Sequence[Example], sha256: str, config: Config, out: Path
) -> Iterator[Cell]:
    """Run each cell of the grid; Ctrl-C ends the sweep with the cell that it came in."""
    loaded: tuple[str, QAChain] | None = None
    for retriever, reader, top_k in grid:
        setting = replace(config, answerer=reader, top_k=top_k)
        if loaded is None or loaded[0] != reader:
            from rag.chain import load_chain

            loaded = (reader, load_chain(setting))
        chain = with_retriever(loaded[1], retriever, top_k)
        name = f"{retriever}-{reader}-{top_k}"
        print(name, file=sys.stderr)
        folder = RunFolder(out / name)
        known = identity(sha256, examples, chain.articles, setting, {"retriever": retriever})
        folder.begin(known, resume=False, set=name)
        ask_and_keep(examples, chain, folder, [])
        held = finish(folder, None)
        if len(held.rows) < held.wanted:
            raise KeyboardInterrupt
        notice = next((n for row in stream_results(folder.results) if (n := (row["answer"] or {}).get("notice"))), None)
        yield Cell(name, held.tables, notice)


def print_matrix(cells: Sequence[Cell], console: object) -> None:
    """A line per cell, the best of each column starred; what a chain fell back to is said below."""
    from rich.console import Console

    from eval.table import print_table

    assert isinstance(console, Console)
    figures = [{f.key: f for f in cell.tables.figures} for cell in cells]
    best = {}
    for key in COLUMNS:
        values = [held[key].value for held in figures if key in held and held[key].value == held[key].value]
        lower = any(held[key].lower for held in figures if key in held)
        best[key] = (min(values) if lower else max(values)) if values else None
    lines = []
    for cell, held in zip(cells, figures, strict=True):
        shown = []
        for key in COLUMNS:
            value = held[key].value if key in held else float("nan")
            shown.append("-" if value != value else f"{value:.3f}" + ("*" if value == best[key] else " "))
        p50 = cell.tables.latency_ms.get("whole question", {}).get("p50")
        lines.append((cell.name, *shown, f"{p50:.0f}" if p50 is not None else "-", f"{cell.tables.n}"))
    print_table(console, ("retriever-reader-top k", *COLUMNS, "p50 ms", "n"), lines)
    for notice in dict.fromkeys(cell.notice for cell in cells if cell.notice):
        console.print(f"note: {notice}", highlight=False, markup=False, soft_wrap=True)
