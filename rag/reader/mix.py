"""`python -m rag.reader.mix FOLDER OTHER --share 0.4 --out FOLDER`: the average of two runs' weights, as a checkpoint.

A run that went on from another learns what is new in its data and loses a little of what the first knew. On the line
between the two lies a point that is better at the old than either and nearly as good at the new (WiSE-FT, Wortsman et
al. 2022). It holds for runs of which one began where the other was: weights that never met do not average.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from rag.errors import BadInput, RagError
from rag.reader.export import checkpoint


def mixed(one: Mapping[str, Tensor], other: Mapping[str, Tensor], share: float) -> dict[str, Tensor]:
    """`share` in [0, 1] of `other`, the rest of `one`; BadInput when they are not the same network's.

    >>> mixed({"a": torch.tensor([0.0])}, {"a": torch.tensor([10.0])}, 0.25)
    {'a': tensor([2.5000])}
    """
    if one.keys() != other.keys():
        odd = sorted(one.keys() ^ other.keys())[0]
        raise BadInput(f"Only one of the two runs has {odd}: they are of different networks and can't be averaged.")
    if not 0 <= share <= 1:
        raise BadInput(f"--share {share} is not between 0 and 1.")
    return {name: torch.lerp(tensor, other[name], share) for name, tensor in one.items()}


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m rag.reader.mix", description="Average two runs' weights.")
    parser.add_argument("work", type=Path, metavar="FOLDER", help="a folder that training was given")
    parser.add_argument("other", type=Path, metavar="OTHER", help="that of the run it began from")
    parser.add_argument("--share", type=float, default=0.5, help="how much of OTHER, from 0 to 1")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where its checkpoint.pt goes")
    args = parser.parse_args(argv)
    try:
        average = mixed(checkpoint(args.work), checkpoint(args.other), args.share)
    except RagError as fault:
        print(f"error: {fault}", file=sys.stderr)
        return 2
    args.out.mkdir(parents=True, exist_ok=True)
    torch.save({"average": average, "masters": average}, args.out / "checkpoint.pt")
    print(f"{args.out / 'checkpoint.pt'}: export it with `python -m rag.reader.export --work {args.out}`")
    return 0


if __name__ == "__main__":
    sys.exit(main())
