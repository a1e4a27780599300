"""`python -m eval.calibrate_reader --data FOLDER SET…`: fit what `rag/reader/calibration.json` holds, and write it.

The reader's weights are fixed here; fitted are how a candidate's scores are weighed (`rank`: conditional logit over
the candidates of one question), how sure a best candidate makes us that the article answers at all (`confidence`:
logistic regression), and the threshold that refuses at most 5% of the answerable questions. Data: the dev halves of
the question sets and the calibration articles of SQuAD 2.0's dev-a, each kind with half of the weight, because the
latter's unanswerable questions were written to fool readers and the former's were asked. Neither a `report` row nor a
reported article is read. The threshold comes from the question sets alone: they are what people ask.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.chains import prepare
from eval.formats import load_set
from eval.metrics import citation_hit, containment, token_f1
from eval.reader import auroc
from eval.sets import Example, select
from rag.build import refresh
from rag.chain import load_chain
from rag.config import Config
from rag.intent import Intent, intent_of, wants_many
from rag.reader.answer import CALIBRATION, Candidate, Choice, candidates, choose, confidence_features, dot, sha256
from rag.reader.data import CALIBRATION as CALIBRATION_ARTICLES
from rag.reader.model import Reader
from rag.reader.weights import WEIGHTS
from rag.retrieve import Found
from rag.rewrite import standalone
from rag.types import Article

RISK = 0.05
"""The share of answerable questions that the threshold may refuse."""
RANK = ("margin", "here", "cosine", "covered", "retrieved", "kind", "echo")
CONFIDENCE = (*RANK, "known", "names", "numbers", "elsewhere", "ahead", "yes_no", "many")
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Read:
    """One question with the candidates that the reader found, and which of them are right."""

    example: Example
    query: str
    found: Found
    candidates: list[Candidate]
    right: list[bool]
    weight: float


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
        right = [_right(c, example, chain.articles[example.article]) for c in read]
        done.append(Read(example, query, found, read, right, weight / len(examples)))
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


def fit_rank(read: Sequence[Read]) -> dict[str, float]:
    """Weights that give the right candidates of each question the highest share of a softmax."""
    usable = [(r, _matrix([c.features for c in r.candidates], RANK)) for r in read if any(r.right)]

    def loss(w: Floats) -> tuple[float, Floats]:
        total, gradient = 0.01 * float(w @ w), 0.02 * w
        for r, x in usable:
            z = x @ w
            every = np.exp(z - z.max())
            right = every * np.array(r.right)
            total -= r.weight * float(np.log(right.sum() / every.sum()))
            gradient = gradient - r.weight * (x.T @ (right / right.sum() - every / every.sum()))
        return total, gradient

    return dict(zip(RANK, _minimised(loss, len(RANK)), strict=True))


def fit_confidence(rows: Floats, answerable: Floats, weight: Floats) -> dict[str, float]:
    """Logistic regression of "the article answers" on `CONFIDENCE`, with a bias."""
    x = np.column_stack([np.ones(len(rows)), rows])

    def loss(w: Floats) -> tuple[float, Floats]:
        z = x @ w
        slope = weight * (1 / (1 + np.exp(-z)) - answerable)
        ridge = 0.003 * w * (np.arange(len(w)) > 0)
        return float(weight @ (np.logaddexp(0, z) - answerable * z) + ridge @ w / 2), x.T @ slope + ridge

    return dict(zip(("bias", *CONFIDENCE), _minimised(loss, x.shape[1]), strict=True))


def _hit(read: Read, chosen: Sequence[Choice]) -> bool:
    return read.right[read.candidates.index(chosen[0].best)]


def _minimised(loss: object, size: int) -> list[float]:
    from scipy.optimize import minimize

    found = minimize(loss, np.zeros(size), jac=True, method="L-BFGS-B").x
    return [round(float(v), 4) for v in found]


def _matrix(values: Sequence[Mapping[str, float]], names: Sequence[str]) -> Floats:
    return np.array([[v[n] for n in names] for v in values], dtype=float)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.calibrate_reader", description="Fit the reader's confidence.")
    parser.add_argument("sets", type=Path, nargs="+", metavar="SET", help="question sets; only dev rows are read")
    parser.add_argument("--data", type=Path, required=True, help="SQuAD 2.0 dev-a; only its calibration articles")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--out", type=Path, default=CALIBRATION)
    args = parser.parse_args(argv)
    config, reader = Config.from_env(), Reader.load(args.weights)
    refresh(config)
    asked = [e for path in args.sets for e in select(load_set(path).examples, ["tag=dev"])]
    seeds = read_all(asked, config, reader, 0.5)
    squad = load_set(args.data)
    hard = [e for e in squad.examples if squad.articles[e.article].title.replace(" ", "_") in CALIBRATION_ARTICLES]
    own, hard_located = prepare(squad, hard, config)
    read = seeds + read_all(hard_located, own, reader, 0.5)
    rank = fit_rank(read)
    chosen = [choose(r.candidates, rank) for r in read]
    articles = {**load_chain(config).articles, **load_chain(own).articles}
    values = [confidence_features(r.query, c, r.found, articles) for r, c in zip(read, chosen, strict=True)]
    rows, truth = _matrix(values, CONFIDENCE), np.array([float(r.example.answerable) for r in read])
    confidence = fit_confidence(rows, truth, np.array([r.weight for r in read]))
    sure = np.array([dot(confidence, v) for v in values])
    probability = 1 / (1 + np.exp(-sure))
    mine = np.arange(len(read)) < len(seeds)
    threshold = float(np.quantile(probability[mine & (truth == 1)], RISK))
    fitted = {
        "rank": rank,
        "confidence": confidence,
        "threshold": round(threshold, 4),
        "within": 1.5,
        "weights_sha256": sha256(args.weights),
    }
    args.out.write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(fitted, indent=1))
    for name, part in (("question sets, dev", mine), ("dev-a, calibration articles", ~mine)):
        here, p = truth[part] == 1, probability[part]
        hits = [_hit(r, c) for r, c, m in zip(read, chosen, part, strict=True) if m and any(r.right)]
        print(
            f"{name}: n {len(p)}, best candidate right {np.mean(hits):.3f} of {len(hits)} that have one, AUROC "
            f"{auroc(here, p):.3f}, refused {np.mean(p[here] < threshold):.3f} of the answerable, "
            f"{np.mean(p[~here] < threshold):.3f} of the unanswerable"
        )
    print(f"{args.out} written (fitted on these rows: the report halves tell what it is worth)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
