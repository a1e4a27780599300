"""`python -m eval.followups FILE`: what the rewriting of follow-ups is worth, beside a person's rewriting.

FILE holds one JSON object a line: `history` (title, section, question, answer, …), `question`, `rewrite` (a person's
stand-alone wording; CANARD, Elgohary et al. 2019). The answer to a question stands in the history of the turn after
it, so the conversations bring their own texts: all answers are searched for the one that was given, by the question
alone, by our rewriting, and by the person's. Only questions that a person had to change count.

Two traps. Among the answers about one title alone no rewriting helps, the person's neither (hit@1 0.27 by the question
alone, 0.18 by theirs): what it adds, the name, is in none of them. And where a rewriting is given several queries the
chain reads them all; here only the first one searches.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eval import stats
from rag.errors import BadInput, RagError
from rag.lexical import BM25
from rag.retrieve import fuse, ranking
from rag.rewrite import standalone

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings

@dataclass(frozen=True, slots=True)
class Turn:
    """A follow-up: the questions before it, a person's rewriting, and the answer that was given."""

    title: str
    history: tuple[str, ...]
    question: str
    rewrite: str
    answer: str


WAYS: Mapping[str, Callable[[Turn], str]] = {
    "question alone": lambda turn: turn.question,
    "our rewriting": lambda turn: standalone(turn.question, turn.history),
    "a person's rewriting": lambda turn: turn.rewrite,
}


def read_turns(path: Path) -> list[Turn]:
    """The follow-ups whose answer is known; BadInput when the file is no such file."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        rows = [r for r in rows if r["history_kind"].startswith("title")]
    except (OSError, ValueError, KeyError) as fault:
        raise BadInput(f"{path} holds no conversations as gzipped JSON lines ({fault}).") from None
    after = {tuple(r["history"][:-1]): r["history"][-1] for r in rows}
    found = [(r, after.get((*r["history"], r["question"]))) for r in rows]
    return [
        Turn(r["history"][0], tuple(r["history"][2::2]), r["question"], r["rewrite"], answer)
        for r, answer in found
        if answer and r["changed"]
    ]


def ranks(turns: Sequence[Turn], embedder: Embeddings, step: Callable[[], None]) -> dict[str, list[int]]:
    """Way → for each turn the rank, from 1, of its answer among all answers."""
    answers = list(dict.fromkeys(t.answer for t in turns))
    lexical, vectors = BM25(answers), np.array(embedder.embed_documents(answers))
    found: dict[str, list[int]] = {way: [] for way in WAYS}
    for turn in turns:
        for way, query_of in WAYS.items():
            query = query_of(turn)
            dense = (vectors @ np.array(embedder.embed_query(query))).tolist()
            fused = fuse((dense, lexical.scores(query)), (0.55, 0.45))
            found[way].append(ranking(dict(zip(answers, fused, strict=True))).index(turn.answer) + 1)
        step()
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Print hit@1, hit@3 and MRR of the three ways; exit code 0, or a RagError's own."""
    from rich.console import Console
    from rich.progress import track

    from eval.table import print_table
    from rag.embed import MiniLM

    parser = argparse.ArgumentParser(prog="python -m eval.followups", description="What rewriting follow-ups is worth.")
    parser.add_argument("file", type=Path, help="conversations with a person's rewriting, gzipped JSON lines")
    parser.add_argument("-n", type=int, help="only the first N follow-ups")
    args = parser.parse_args(sys.argv[1:] if argv is None else argv)
    try:
        turns = read_turns(args.file)[: args.n]
    except RagError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return fault.exit_code
    console = Console(width=None if sys.stdout.isatty() else 120)
    bar = iter(track(turns, "Searching", console=console, transient=True, disable=not console.is_terminal))
    found = ranks(turns, MiniLM(), lambda: next(bar, None) and None)
    titles = [t.title for t in turns]
    rows = [_row(way, np.array(r), titles) for way, r in found.items()]
    print_table(console, ("query", "hit@1", "hit@3", "MRR", "n"), rows)
    answers = len({t.answer for t in turns})
    console.print(f"{answers} answers to choose from, of {len(set(titles))} titles", highlight=False)
    return 0


def _row(way: str, found: Any, titles: Sequence[str]) -> tuple[str, ...]:
    def figure(values: Any) -> str:
        low, high = stats.bootstrap(stats.ratio(values.tolist()), titles)
        return f"{values.mean():.3f} {low:.3f}–{high:.3f}"

    return way, figure((found == 1) * 1.0), figure((found <= 3) * 1.0), figure(1 / found), f"{len(found)}"


if __name__ == "__main__":
    sys.exit(main())
