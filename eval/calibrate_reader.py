"""`python -m eval.calibrate_reader --data FOLDER SET…`: fit what `rag/reader/calibration.json` holds, and write it.

The reader's weights are fixed here; fitted are how a candidate's scores are weighed (`rank`), how sure the best
sentence makes us that the article answers at all (`confidence`), the threshold that refuses at most 5% of the
answerable questions, and when a yes/no question gets its yes or no. Data: the dev halves of the question sets and the
calibration articles of SQuAD 2.0's dev-a, each with two fifths of the weight, because the latter's unanswerable
questions were written to fool readers and the former's were asked; with the last fifth unanswerable ones made from
both (eval/made.py); for yes and no the part of BoolQ that training leaves out. Neither a `report` row nor a reported
article is read. The threshold comes from the question sets alone: they are what people ask.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval.chains import prepare
from eval.fit import logistic, matrix, softmax_choice, sure_ends
from eval.formats import load_set
from eval.made import made_unanswerable
from eval.metrics import citation_hit, containment, token_f1
from eval.reader import auroc
from eval.sets import Example, select
from rag.build import refresh
from rag.chain import load_chain
from rag.config import Config
from rag.intent import Intent, intent_of, wants_many
from rag.logistic import dot
from rag.reader import yesno
from rag.reader.answer import CALIBRATION
from rag.reader.candidates import Candidate, candidates, choose, confidence_features
from rag.reader.data import CALIBRATION as CALIBRATION_ARTICLES
from rag.reader.data import boolq_rows
from rag.reader.model import Reader, Reading
from rag.reader.weights import WEIGHTS
from rag.retrieve import Found
from rag.rewrite import standalone
from rag.seal import sha256_of
from rag.sentences import split_sentences
from rag.types import Article

RISK = 0.05
"""The share of answerable questions that the threshold may refuse."""
PRECISION = 0.9
"""The share of the yes and no verdicts given that should be right."""
WITHIN, WITHIN_MANY = 1.0, 3.0
"""How far below the best sentence's score a second one may be, and a further one of a list: on the dev halves the first
finds 2 in 100 more at 1 in 100 of the quotes, the second quotes 1.75 sentences of which 73% are evidence."""
RANK = ("margin", "here", "cosine", "covered", "retrieved", "kind", "echo")
CONFIDENCE = {
    **{"here": 1, "near_here": 1, "cosine": 1, "covered": 1, "known": 1},
    **{"names": -1, "numbers": -1, "elsewhere": -1, "yes_no": 0, "many": 0},
}
"""Feature → the sign that its weight may have (0: either). Without that a hundred questions teach nonsense, such as
that words which stand nowhere in the article speak for an answer."""
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Read:
    """One question with the candidates that the reader found, and which of them are right."""

    example: Example
    query: str
    found: Found
    candidates: list[Candidate]
    right: Bools
    weight: float
    articles: Mapping[str, Article]


class Remembering(Reader):
    """A reader that reads no pair twice: fits with other features read the same sentences again and again."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._held: dict[tuple[str, str], Reading] = {}

    def read(self, pairs: Sequence[tuple[str, str]]) -> list[Reading]:
        fresh = [pair for pair in dict.fromkeys(pairs) if pair not in self._held]
        self._held.update(zip(fresh, self._reader.read(fresh), strict=True))
        return [self._held[pair] for pair in pairs]


