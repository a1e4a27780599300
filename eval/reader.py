"""`python -m eval reader SET`: the reader alone, with the gold paragraph given, as SQuAD 2.0 is scored.

The trap is a threshold tuned on the questions it is reported on, which the official script's "best F1" is. Here the
threshold comes from the set's calibration articles, and those are not reported; a set without them takes the
threshold from `--calibrate`, or the reader's own shipped one.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from eval import risk, stats
from eval.metrics import exact_match, token_f1
from rag.chunk import chunk
from rag.embed import count_tokens
from rag.errors import BadInput
from rag.reader.data import CALIBRATION, REPORTED, TRAINING
from rag.reader.model import Reader, Reading
from rag.types import Article

SPLITS = {"report": REPORTED, "tune": CALIBRATION, "training": TRAINING}
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its gold paragraph. `golds` is empty where the paragraph does not answer."""

    title: str
    question: str
    context: str
    golds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """What the reader would answer, and how sure it is that there is an answer."""

    text: str
    sure: float


@dataclass(frozen=True, slots=True)
class Scores:
    """SQuAD 2.0's figures, all in [0, 1]; AUROC tells answerable from unanswerable by `sure`."""

    n: int
    answerable: int
    answerable_em: float
    answerable_f1: float
    em: float
    f1: float
    auroc: float


def read_set(path: Path, titles: frozenset[str] | None) -> list[Asked]:
    """Questions of a SQuAD-format file (gzip allowed); BadInput when it is none, or lacks the titles."""
    try:
        raw = path.read_bytes()
        data = json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)["data"]
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise BadInput(f"{path} is not a SQuAD-format file ({fault}); `python -m eval run` takes others.") from None
    asked = [
        Asked(a["title"], qa["question"], p["context"], tuple(g["text"] for g in qa["answers"]))
        for a in data
        if titles is None or a["title"] in titles
        for p in a["paragraphs"]
        for qa in p["qas"]
    ]
    if not asked:
        raise BadInput(f"{path} holds no question of {', '.join(sorted(titles or ())) or 'any article'}.")
    return asked


def answer(reader: Reader, asked: Sequence[Asked], size: int = 192) -> list[Said]:
    """The reader's answer from each gold paragraph, cut into passages of `size` word pieces as the chain cuts them."""
    cut = {context: _passages(context, size) for context in dict.fromkeys(a.context for a in asked)}
    pairs = [(a.question, passage) for a in asked for passage in cut[a.context]]
    readings = iter(reader.read(pairs))
    return [_best([(p, next(readings)) for p in cut[a.context]]) for a in asked]


def sureness(reading: Reading) -> float:
    """One figure for "the answer is here": the span's margin over "not here", and the second opinion."""
    return reading.margin + reading.here


def _passages(context: str, size: int) -> list[str]:
    return [p.text for p in chunk(Article("paragraph", "paragraph", context), size, 0, count_tokens)]


def _best(read: Sequence[tuple[str, Reading]]) -> Said:
    passage, reading = max(read, key=lambda pair: sureness(pair[1]))
    return Said(passage[reading.start : reading.end], sureness(reading))


def best_threshold(sure: Floats, gain_if_answered: Floats, gain_if_refused: Floats) -> float:
    """The threshold on `sure` (answer at or above it) with the highest summed gain.

    >>> best_threshold(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 1.0]), np.array([1.0, 0.0, 0.0]))
    0.5
    """
    order = np.argsort(-sure)
    gains = np.concatenate([[0.0], np.cumsum((gain_if_answered - gain_if_refused)[order])])
    answered = int(gains.argmax())
    ranked = sure[order]
    if answered == 0:
        return float(ranked[0] + 1)
    if answered == len(ranked):
        return float(ranked[-1])
    return float((ranked[answered - 1] + ranked[answered]) / 2)


