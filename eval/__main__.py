"""`python -m eval run SET`, `compare A B`, `retrieval SET`: figures of the chain, from a terminal, offline.

Exit codes: 0 done; 1 a fault while running, or a question raised; 2 bad input; 4 incomplete (Ctrl-C).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.config import Config
from rag.errors import BadInput, RagError

if TYPE_CHECKING:
    from eval.chains import Chain
    from eval.run import Row, RunFolder
    from eval.sets import Example

INCOMPLETE = 4


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; every failure is one line on stderr and a non-zero exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if arguments[:1] == ["reader"]:
            return _reader(arguments[1:])
        args = _parser().parse_args(arguments)
        return {"run": _run, "compare": _compare, "retrieval": _retrieval}[args.command](args)
    except RagError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return fault.exit_code
    except KeyboardInterrupt:
        print("\nstopped before the first question was answered", file=sys.stderr)
        return INCOMPLETE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m eval", description="Measure the chat on a set of questions.")
    commands = parser.add_subparsers(required=True, dest="command", metavar="run | compare | retrieval | reader")
    run = commands.add_parser("run", help="ask every question of a set, then print the figures")
    _add_questions(run)
    run.add_argument("--out", type=Path, metavar="DIR", help="keep results.jsonl, manifest.json and summary.json there")
    run.add_argument("--resume", action="store_true", help="go on with the run in DIR")
    compare = commands.add_parser("compare", help="two runs of one set, paired by question")
    compare.add_argument("a", type=Path, metavar="A", help="the --out folder of a run")
    compare.add_argument("b", type=Path, metavar="B", help="that of another")
    compare.add_argument("--show", type=_count, default=20, metavar="N", help="how many flipped questions to print")
    retrieval = commands.add_parser("retrieval", help="is the right passage first? four retrievers, side by side")
    _add_questions(retrieval)
    commands.add_parser("reader", help="figures of the reader alone, given the passage")
    return parser


def _add_questions(command: argparse.ArgumentParser) -> None:
    command.add_argument("set", type=Path, metavar="SET", help="native JSONL, or SQuAD-format JSON; gzip allowed")
    command.add_argument("-n", type=_count, metavar="N", help="only the first N questions that pass the filters")
    keys = "tag, article, id, answerable"
    command.add_argument("--filter", action="append", default=[], metavar="KEY=VALUE", help=keys)
    command.add_argument("--split", metavar="NAME", help="the same as --filter tag=NAME, e.g. dev or report")


def _filters(args: argparse.Namespace) -> list[str]:
    return args.filter + ([f"tag={args.split}"] if args.split else [])


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _run(args: argparse.Namespace) -> int:
    from rich.console import Console

    from eval.chains import prepare
    from eval.formats import load_set
    from eval.run import RunFolder, identity
    from eval.sets import select
    from eval.table import show, tables

    if args.resume and args.out is None:
        raise BadInput("--resume needs --out DIR, the folder of the run to go on with.")
    folder = RunFolder(args.out)
    folder.check(args.resume)
    questions = load_set(args.set)
    chosen = select(questions.examples, _filters(args), args.n)
    config, examples = prepare(questions, chosen, Config.from_env(), _building)
    # Building the index of a set's own articles has loaded the encoder: what follows is no cold start then.
    start = None if "torch" in sys.modules else time.perf_counter()
    chain, recipe = _open(config)
    rows = folder.begin(identity(questions.sha256, examples, chain.articles, config, recipe), args.resume)
    cold_start_s = _ask(examples, chain, folder, rows, start)
    if not rows:
        raise KeyboardInterrupt
    held = tables(rows, cold_start_s)
    folder.end(len(rows), cold_start_s, held.as_json())
    show(held, Console(width=None if sys.stdout.isatty() else 120))
    return _verdict(rows, len(examples), args)


def _ask(
    examples: Sequence[Example], chain: Chain, folder: RunFolder, rows: list[Row], start: float | None
) -> float | None:
    """Ask what `rows` does not hold yet, adding to it until done or Ctrl-C; returns the cold start in seconds."""
    from eval.progress import progress
    from eval.run import ask_all, light
    from eval.score import RIGHT

    answered = {row["id"] for row in rows}
    left = [e for e in examples if e.id not in answered]
    cold_start_s: float | None = None
    with progress(len(examples), [row["metrics"]["outcome"] == RIGHT for row in rows]) as step:
        try:
            for row in ask_all(left, chain, chain.articles):
                if start is not None and cold_start_s is None:
                    cold_start_s = round(time.perf_counter() - start, 2)
                folder.add(row)
                rows.append(light(row))
                step(row["metrics"]["outcome"] == RIGHT)
        except KeyboardInterrupt:
            pass  # what is done is kept; `_verdict` says what is missing
    return cold_start_s


def _open(config: Config) -> tuple[Chain, dict[str, Any]]:
    """The chain and what made its index. The chain comes first: its errors say what to do about a missing index."""
    from rag.chain import load_chain
    from rag.store import read_manifest

    chain = load_chain(config)
    made = asdict(read_manifest(config.index))
    return chain, {key: made[key] for key in ("model", "model_sha256", "chunker", "format")}


def _verdict(rows: Sequence[Row], total: int, args: argparse.Namespace) -> int:
    errors = [row["error"] for row in rows if row["error"]]
    if errors:
        print(f"{len(errors)} of {len(rows)} questions raised, the first: {errors[0]}", file=sys.stderr)
    if len(rows) < total:
        more = f"Add --resume to go on in {args.out}." if args.out else "With --out DIR, --resume could go on."
        print(f"incomplete: {total - len(rows)} of {total} questions are missing. {more}", file=sys.stderr)
        return INCOMPLETE
    return 1 if errors else 0


def _compare(args: argparse.Namespace) -> int:
    from rich.console import Console

    from eval.compare import main as compare

    return compare(args.a, args.b, Console(width=None if sys.stdout.isatty() else 140), args.show)


def _retrieval(args: argparse.Namespace) -> int:
    from rich.console import Console

    from eval.retrieval import main as retrieval

    console = Console(width=None if sys.stdout.isatty() else 120)
    return retrieval(args.set, _filters(args), args.n, Config.from_env(), _building, console)


def _reader(arguments: list[str]) -> int:
    try:
        from eval.reader import main as reader
    except ModuleNotFoundError as fault:
        if fault.name != "eval.reader":
            raise
        raise RagError("This version has no reader to measure: eval/reader.py is missing.") from None
    return int(reader(arguments) or 0)


def _building(stage: str, done: int, total: int) -> None:
    if total == 0 or done in (0, total):
        print(f"{stage}: {done}/{total}" if total else stage, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
