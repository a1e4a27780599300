"""`python -m eval.ablation SET… --data FOLDER`: what each part of the reader is worth, on the same questions.

    sentences               the whole-sentence answerer, without the reader
    reader                  spans ranked by the reader's two scores alone, refused by a threshold on them
    + ranking features      ranked by all that speaks for a candidate
    + calibration           refused by the shipped confidence

`--unmade FILE` adds the row of a reader that was trained without made negatives (`rag.reader.train
--no-made-negatives`), and `--made FILE` that of one trained just as long with them. Every row's threshold is fitted
on the dev halves and the calibration articles and refuses 5% of the answerable dev questions; every figure is of
`report` rows or, for a SQuAD file, of reported articles.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.calibrate_reader import CONFIDENCE, RANK, Bools, Read, Remembering, fitted, read_sets
from eval.chains import prepare
from eval.formats import load_set
from eval.reader import auroc
from eval.score import score
from eval.sets import Example, select
from rag.chain import Answerer, QAChain, load_chain
from rag.config import Config
from rag.extract import extract
from rag.reader.answer import Calibration, SpanAnswerer
from rag.reader.data import REPORTED
from rag.reader.model import Reader
from rag.reader.weights import WEIGHTS
from rag.types import Question

SEEDS = [Path("eval/questions") / f"{name}.jsonl" for name in ("brain-drain", "amata", "lupus")]
ALONE = ("margin", "here")
HEAD = ("answerer", "correct and cited", "hit@1", "refused, unanswerable", "refused, answerable", "AUROC")


def questions(path: Path, n: int) -> tuple[Config, list[Example]]:
    """The reported rows of a set, `n` at most, evenly spread; and the configuration that holds their articles."""
    held = load_set(path)
    if held.articles:
        rows = [e for e in held.examples if held.articles[e.article].title.replace(" ", "_") in REPORTED]
    else:
        rows = list(select(held.examples, ["tag=report"]))
    every = max(1, len(rows) // n)
    config, located = prepare(held, rows[::every][:n], Config.from_env())
    return config, list(located)


def figures(chain: QAChain, examples: Sequence[Example]) -> tuple[str, ...]:
    """A row of the table: over answerable questions, over unanswerable ones, and over all."""
    said = [chain.invoke(Question(e.question, e.history, e.article)) for e in examples]
    rows = [score(e, a, chain.articles) for e, a in zip(examples, said, strict=True)]
    here = np.array([e.answerable for e in examples])
    refused = np.array([a.refused for a in said])
    sure = np.array([a.confidence for a in said])
    right, first = (_mean([r[key] for r, e in zip(rows, examples, strict=True) if e.answerable]) for key in
                    ("correct_and_cited", "hit_at_1"))  # fmt: skip
    values = (right, first, refused[~here].mean(), refused[here].mean(), auroc(here, sure))
    return tuple(f"{v:.3f}" for v in values)


def _mean(values: Sequence[Any]) -> float:
    held = [v for v in values if v is not None]
    return sum(held) / len(held) if held else float("nan")


def answerer(
    reader: Reader, read: Sequence[Read], ours: Bools, rank: Sequence[str], confidence: Mapping[str, int]
) -> Answerer:
    """What `fitted` makes of those features alone."""
    return SpanAnswerer(reader, Calibration(**fitted(read, ours, reader, rank, confidence)[0])).answer


def rows_of(args: argparse.Namespace) -> dict[str, Answerer]:
    """Label → answerer, in the table's order."""
    rows: dict[str, Answerer] = {"sentences": extract}
    for label, file in (("reader, no made negatives", args.unmade), ("reader, as long, with them", args.made)):
        if file:
            reader = Remembering(Reader.load(file))
            read, ours = read_sets(args.calibrate, args.data / "squad-v2.0-dev-a.json.gz", reader)
            rows[label] = answerer(reader, read, ours, ALONE, {"margin": 1, "here": 1})
    reader = Remembering(Reader.load(WEIGHTS))
    read, ours = read_sets(args.calibrate, args.data / "squad-v2.0-dev-a.json.gz", reader)
    rows["reader, shipped weights"] = answerer(reader, read, ours, ALONE, {"margin": 1, "here": 1})
    rows["+ ranking features"] = answerer(reader, read, ours, RANK, {"margin": 1, "here": 1})
    rows["+ calibration (shipped)"] = answerer(reader, read, ours, RANK, CONFIDENCE)
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    from rich.console import Console

    from eval.table import print_table

    parser = argparse.ArgumentParser(prog="python -m eval.ablation", description="What each part of the reader adds.")
    parser.add_argument("sets", type=Path, nargs="+", metavar="SET", help="native sets, or SQuAD-format files")
    parser.add_argument("--data", type=Path, required=True, help="folder of squad-v2.0-dev-a.json.gz")
    parser.add_argument("--calibrate", type=Path, nargs="*", default=[*SEEDS, SEEDS[0].with_name("news-dev.jsonl")])
    parser.add_argument("--unmade", type=Path)
    parser.add_argument("--made", type=Path)
    parser.add_argument("-n", type=int, default=400, help="questions of each set, at most")
    args = parser.parse_args(sys.argv[1:] if argv is None else argv)
    answerers = rows_of(args)
    console = Console(width=None if sys.stdout.isatty() else 130)
    for path in args.sets:
        config, examples = questions(path, args.n)
        held = load_chain(config)
        rows = []
        for label, answers in answerers.items():
            rows.append((label, *figures(held.answered_by(answers), examples)))
        answerable = sum(e.answerable for e in examples)
        console.print(f"\n{path.name}: {answerable} answerable, {len(examples) - answerable} unanswerable, held back")
        print_table(console, HEAD, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