def score(asked: Sequence[Asked], said: Sequence[Said], threshold: float) -> Scores:
    """The figures at a threshold; `answerable_*` are over answerable questions, with refusing switched off."""
    here = np.array([bool(a.golds) for a in asked])
    sure = np.array([s.sure for s in said])
    em, f1 = gains(asked, said)
    refused = sure < threshold
    all_em, all_f1 = (float(np.where(refused, ~here, here * g).mean()) for g in (em, f1))
    n = int(here.sum())
    return Scores(len(asked), n, _mean(em[here]), _mean(f1[here]), all_em, all_f1, auroc(here, sure))


def gains(asked: Sequence[Asked], said: Sequence[Said]) -> tuple[Floats, Floats]:
    """EM and F1 of each answer as if nothing were refused; 0 where the question has no answer."""
    em = [exact_match(s.text, a.golds) if a.golds else 0.0 for a, s in zip(asked, said, strict=True)]
    f1 = [token_f1(s.text, a.golds) if a.golds else 0.0 for a, s in zip(asked, said, strict=True)]
    return np.array(em), np.array(f1)


def auroc(positive: NDArray[np.bool_], score: Floats) -> float:
    """Probability that a positive scores above a negative, ties counting half; NaN when there is only one kind.

    >>> auroc(np.array([True, True, False]), np.array([0.9, 0.4, 0.5]))
    0.5
    """
    return stats.value(risk.auroc(score.tolist(), positive.tolist()), len(score))


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _threshold(reader: Reader, args: argparse.Namespace) -> float:
    """The threshold that gives the calibration articles their best F1; they are never among those reported."""
    if args.threshold is not None:
        return float(args.threshold)
    asked = read_set(args.calibrate or args.set, CALIBRATION)
    said = answer(reader, asked, args.size)
    here = np.array([bool(a.golds) for a in asked])
    return best_threshold(np.array([s.sure for s in said]), gains(asked, said)[1], (~here).astype(float))


def parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m eval reader", description="The reader, gold paragraph given.")
    parser.add_argument("set", type=Path, help="SQuAD-format JSON, gzip allowed")
    parser.add_argument("--split", choices=[*SPLITS, "all"], default="report", help="which articles are reported")
    parser.add_argument("--titles", help="report these titles instead, separated by commas")
    parser.add_argument("--calibrate", type=Path, help="SQuAD-format file whose calibration articles set the threshold")
    parser.add_argument("--threshold", type=float, help="refuse below this instead of calibrating")
    parser.add_argument("--weights", type=Path, help="weights other than the shipped ones")
    parser.add_argument("--size", type=int, default=192, help="word pieces of a passage; 320 reads paragraphs whole")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    args = parse(list(sys.argv[1:] if argv is None else argv))
    titles = frozenset(args.titles.split(",")) if args.titles else SPLITS.get(args.split)
    asked = read_set(args.set, titles)
    reader = Reader.load(args.weights)
    threshold = _threshold(reader, args)
    began = time.perf_counter()
    said = answer(reader, asked, args.size)
    scores = score(asked, said, threshold)
    print(_printed(scores, threshold, time.perf_counter() - began, args.json))
    return 0


def _printed(scores: Scores, threshold: float, seconds: float, as_json: bool) -> str:
    figures: dict[str, Any] = {name: getattr(scores, name) for name in Scores.__dataclass_fields__}
    if as_json:
        return json.dumps(figures | {"threshold": threshold, "seconds": round(seconds, 1)})
    rows = [
        ("F1, answerable", scores.answerable_f1, scores.answerable),
        ("EM, answerable", scores.answerable_em, scores.answerable),
        ("F1, all", scores.f1, scores.n),
        ("EM, all", scores.em, scores.n),
        ("AUROC answerable/unanswerable", scores.auroc, scores.n),
    ]
    table = "\n".join(f"{name:<32}{value:>8.3f}   n={n}" for name, value, n in rows)
    return f"{table}\nthreshold {threshold:.2f}; {1000 * seconds / scores.n:.0f} ms a question"
