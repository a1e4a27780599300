"""`python -m eval show RUN`: the tables of a run again, from its results, without asking anything."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from eval.figures import tables
from eval.folder import light, read_manifest, stream_results
from eval.table import show
from rag.errors import BadInput


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="the --out folder of a run")


def main(args: argparse.Namespace) -> int:
    from rich.console import Console

    rows = [light(row) for row in stream_results(args.run / "results.jsonl")]
    if not rows:
        raise BadInput(f"{args.run} holds no answered question.")
    cold = read_manifest(args.run).get("cold_start_s")
    show(tables(rows, cold), Console(width=None if sys.stdout.isatty() else 120))
    return 0
