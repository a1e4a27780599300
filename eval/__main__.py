"""`python -m eval COMMAND …`: figures of the chain, from a terminal, offline.

Exit codes: 0 done; 1 a fault while running, or a question raised; 2 bad input; 3 a gate failed; 4 incomplete.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from rag.errors import RagError

INCOMPLETE = 4
COMMANDS = {  # name: (module with `arguments(parser)` and `main(args)`, what it does)
    "validate": ("eval.validate", "read a set, name every fault with file and line"),
    "run": ("eval.run", "ask every question of a set, then print the figures"),
    "show": ("eval.show", "print the figures of a run again"),
    "compare": ("eval.compare", "two runs of one set, paired by question"),
    "sweep": ("eval.sweep", "one set through retriever × reader × top-k"),
    "report": ("eval.report", "runs as one page to read, or as csv, json, junit.xml, markdown"),
    "gate": ("eval.gate", "pass or fail a run: floors, and drops from a baseline"),
    "baseline": ("eval.baseline", "keep a run's figures as the floor of later gates"),
    "bench": ("eval.bench", "the benchmark page: four systems on the seed sets and SQuAD"),
    "from-feedback": ("eval.feedback", "the chat's thumbs as a set of questions"),
    "judge": ("eval.judge", "a language model's opinion of a run, kept apart"),
    "retrieval": ("", "is the right passage first? four retrievers, side by side"),
    "reader": ("", "figures of the reader alone, given the passage"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; every failure is one line on stderr and a non-zero exit code."""
    name, *rest = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    if name in ("-h", "--help"):
        print(_overview())
        return 0
    try:
        if name not in COMMANDS:
            print(f"error: there is no command {name!r}.\n{_overview()}", file=sys.stderr)
            return 2
        if name == "reader":
            return _reader(rest)
        parser = argparse.ArgumentParser(prog=f"python -m eval {name}", description=COMMANDS[name][1])
        if name == "retrieval":
            return _retrieval(parser, rest)
        module = import_module(COMMANDS[name][0])
        module.arguments(parser)
        return int(module.main(parser.parse_args(rest)))
    except RagError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return fault.exit_code
    except KeyboardInterrupt:
        print("\nstopped before the first question was answered", file=sys.stderr)
        return INCOMPLETE
    except BrokenPipeError:  # `… | head`: nobody reads on
        sys.stderr.close()
        return 1


def _overview() -> str:
    lines = [f"  {name:<14} {what}" for name, (_, what) in COMMANDS.items()]
    return "usage: python -m eval COMMAND … (--help after a command tells its options)\n" + "\n".join(lines)


def _retrieval(parser: argparse.ArgumentParser, rest: list[str]) -> int:
    from rich.console import Console

    from eval.choose import add_filters, add_set, filters
    from eval.progress import building
    from eval.retrieval import main as retrieval
    from rag.config import Config

    add_set(parser)
    add_filters(parser)
    args = parser.parse_args(rest)
    console = Console(width=None if sys.stdout.isatty() else 120)
    return retrieval(args.set, filters(args), args.n, Config.from_env(), building, console)


def _reader(arguments: list[str]) -> int:
    try:
        from eval.reader import main as reader
    except ModuleNotFoundError as fault:
        if fault.name != "eval.reader":
            raise
        raise RagError("This version has no reader to measure: eval/reader.py is missing.") from None
    return int(reader(arguments) or 0)


if __name__ == "__main__":
    sys.exit(main())