def read_all(examples: Sequence[Example], config: Config, reader: Reader, weight: float) -> list[Read]:
    """Every question's candidates, through the chain's own retrieval; overview questions are left out."""
    chain = load_chain(config)
    done = []
    for number, example in enumerate(examples, start=1):
        if intent_of(example.question) is not Intent.QUESTION:
            continue
        query = standalone(example.question, example.history)
        found = chain.retriever.search(query, example.article)
        read = candidates(query, found, reader, chain.articles)
        right = np.array([_right(c, example, chain.articles[example.article]) for c in read], dtype=bool)
        done.append(Read(example, query, found, read, right, weight / len(examples), chain.articles))
        if number % 50 == 0 or number == len(examples):
            print(f"\rread {number}/{len(examples)} questions", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return done


def _right(candidate: Candidate, example: Example, article: Article) -> bool:
    """In a gold sentence, with a gold answer in it or most of one; a list's or a reason's sentence is enough."""
    if not citation_hit([candidate.sentence[1]], [e.span for e in example.evidence]):
        return False
    said = article.text[slice(*candidate.span)]
    if wants_many(example.question) or set(example.answers) <= {"yes", "no"}:
        return True
    return max(containment(said, example.answers), token_f1(said, example.answers)) >= 0.5


def fitted(
    read: Sequence[Read],
    ours: Bools,
    reader: Reader,
    of_rank: Sequence[str] = RANK,
    of_confidence: Mapping[str, int] = CONFIDENCE,
) -> tuple[dict[str, Any], Floats, Bools]:
    """The calibration, each question's confidence, and whether its best candidate is right. `ours` says which are of
    the question sets: they set the threshold. The last two name the features that count."""
    groups = [(matrix([c.features for c in r.candidates], of_rank), r.right, r.weight) for r in read]
    rank = dict(zip(of_rank, softmax_choice(groups), strict=True))
    best = [choose(r.candidates, rank)[0] for r in read]
    pairs = zip(read, best, strict=True)
    values = [confidence_features(r.query, c, r.found, reader, r.articles) for r, c in pairs]
    truth = np.array([float(r.example.answerable) for r in read])
    signs = list(of_confidence.values())
    weights = logistic(matrix(values, list(of_confidence)), truth, np.array([r.weight for r in read]), signs)
    confidence = dict(zip(("bias", *of_confidence), weights, strict=True))
    sure = 1 / (1 + np.exp(-np.array([dot(confidence, v) for v in values])))
    threshold = float(np.quantile(sure[ours & (truth == 1)], RISK))
    hits = np.array([r.right[r.candidates.index(c.best)] for r, c in zip(read, best, strict=True)], dtype=bool)
    found = {"rank": rank, "confidence": confidence, "threshold": round(threshold, 4), "within": WITHIN}
    found["within_many"] = WITHIN_MANY
    return found, sure, hits


def fitted_yes_no(rows: Sequence[Mapping[str, Any]], reader: Reader) -> dict[str, Any]:
    """Weights and ends from one half of `rows`; prints how often the verdicts on the other half are right."""
    readings = reader.read([(row["question"], row["passage"]) for row in rows])
    values = [_yes_no_features(row, r) for row, r in zip(rows, readings, strict=True)]
    x, truth = matrix(values, yesno.FEATURES[1:]), np.array([float(row["answer"]) for row in rows])
    half = np.arange(len(rows)) % 2 == 0
    weights = logistic(x[half], truth[half], np.full(half.sum(), 1 / half.sum()), [0] * x.shape[1])
    probability = 1 / (1 + np.exp(-(weights[0] + x @ np.array(weights[1:]))))
    yes_at, no_at = sure_ends(probability[half], truth[half], PRECISION)
    for name, said, right in (("yes", probability >= yes_at, truth == 1), ("no", probability <= no_at, truth == 0)):
        mine = ~half & said
        share = f"{right[mine].mean():.3f} right" if mine.any() else "never said"
        print(f"BoolQ, the other half: “{name}” to {mine.sum()} of {(~half).sum()}, {share}")
    named = dict(zip(yesno.FEATURES, weights, strict=True))
    return {"weights": named, "yes_at": round(yes_at, 4), "no_at": round(no_at, 4)}


def _yes_no_features(row: Mapping[str, Any], reading: Any) -> dict[str, float]:
    """With the sentence that the reader picks out of BoolQ's passage, as the answerer does it."""
    text = row["passage"]
    spans = [s for s in split_sentences(text) if s[0] <= reading.start < s[1]] or [(0, len(text))]
    return yesno.features(row["question"], text[slice(*spans[0])], reading.yes)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.calibrate_reader", description="Fit the reader's confidence.")
    parser.add_argument("sets", type=Path, nargs="+", metavar="SET", help="question sets; only dev rows are read")
    parser.add_argument("--data", type=Path, required=True, help="folder of squad-v2.0-dev-a.json.gz, boolq.jsonl.gz")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--out", type=Path, default=CALIBRATION)
    args = parser.parse_args(argv)
    reader = Remembering(Reader.load(args.weights))
    read, ours = read_sets(args.sets, args.data / "squad-v2.0-dev-a.json.gz", reader)
    found, sure, hits = fitted(read, ours, reader)
    found["yes_no"] = fitted_yes_no(boolq_rows(args.data / "boolq.jsonl.gz", held_back=True), reader)
    found["weights_sha256"] = sha256_of(args.weights)
    args.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))
    made = np.array([r.example.id.endswith("-made") for r in read])
    parts = {"question sets, dev": ours, "dev-a, calibration articles": ~ours & ~made, "made unanswerable": made}
    show(read, sure, hits, found["threshold"], parts)
    print(f"{args.out} written (fitted on these rows: the report halves tell what it is worth)")
    return 0


def read_sets(paths: Sequence[Path], squad_file: Path, reader: Reader) -> tuple[list[Read], Bools]:
    """What is fitted on, read; and which of it is of the question sets."""
    config = Config.from_env()
    refresh(config)
    asked = [e for path in paths for e in select(load_set(path).examples, ["tag=dev"])]
    articles = load_chain(config).articles
    ours = read_all(asked, config, reader, 0.4)
    squad = load_set(squad_file)
    hard = [e for e in squad.examples if squad.articles[e.article].title.replace(" ", "_") in CALIBRATION_ARTICLES]
    own, located = prepare(squad, hard, config)
    both = {**articles, **load_chain(own).articles}
    made = made_unanswerable(asked, both, seed=0), made_unanswerable(located[::3], both, seed=0)
    theirs = read_all(located, own, reader, 0.4)
    read = ours + theirs + read_all(made[0], config, reader, 0.1) + read_all(made[1], own, reader, 0.1)
    return read, np.arange(len(read)) < len(ours)


def show(read: Sequence[Read], sure: Floats, hits: Bools, threshold: float, parts: Mapping[str, Bools]) -> None:
    """A line for each part: what the fit makes of the very rows it was fitted on."""
    here = np.array([r.example.answerable for r in read])
    findable = np.array([r.right.any() for r in read])
    for name, part in parts.items():
        print(f"{name}: n {part.sum()}, refused {(sure[part & ~here] < threshold).mean():.3f} of the unanswerable")
        if (part & here).any():
            print(
                f"  {(sure[part & here] < threshold).mean():.3f} of the answerable, AUROC "
                f"{auroc(here[part], sure[part]):.3f}, best candidate right {hits[part & findable].mean():.3f} of "
                f"{(part & findable).sum()} that have one"
            )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
