"""`python -m eval.calibrate SET…`: fit the confidence of the sentence answerer on the sets' dev halves, and print the
weights that stand in rag/extract.py. Rows tagged `report` are never read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rag.build import refresh
from rag.chain import load_chain
from rag.config import Config
from rag.extract import best_sentence, features
from rag.intent import Intent, intent_of
from rag.rewrite import standalone


def main(argv: Sequence[str]) -> int:
    """Print weights, and at which threshold they refuse how many; exit code 0."""
    from scipy.optimize import minimize

    config = Config.from_env()
    refresh(config)
    chain = load_chain(config)
    rows = [json.loads(line) for path in argv for line in Path(path).read_text(encoding="utf-8").splitlines()]
    table, truth = [], []
    for row in rows:
        if "dev" in row["tags"] and intent_of(row["question"]) is Intent.QUESTION:
            query = standalone(row["question"], row["history"])
            found = chain.retriever.search(query, row["article"])
            table.append(features(query, best_sentence(query, found, chain.articles), found, chain.articles))
            truth.append(row["answerable"])
    names = list(table[0])
    x = np.array([[1.0, *(t[n] for n in names)] for t in table])
    y = np.array(truth, dtype=float)

    def loss(w: np.ndarray) -> float:
        z = x @ w
        return float(np.sum(np.logaddexp(0, z) - y * z) + 0.5 * np.sum(w[1:] ** 2))

    w = minimize(loss, np.zeros(x.shape[1]), method="BFGS").x
    p = 1 / (1 + np.exp(-x @ w))
    print(json.dumps({"bias": round(w[0], 2), **{n: round(v, 2) for n, v in zip(names, w[1:], strict=True)}}))
    for t in np.arange(0.2, 0.85, 0.05):
        print(
            f"threshold {t:.2f}: refuses {np.mean(p[y == 0] < t):.2f} of {int(sum(y == 0))} unanswerable, "
            f"{np.mean(p[y == 1] < t):.2f} of {int(sum(y))} answerable"
        )
    return 0


if __name__ == "__main__":
    import sys

    sys.exit(main(sys.argv[1:]))
