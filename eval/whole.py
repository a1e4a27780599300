"""`python -m eval.whole CALIBRATION_RUN REPORT_RUN`: SQuAD 2.0's F1 on whole articles at a threshold of SQuAD's own.

The chain's threshold is set for questions that people ask; SQuAD's unanswerable ones were written to fool readers, and
half of its questions are that. `python -m eval reader` takes its threshold from the set's calibration articles, so to
stand beside it this does too: from one run (`python -m eval run SET --split calibration --out DIR`) it takes the
threshold with the highest F1, and scores the other (`--split report`) at it. Refusals of the chain stay refusals.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eval.folder import stream_results
from eval.metrics import token_f1
from eval.reader import best_threshold
from rag.errors import BadInput, RagError


def main(argv: Sequence[str] | None = None) -> int:
    """Print the threshold and the figures; exit code 0, or a RagError's own."""
    parser = argparse.ArgumentParser(prog="python -m eval.whole", description="F1 at the calibration run's threshold.")
    parser.add_argument("calibration", type=Path, help="folder of a run on the calibration articles")
    parser.add_argument("report", type=Path, help="folder of a run on the reported ones")
    args = parser.parse_args(sys.argv[1:] if argv is None else argv)
    try:
        sure, here, f1 = read_run(args.calibration)
        threshold = best_threshold(sure, f1, (~here).astype(float))
        sure, here, f1 = read_run(args.report)
    except RagError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return fault.exit_code
    refused = sure < threshold
    print(f"threshold {threshold:.2f}, from {args.calibration}")
    print(f"F1, all          {np.where(refused, ~here, f1).mean():.3f}   n={len(sure)}")
    print(f"F1, answerable   {np.where(refused, 0.0, f1)[here].mean():.3f}   n={here.sum()}, refusals at 0")
    print(f"refused          {refused[~here].mean():.3f} of the unanswerable, {refused[here].mean():.3f} of the others")
    return 0


def read_run(folder: Path) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """Per question: the confidence (-1 where the chain refused), whether it has an answer, and the F1 of what was said
    (0 where it has none)."""
    rows = [row for row in stream_results(folder / "results.jsonl") if row["answer"]]
    if not rows:
        raise BadInput(f"{folder} holds no answered question. Make it with `python -m eval run SET --out {folder}`.")
    said = [row["answer"] for row in rows]
    sure = np.array([-1.0 if a["refused"] else a["confidence"] for a in said])
    here = np.array([row["answerable"] for row in rows])
    texts = ["" if a["refused"] else a["short"] or a["text"] for a in said]
    f1 = [token_f1(text, row["answers"]) if row["answerable"] else 0.0 for text, row in zip(texts, rows, strict=True)]
    return sure, here, np.array(f1)


if __name__ == "__main__":
    sys.exit(main())
