"""`python -m eval report RUN [RUN…]`: runs as one page to read, offline and for good: no request, no dependency.

    data.py     rows → what the page holds, each passage once
    plots.py    figures → inline SVG
    page.py     both → page.html (with page.css and page.js put into it)
    outputs.py  the same as csv, json, junit.xml or markdown
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rag.errors import BadInput

__all__ = ["arguments", "main"]


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="the --out folder of a run")
    endings = ".html (default RUN/report.html), .json, .csv, .junit.xml, .md or .ragas.jsonl"
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help=endings)


def main(args: argparse.Namespace) -> int:
    from eval.report.data import read_runs
    from eval.report.outputs import WRITERS
    from eval.report.page import page

    out = args.out or args.runs[0] / "report.html"
    write = next((made for ending, made in {".html": page, **WRITERS}.items() if out.name.endswith(ending)), None)
    if write is None:
        raise BadInput(f"{out}: no report ends in {out.suffix or 'nothing'}. Write .html, {', '.join(WRITERS)}.")
    runs = read_runs(args.runs)
    text = write(runs)
    try:
        out.write_bytes(text.encode("utf-8", "backslashreplace"))
    except OSError as fault:
        raise BadInput(f"{out} can not be written ({fault.strerror}). Name another file.") from None
    print(f"{out}: {len(text) // 1024} kB, {sum(run.tables.n for run in runs)} results of {len(runs)} runs")
    return 0
