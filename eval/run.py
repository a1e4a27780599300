"""Ask the questions, one row for each, as it is answered; and `python -m eval run`.

The trap that lives here is the answer that never comes: a chain that raises, or returns nothing, makes a row that is
scored as a failure. No question leaves without one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eval.chains import Chain
from eval.choose import add_config, add_filters, add_set, chosen, configured, count
from eval.folder import Row, RunFolder, identity, light, stream_results
from eval.score import RIGHT, score
from eval.sets import Example
from rag.errors import BadInput
from rag.types import Answer, Article, Question

if TYPE_CHECKING:
    from eval.figures import Tables

INCOMPLETE = 4
DROPPED = "dropped"


def ask_all(
    examples: Sequence[Example],
    chain: Chain,
    articles: Mapping[str, Article],
    cold: bool = True,
    repeat: int = 0,
    workers: int = 1,
) -> Iterator[Row]:
    """A row per example as it is answered: in order, or as they finish with several workers. `cold` marks the
    first one of each worker: its latency includes loading models. `repeat` numbers the pass, from 0."""
    if workers == 1:
        for example in examples:
            yield _ask(example, chain, articles, cold, repeat)
            cold = False
        return
    left = iter(enumerate(examples))
    with ThreadPoolExecutor(workers) as pool:
        running: set[Future[Row]] = set()
        try:
            while True:
                for i, example in left:
                    running.add(pool.submit(_ask, example, chain, articles, cold and i < workers, repeat))
                    if len(running) == workers:  # none waits in a queue: Ctrl-C has only the running ones to wait for
                        break
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        finally:
            pool.shutdown(cancel_futures=True)


def _ask(example: Example, chain: Chain, articles: Mapping[str, Article], cold: bool, repeat: int) -> Row:
    answer: Answer | None = None
    error: str | None = None
    start = time.perf_counter()
    try:
        answer = chain.invoke(Question(example.question, example.history, example.article))
        if not isinstance(answer, Answer):
            answer, error = None, f"{DROPPED}: the chain returned {type(answer).__name__}, not an Answer"
    except Exception as fault:  # whatever it is, it is this question's result: recorded and scored as a failure
        error = f"{type(fault).__name__}: {fault}"
    latency = 1000 * (time.perf_counter() - start)
    return {
        "id": example.id,
        "repeat": repeat,
        "question": example.question,
        "history": list(example.history),
        "answers": list(example.answers),
        "answerable": example.answerable,
        "article": example.article,
        "evidence": [{"text": e.text, "start": e.start, "end": e.end} for e in example.evidence],
        "tags": list(example.tags),
        "answer": answer.as_json() if answer else None,
        "error": error,
        "metrics": score(example, answer, articles),
        "latency_ms": round(latency, 2),
        "cold": cold,
    }


def arguments(parser: argparse.ArgumentParser) -> None:
    add_set(parser)
    add_filters(parser)
    parser.add_argument("--filter-failing", type=Path, metavar="RUN", help="only what that run did not get right")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep results.jsonl and what belongs to it there")
    parser.add_argument("--resume", action="store_true", help="go on with the run in DIR")
    parser.add_argument("--repeat", type=count, default=1, metavar="N", help="ask each question N times")
    parser.add_argument("--workers", type=count, default=1, metavar="N", help="ask N questions at a time")
    add_config(parser)


def main(args: argparse.Namespace) -> int:
    """`python -m eval run SET`: ask, keep, print."""
    from rich.console import Console

    from eval.chains import open_chain, prepare
    from eval.progress import building
    from eval.table import show

    if args.resume and args.out is None:
        raise BadInput("--resume needs --out DIR, the folder of the run to go on with.")
    keep = tempfile.TemporaryDirectory() if args.out is None else nullcontext(str(args.out))
    with keep as where:
        folder = RunFolder(Path(where))
        folder.check(args.resume)
        questions, wanted = chosen(args)
        config, examples = prepare(questions, wanted, configured(args), building)
        # Building the index of a set's own articles has loaded the encoder: what follows is no cold start then.
        start = None if "torch" in sys.modules else time.perf_counter()
        chain, recipe = open_chain(config)
        known = identity(questions.sha256, examples, chain.articles, config, recipe, args.repeat)
        done = folder.begin(known, args.resume, set=str(args.set), workers=args.workers)
        cold_start_s = ask_and_keep(examples, chain, folder, done, args.repeat, args.workers, start)
        held = finish(folder, cold_start_s)
    show(held.tables, Console(width=None if sys.stdout.isatty() else 120))
    return _verdict(held, args)


def ask_and_keep(
    examples: Sequence[Example],
    chain: Chain,
    folder: RunFolder,
    done: Sequence[Row],
    repeat: int = 1,
    workers: int = 1,
    start: float | None = None,
) -> float | None:
    """Ask what `done` does not hold yet, adding to the folder until done or Ctrl-C; the cold start in seconds."""
    from eval.progress import progress

    answered = {(row["id"], row["repeat"]) for row in done}
    cold, cold_start_s = True, None
    with progress(len(examples) * repeat, [row["metrics"]["outcome"] == RIGHT for row in done]) as step:
        try:
            for pass_ in range(repeat):
                left = [e for e in examples if (e.id, pass_) not in answered]
                for row in ask_all(left, chain, chain.articles, cold, pass_, workers):
                    if start is not None and cold_start_s is None:
                        cold_start_s = round(time.perf_counter() - start, 2)
                    cold = False
                    folder.add(row)
                    step(row["metrics"]["outcome"] == RIGHT)
        except KeyboardInterrupt:
            pass  # what is done is kept; `_verdict` says what is missing
    return cold_start_s


@dataclass(frozen=True, slots=True)
class Finished:
    """A run as its folder holds it: its rows without their texts, how many there should be, the tables made of them."""

    rows: list[Row]
    wanted: int
    tables: Tables


def finish(folder: RunFolder, cold_start_s: float | None) -> Finished:
    """Read the run back, write its summary. KeyboardInterrupt when nothing was answered: that is no run."""
    from eval.figures import tables

    rows = [light(row) for row in stream_results(folder.results)] if folder.results.exists() else []
    if not rows:
        raise KeyboardInterrupt
    held = tables(rows, cold_start_s)
    folder.end(len(rows), cold_start_s, held.as_json())
    known = folder.manifest["identity"]
    return Finished(rows, known["n"] * known["repeat"], held)


def _verdict(held: Finished, args: argparse.Namespace) -> int:
    errors = [row["error"] for row in held.rows if row["error"]]
    if errors:
        print(f"{len(errors)} of {len(held.rows)} questions raised, the first: {errors[0]}", file=sys.stderr)
    if missing := held.wanted - len(held.rows):
        more = f"Add --resume to go on in {args.out}." if args.out else "With --out DIR, --resume could go on."
        print(f"incomplete: {missing} of {held.wanted} questions are missing. {more}", file=sys.stderr)
        return INCOMPLETE
    return 1 if errors else 0
