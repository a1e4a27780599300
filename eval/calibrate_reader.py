"""`python -m eval.calibrate_reader --data FOLDER --yes-no SET SET…`: fit and write `rag/reader/calibration.json`.

The reader's weights are fixed here; fitted are how a candidate's scores are weighed (`rank`), how much a sentence's
second reading counts (`again`), how sure the best sentence makes us that the article answers at all (`confidence`), the
threshold that refuses at most 5% of the answerable questions, and when a yes/no question gets its yes or no. Data: the
dev rows of the question sets and the calibration articles of SQuAD 2.0's dev-a, each with two fifths of the weight,
because the latter's unanswerable questions were written to fool readers and the former's were asked; with the last
fifth unanswerable ones made from both (eval/made.py); for yes and no a set of its own with the sets' yes/no questions,
the part of BoolQ that training leaves out, and yes/no questions made from the calibration articles' answers. Neither a
`report` row nor a reported article is read. The threshold comes from the sets about the corpus's own articles alone:
real pages, and what people ask of them.
"""

from __future__ import annotations

import argparse
import json
import random
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
from rag.chain import load_chain
from rag.config import Config
from rag.intent import Intent, intent_of, wants_many
from rag.logistic import dot
from rag.names import names, numbers
from rag.reader import yesno
from rag.reader.answer import CALIBRATION
from rag.reader.candidates import (
    Candidate,
    Choice,
    candidates,
    choose,
    confidence_features,
    read_again,
    reordered,
    with_neighbours,
)
from rag.reader.data import CALIBRATION as CALIBRATION_ARTICLES
from rag.reader.data import read_squad
from rag.reader.model import Reader, Reading
from rag.reader.sources import boolq_rows
from rag.reader.verdicts import as_yes_no, other_answer
from rag.reader.weights import WEIGHTS
from rag.retrieve import Found
from rag.rewrite import standalone
from rag.seal import sha256_of
from rag.sentences import split_sentences
from rag.types import Article

