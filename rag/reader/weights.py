"""What ships of the reader: only its difference from the packaged encoder, as matrices of low rank.

A matrix of the encoder is stored as two narrow ones whose product is the nearest of that rank to what training changed
(Eckart and Young 1936); all else in half precision. `python -m eval.storage` compares ways to store it. The trap: a
difference means nothing on another encoder, so the file names the hash of the one it was made on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from rag.embed import model_folder, model_sha256
from rag.errors import ModelMissing
from rag.reader import net

WEIGHTS = Path(__file__).with_name("reader.safetensors")
COMMAND = "python -m rag.reader.train --data FOLDER"
FORMAT = "svd-delta-1"
RANK = 128


def base() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """(frozen, trainable) of the packaged encoder."""
    return net.encoder_weights(model_folder() / "model.safetensors")


def factors(difference: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """(rows, rank) and (rank, columns), half precision: their product is the nearest matrix of that rank."""
    u, s, v = torch.linalg.svd(difference.float(), full_matrices=False)
    return (u[:, :rank] * s[:rank]).half(), v[:rank].half()


def pack(trained: Mapping[str, Tensor], start: Mapping[str, Tensor], rank: int = RANK) -> dict[str, Tensor]:
    """Tensors to store: `NAME` in half precision, or `NAME.left` and `NAME.right`, whose product is the difference."""
    packed: dict[str, Tensor] = {}
    for name, tensor in trained.items():
        if name in start and tensor.ndim == 2 and tensor.shape[0] > 2:
            packed[f"{name}.left"], packed[f"{name}.right"] = factors(tensor - start[name], rank)
        else:
            packed[name] = tensor.half()
    return packed


def unpack(packed: Mapping[str, Tensor], start: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The trained parameters, float32, from what `pack` made and the encoder it was made on."""
    trained: dict[str, Tensor] = {}
    for name, tensor in packed.items():
        if name.endswith(".left"):
            plain = name.removesuffix(".left")
            trained[plain] = start[plain] + tensor.float() @ packed[f"{plain}.right"].float()
        elif not name.endswith(".right"):
            trained[name] = tensor.float()
    return trained


def save(trained: Mapping[str, Tensor], file: Path, notes: Mapping[str, str]) -> None:
    """Write the weights with the encoder's hash, the format's name and `notes` in the header."""
    from safetensors.torch import save_file

    tensors = {k: v.contiguous() for k, v in pack(trained, base()[1]).items()}
    save_file(tensors, file, {"encoder_sha256": model_sha256(), "format": FORMAT, "notes": json.dumps(dict(notes))})


def load(file: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """(frozen, trained) of the reader; ModelMissing, naming the command that makes them, when they do not fit."""
    from safetensors import SafetensorError, safe_open

    if not file.exists():
        raise ModelMissing(f"The reader's weights are not at {file}. Make them with `{COMMAND}`.")
    try:
        with safe_open(file, "pt") as stored:
            header = stored.metadata() or {}
            packed = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as fault:
        raise ModelMissing(f"The reader's weights {file} do not load ({fault}). Make them with `{COMMAND}`.") from fault
    if header.get("format") != FORMAT:
        raise ModelMissing(f"{file} is no {FORMAT} file of this reader. Make it with `{COMMAND}`.")
    if header.get("encoder_sha256") != model_sha256():
        raise ModelMissing(
            f"The reader's weights at {file} were made on another encoder than the installed one. "
            f"Run `make setup` for the pinned encoder, or make the weights with `{COMMAND}`."
        )
    frozen, start = base()
    trained = unpack(packed, start)
    lacking = sorted((start.keys() | net.fresh_heads(0).keys()) - trained.keys())
    if lacking:
        raise ModelMissing(f"{file} lacks {lacking[0]} and {len(lacking) - 1} others. Make it with `{COMMAND}`.")
    return frozen, trained
