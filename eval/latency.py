"""`python -m eval.latency SET`: how long a warm question takes, beside the encoder's own forward passes.

For each question the whole chain is timed, then the packaged encoder alone on the very pairs that were read (question
with each found passage, one batch), in the precision that the reader uses here and in float32: what any reader of this
size must cost. The trap is a noisy machine: the three are timed in turn for each question, and their medians compared.
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
from rag.reader.model import fastest
from rag.types import Answer, Question


def encoder(dtype: Any) -> Callable[[Answer], None]:
    """The encoder as `transformers` runs it, over the pairs of one answer."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model_folder(), local_files_only=True)
    model = AutoModel.from_pretrained(model_folder(), local_files_only=True, dtype=dtype).eval()

    def forward(answer: Answer) -> None:
        texts = [h.passage.text for h in answer.passages]
        batch = tokenizer([answer.query] * len(texts), texts, padding=True, return_tensors="pt")
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
        chain = load_chain(config)
        rows = [e for e in select(load_set(args.set).examples, ["tag=dev"]) if not e.history]
    except RagError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return fault.exit_code
    alone = {str(fastest()).removeprefix("torch."): encoder(fastest()), "float32": encoder(torch.float32)}
    times: dict[str, list[float]] = {"whole question": [], "of it reading": [], **{name: [] for name in alone}}
    for number, e in enumerate(rows[: args.n + 5]):
        question = Question(e.question, (), e.article)
        whole = timed(lambda: chain.invoke(question))  # noqa: B023
        answer = chain.invoke(question)
        if not answer.passages or number < 5:  # an overview, or still warming up
            continue
        times["whole question"].append(whole)
        times["of it reading"].append(answer.timings["read"])
        for name, forward in alone.items():
            times[name].append(timed(lambda: forward(answer)))  # noqa: B023
    medians = {name: float(np.median(found)) for name, found in times.items()}
    for name, found in times.items():
        label = f"encoder alone, {name}" if name in alone else name
        print(f"{label:<28}p50 {medians[name]:7.1f} ms   p95 {np.quantile(found, 0.95):7.1f} ms   n={len(found)}")
    for name in alone:
        print(f"whole question / encoder alone, {name}: {medians['whole question'] / medians[name]:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
