"""`python -m eval.storage SET --work .train`: what each way of storing the reader's weights weighs and costs.

The trained weights are kept as what differs from the packaged encoder (rag/reader/weights.py). Here that difference
is stored in each way of `rag.reader.export.WAYS`, taken back, and the reader is scored with it: the gold paragraph
given, on questions of the set's calibration articles, the same ones for every way.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from eval.reader import Asked, answer, best_threshold, gains, read_set, score
from rag.errors import RagError
from rag.reader import weights
from rag.reader.data import CALIBRATION
from rag.reader.export import WAYS, checkpoint, stored
from rag.reader.model import Reader, fastest


def main(argv: Sequence[str] | None = None) -> int:
    """Print a row per way; exit code 0, or a RagError's own."""
    parser = argparse.ArgumentParser(prog="python -m eval.storage", description="Ways to store the reader's weights.")
    parser.add_argument("set", type=Path, help="SQuAD 2.0 dev-a; only its calibration articles are read")
    parser.add_argument("--work", type=Path, default=Path(".train"), help="the folder that training was given")
    parser.add_argument("-n", type=int, default=400, help="how many questions, drawn with a fixed seed")
    args = parser.parse_args(argv)
    try:
        trained = checkpoint(args.work)
        asked = random.Random(0).sample(read_set(args.set, CALIBRATION), args.n)
    except RagError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return fault.exit_code
    frozen, start = weights.base()
    print(f"{'way':<24}{'MB':>7}{'F1, answerable':>16}{'F1, all':>10}{'AUROC':>8}   n={len(asked)}")
    print(_row("as trained (float32)", 4 * sum(t.numel() for t in trained.values()), frozen, trained, asked))
    for name, way in WAYS.items():
        back, size = stored(trained, start, way)
        print(_row(name, size, frozen, back, asked), flush=True)
    return 0


def _row(name: str, size: int, frozen: Mapping[str, object], trained: Mapping[str, object], asked: list[Asked]) -> str:
    from rag.reader.net import SpanNet

    reader = Reader(SpanNet(frozen, trained).to(fastest()).eval())  # type: ignore[arg-type]
    said = answer(reader, asked)
    here = np.array([bool(a.golds) for a in asked])
    best = best_threshold(np.array([s.sure for s in said]), gains(asked, said)[1], (~here).astype(float))
    s = score(asked, said, best)
    return f"{name:<24}{size / 1e6:>7.1f}{s.answerable_f1:>16.3f}{s.f1:>10.3f}{s.auroc:>8.3f}"


if __name__ == "__main__":
    sys.exit(main())
