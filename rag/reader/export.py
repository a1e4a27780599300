"""Checkpoint → the file that ships, and the smaller ways to store it, whose cost `python -m eval.storage` prints."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from rag.errors import BadInput, RagError
from rag.reader import weights

Store = Callable[[Tensor], tuple[Tensor, int]]
"""A difference → what comes back of it, and the bytes it takes."""


def checkpoint(folder: Path, part: str = "average") -> dict[str, Tensor]:
    """The moving average of a run's weights (or its last ones, "masters"); BadInput when there is no checkpoint."""
    file = folder / "checkpoint.pt"
    if not file.exists():
        raise BadInput(f"{file} is not there. Make it with `{weights.COMMAND}`.")
    state = torch.load(file, weights_only=True)
    return {name: tensor.detach().float() for name, tensor in state[part].items()}


def half(d: Tensor) -> tuple[Tensor, int]:
    """Two bytes a weight."""
    return d.half().float(), 2 * d.numel()


def bits(n: int, group: int) -> Store:
    """`n` bits a weight and half-precision scales, one for `group` weights of a row (0: for the whole row)."""

    def store(d: Tensor) -> tuple[Tensor, int]:
        parts = d.reshape(-1, group or d.shape[1])
        top = 2 ** (n - 1) - 1
        scale = (parts.abs().amax(1, keepdim=True) / top).clamp(min=1e-12)
        return (torch.round(parts / scale) * scale).reshape(d.shape), d.numel() * n // 8 + 2 * len(parts)

    return store


def svd(rank: int) -> Store:
    """The nearest matrix of that rank as two, two bytes a number: how the reader ships, at `weights.RANK`."""

    def store(d: Tensor) -> tuple[Tensor, int]:
        left, right = weights.factors(d, rank)
        return left.float() @ right.float(), 2 * (left.numel() + right.numel())

    return store


WAYS: dict[str, Store] = {
    "half precision": half,
    "8 bits": bits(8, 0),
    "4 bits, groups of 64": bits(4, 64),
    "SVD, rank 128": svd(128),
    "SVD, rank 64": svd(64),
    "SVD, rank 32": svd(32),
}


def stored(trained: Mapping[str, Tensor], start: Mapping[str, Tensor], way: Store) -> tuple[dict[str, Tensor], int]:
    """The parameters as they come back from `way`, and the bytes they take."""
    back, size = {}, 0
    for name, tensor in trained.items():
        if name in start and tensor.ndim == 2 and tensor.shape[0] > 2:
            difference, bytes_taken = way(tensor - start[name])
            back[name] = start[name] + difference
        else:
            back[name], bytes_taken = tensor.half().float(), 2 * tensor.numel()
        size += bytes_taken
    return back, size


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m rag.reader.export", description="Write the reader's weights.")
    parser.add_argument("--work", type=Path, default=Path(".train"), help="the folder that training was given")
    parser.add_argument("--out", type=Path, default=weights.WEIGHTS)
    parser.add_argument("--part", choices=["average", "masters"], default="average")
    args = parser.parse_args(sys.argv[1:] if argv is None else argv)
    try:
        trained = checkpoint(args.work, args.part)
    except RagError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 2
    weights.save(trained, args.out, {"part": args.part})
    print(f"{args.out}: {args.out.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
