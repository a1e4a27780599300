"""`python -m eval.latency SET`: how long a warm question takes, beside the encoder's own forward passes.

For each question the whole chain is timed, then the packaged encoder alone on the very pairs that the reader read (the
question with each found passage in one batch, and with the best sentence's neighbourhood), in the precision that the
reader uses here and in float32: what any reader of this size must cost. The trap is a noisy machine: the three are
timed in turn for each question, and their medians compared.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eval.formats import load_set
from eval.sets import select
from rag.build import refresh
from rag.chain import load_chain
from rag.config import Config
from rag.embed import model_folder
from rag.errors import RagError
from rag.reader.answer import Calibration, SpanAnswerer
from rag.reader.model import Reader, Reading, fastest
from rag.types import Question


class Recording(Reader):
    """A reader that keeps what it was given: each call's pairs."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.calls: list[Sequence[tuple[str, str]]] = []

    def read(self, pairs: Sequence[tuple[str, str]]) -> list[Reading]:
        self.calls.append(pairs)
        return self._reader.read(pairs)


def encoder(dtype: Any) -> Callable[[Sequence[Sequence[tuple[str, str]]]], None]:
    """The encoder as `transformers` runs it, over one question's calls of the reader."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model_folder(), local_files_only=True)
    model = AutoModel.from_pretrained(model_folder(), local_files_only=True, dtype=dtype).eval()

    def forward(calls: Sequence[Sequence[tuple[str, str]]]) -> None:
        for pairs in calls:
            questions, texts = [q for q, _ in pairs], [t for _, t in pairs]
            batch = tokenizer(questions, texts, padding=True, return_tensors="pt")
            with torch.inference_mode():
                model(**batch)

    return forward


def timed(call: Callable[[], Any]) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - began)


def main(argv: Sequence[str] | None = None) -> int:
    """Print medians and ratios; exit code 0, or a RagError's own."""
    import torch

    parser = argparse.ArgumentParser(prog="python -m eval.latency", description="A warm question's time.")
    parser.add_argument("set", type=Path, help="a question set on the corpus' articles")
    parser.add_argument("-n", type=int, default=60, help="how many questions")
    args = parser.parse_args(sys.argv[1:] if argv is None else argv)
    try:
        config = Config.from_env()
        refresh(config)
        recording = Recording(Reader.load())
        chain = load_chain(config).answered_by(SpanAnswerer(recording, Calibration.load()).answer)
        rows = [e for e in select(load_set(args.set).examples, ["tag=dev"]) if not e.history]
    except RagError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return fault.exit_code
    alone = {str(fastest()).removeprefix("torch."): encoder(fastest()), "float32": encoder(torch.float32)}
    times: dict[str, list[float]] = {"whole question": [], "of it reading": [], **{name: [] for name in alone}}
    for number, e in enumerate(rows[: args.n + 5]):
        question = Question(e.question, (), e.article)
        whole = timed(lambda: chain.invoke(question))  # noqa: B023
        recording.calls.clear()
        answer = chain.invoke(question)
        calls = list(recording.calls)
        if not answer.passages or number < 5:  # an overview, or still warming up
            continue
        times["whole question"].append(whole)
        times["of it reading"].append(answer.timings["read"])
        for name, forward in alone.items():
            times[name].append(timed(lambda: forward(calls)))  # noqa: B023
    medians = {name: float(np.median(found)) for name, found in times.items()}
    for name, found in times.items():
        label = f"encoder alone, {name}" if name in alone else name
        print(f"{label:<28}p50 {medians[name]:7.1f} ms   p95 {np.quantile(found, 0.95):7.1f} ms   n={len(found)}")
    for name in alone:
        print(f"whole question / encoder alone, {name}: {medians['whole question'] / medians[name]:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