RISK = 0.05
"""The share of answerable questions that the threshold may refuse."""
PRECISION = 0.9
"""The share of the yes and no verdicts given that should be right, of those on questions that were asked."""
WITHIN, WITHIN_MANY = 1.0, 3.0
"""How far below the best sentence's score a second one may be, and a further one of a list: on the dev halves the first
finds 2 in 100 more at 1 in 100 of the quotes, the second quotes 1.75 sentences of which 73% are evidence."""
RANK = ("margin", "here", "cosine", "covered", "retrieved", "kind", "echo")
CONFIDENCE = {
    **{"here": 1, "near_here": 1, "cosine": 1, "covered": 1, "known": 1},
    **{"names": -1, "numbers": -1, "elsewhere": -1, "opposed": -1, "yes_no": 0, "many": 0},
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
    """The calibration, each question's confidence, and whether its best candidate is right. `ours` says which ask
    about the corpus: they set the threshold. The last two name the features that count."""
    groups = [(matrix([c.features for c in r.candidates], of_rank), r.right, r.weight) for r in read]
    rank = dict(zip(of_rank, softmax_choice(groups), strict=True))
    twice = [read_again(r.query, choose(r.candidates, rank), reader) for r in read]
    again = _second_opinion(read, twice)
    best = [reordered(choices, again)[0] for choices in twice]
    values = [confidence_features(r.query, c, r.found, r.articles) for r, c in zip(read, best, strict=True)]
    truth = np.array([float(r.example.answerable) for r in read])
    signs = list(of_confidence.values())
    weights = logistic(matrix(values, list(of_confidence)), truth, np.array([r.weight for r in read]), signs)
    confidence = dict(zip(("bias", *of_confidence), weights, strict=True))
    sure = 1 / (1 + np.exp(-np.array([dot(confidence, v) for v in values])))
    threshold = float(np.quantile(sure[ours & (truth == 1)], RISK))
    hits = np.array([r.right[r.candidates.index(c.best)] for r, c in zip(read, best, strict=True)], dtype=bool)
    found = {"rank": rank, "confidence": confidence, "again": again, "threshold": round(threshold, 4)}
    return found | {"within": WITHIN, "within_many": WITHIN_MANY}, sure, hits


def _second_opinion(read: Sequence[Read], twice: Sequence[Sequence[Choice]]) -> float:
    """What the second reading's "here" counts beside a sentence's score, where the right one is among those read
    again."""
    groups = []
    for r, choices in zip(read, twice, strict=True):
        held = [(c.score, c.again.here, r.right[r.candidates.index(c.best)]) for c in choices if c.again]
        groups.append((np.array([row[:2] for row in held]), np.array([row[2] for row in held], dtype=bool), r.weight))
    first, second = softmax_choice(groups)
    return round(max(0.0, second / first), 4)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A yes/no question on a passage that answers it."""

    question: str
    passage: str
    yes: bool


def verdict_rows(data: Path, yes_no: Path, read: Sequence[Read]) -> dict[str, list[Verdict]]:
    """Source → rows: the yes/no questions of `yes_no` and of the sets that were `read`, with their sentence and two on
    either side; BoolQ's held-back part; and questions made from the calibration articles' answers, half of them with
    another answer of the same type, to be denied."""
    of_sets = [_asked(r.example, r.articles) for r in read if set(r.example.answers) in ({"yes"}, {"no"})]
    held = load_set(yes_no)
    of_sets += [_asked(e, held.articles) for e in select(held.examples, ["tag=dev"])]
    rng = random.Random(0)
    boolq = [Verdict(r["question"], r["passage"], r["answer"]) for r in boolq_rows(data / "boolq.jsonl.gz", True)]
    made = []
    for rows in read_squad(data / "squad-v2.0-dev-a.json.gz", CALIBRATION_ARTICLES, rng).values():
        pool = [t for row in rows for t in names(row.context) + numbers(row.context)]
        for row in rows:
            answer = row.context[slice(*row.answer)] if row.answer else ""
            other = other_answer(answer, row.question, row.context, pool, rng) if answer else None
            for said, yes in ((answer, True), (other, False)):
                asked = as_yes_no(row.question, said) if said else None
                if asked and (other or yes):
                    made.append(Verdict(asked, row.context, yes))
    return {"asked": of_sets, "BoolQ": boolq, "made": made}


def _asked(example: Example, articles: Mapping[str, Article]) -> Verdict:
    text = articles[example.article].text
    sentences = split_sentences(text)
    at = next(i for i, s in enumerate(sentences) if example.evidence[0].span[0] < s[1])
    around = sentences[max(0, at - 2) : at + 3]
    asked = standalone(example.question, example.history)
    return Verdict(asked, text[around[0][0] : around[-1][1]], example.answers == ("yes",))


def fitted_yes_no(rows: Mapping[str, Sequence[Verdict]], reader: Reader) -> dict[str, Any]:
    """Weights from all rows, the sources with the same weight, and ends that are sure enough on what was asked, each
    half of it judged by what the other half taught; prints how often the verdicts so given are right."""
    every = [(row, source) for source, held in rows.items() for row in held]
    values = [_yes_no_features(row, reader) for row, _ in every]
    x, truth = matrix(values, yesno.FEATURES[1:]), np.array([float(row.yes) for row, _ in every])
    of = np.array([source for _, source in every])

    def weights(taken: Bools) -> list[float]:
        weight = np.array([1 / (len(rows) * (taken & (of == source)).sum()) for source in of])
        return logistic(x[taken], truth[taken], weight[taken], [0] * x.shape[1])

    half = np.arange(len(every)) % 4 < 2
    probability = np.zeros(len(every))
    for taught in (half, ~half):
        bias, *slopes = weights(taught)
        probability[~taught] = 1 / (1 + np.exp(-(bias + x[~taught] @ np.array(slopes))))
    asked = of == "asked"
    yes_at, no_at = sure_ends(probability[asked], truth[asked], PRECISION)
    for source in rows:
        for name, said, right in (("yes", probability >= yes_at, truth == 1), ("no", probability <= no_at, truth == 0)):
            held = of == source
            share = f"{right[held & said].mean():.3f} right" if (held & said).any() else "never said"
            print(f"{source}: “{name}” to {(held & said).sum()} of {held.sum()}, {share}")
    named = dict(zip(yesno.FEATURES, weights(np.ones(len(every), dtype=bool)), strict=True))
    return {"weights": named, "yes_at": round(yes_at, 4), "no_at": round(no_at, 4)}


def _yes_no_features(row: Verdict, reader: Reader) -> dict[str, float]:
    """With the sentence that the reader picks out of the passage, read again between its neighbours alone, as the
    answerer does it."""
    sentences = split_sentences(row.passage)
    [reading] = reader.read([(row.question, row.passage)])
    at = next((i for i, s in enumerate(sentences) if s[0] <= reading.start < s[1]), 0)
    [again] = reader.read([(row.question, row.passage[slice(*with_neighbours(sentences, at))])])
    return yesno.features(row.question, row.passage[slice(*sentences[at])], again.yes)


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m eval.calibrate_reader", description="Fit the reader's confidence.")
    parser.add_argument("sets", type=Path, nargs="+", metavar="SET", help="question sets; only dev rows are read")
    parser.add_argument("--data", type=Path, required=True, help="folder of squad-v2.0-dev-a.json.gz, boolq.jsonl.gz")
    parser.add_argument("--yes-no", type=Path, required=True, metavar="SET", help="answerable yes/no questions")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--out", type=Path, default=CALIBRATION)
    args = parser.parse_args(argv)
    reader = Remembering(Reader.load(args.weights))
    read, ours = read_sets(args.sets, args.data / "squad-v2.0-dev-a.json.gz", reader)
    found, sure, hits = fitted(read, ours, reader)
    found["yes_no"] = fitted_yes_no(verdict_rows(args.data, args.yes_no, read), reader)
    found["weights_sha256"] = sha256_of(args.weights)
    args.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))
    made = np.array([r.example.id.endswith("-made") for r in read])
    squad = np.array(["calibration" in r.example.tags for r in read]) & ~made
    news = ~ours & ~made & ~squad
    parts = {"asked of the corpus, dev": ours, "asked of the sets' own articles, dev": news}
    parts |= {"dev-a, calibration articles": squad, "made unanswerable": made}
    show(read, sure, hits, found["threshold"], parts)
    print(f"{args.out} written (fitted on these rows: the report halves tell what it is worth)")
    return 0


def read_sets(paths: Sequence[Path], squad_file: Path, reader: Reader) -> tuple[list[Read], Bools]:
    """What is fitted on, read; and which of it asks about the corpus's articles (those come first)."""
    config = Config.from_env()
    sets = sorted((load_set(path) for path in paths), key=lambda held: bool(held.articles))
    brought = {slug for held in sets for slug in held.articles}
    asked = [prepare(held, select(held.examples, ["tag=dev"]), config) for held in sets]
    squad = load_set(squad_file)
    own, located = prepare(squad, select(squad.examples, ["tag=calibration"]), config)
    texts = {slug: text for of, _ in (*asked, (own, located)) for slug, text in load_chain(of).articles.items()}
    made = [(of, made_unanswerable(examples, texts, seed=0)) for of, examples in asked]
    read = _read_each(asked, reader, 0.4)
    ours = sum(r.example.article not in brought for r in read)
    read += read_all(located, own, reader, 0.4) + _read_each(made, reader, 0.1)
    read += read_all(made_unanswerable(located[::3], texts, seed=0), own, reader, 0.1)
    return read, np.arange(len(read)) < ours


def _read_each(groups: Sequence[tuple[Config, Sequence[Example]]], reader: Reader, weight: float) -> list[Read]:
    """Groups of questions, each with its own index; every question with the same part of the weight."""
    total = sum(len(examples) for _, examples in groups)
    return [r for of, examples in groups for r in read_all(examples, of, reader, weight * len(examples) / total)]


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
