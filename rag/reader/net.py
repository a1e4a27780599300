"""The network: the packaged encoder's six layers, read across question and passage, with three small heads.

Written out instead of loaded through `transformers`, for two measured reasons: on two cores it trains twice as fast
(one matrix for query, key and value; plain softmax attention, whose backward pass beats the fused CPU kernel at
these lengths, while forward alone the fused one is faster), and the reader starts without importing `transformers`.

Sequence: [CLS] question [SEP] passage [SEP]. Beside word, position and segment embeddings each token carries a
learned mark that says whether its word piece occurs on the other side too: a name or number of the question that the
passage lacks is the cheapest sign that the passage does not answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rag.reader.encode import CLS, MAX_LENGTH, SEP

LAYERS, WIDTH, HEADS = 6, 384, 12
OUTSIDE = -1e4
"""The logit of a token that can not be an answer's start or end: finite, so that bfloat16 keeps it."""

Weights = Mapping[str, Tensor]


def encoder_weights(file: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The packaged weights file as (frozen embeddings, trainable parameters), float32.

    Query, key and value matrices are stacked, in that order, into one of shape (3 * WIDTH, WIDTH).
    """
    from safetensors.torch import load_file

    raw = {k.removeprefix("bert."): v.float() for k, v in load_file(file).items()}
    frozen = {
        "words": raw["embeddings.word_embeddings.weight"],
        "positions": raw["embeddings.position_embeddings.weight"][:MAX_LENGTH].clone(),
    }
    train = {
        "segments": raw["embeddings.token_type_embeddings.weight"],
        "norm.weight": raw["embeddings.LayerNorm.weight"],
        "norm.bias": raw["embeddings.LayerNorm.bias"],
    }
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}."
        for part in ("weight", "bias"):
            qkv = [raw[f"{layer}attention.self.{name}.{part}"] for name in ("query", "key", "value")]
            train[f"{i}.qkv.{part}"] = torch.cat(qkv)
            train[f"{i}.out.{part}"] = raw[f"{layer}attention.output.dense.{part}"]
            train[f"{i}.norm1.{part}"] = raw[f"{layer}attention.output.LayerNorm.{part}"]
            train[f"{i}.up.{part}"] = raw[f"{layer}intermediate.dense.{part}"]
            train[f"{i}.down.{part}"] = raw[f"{layer}output.dense.{part}"]
            train[f"{i}.norm2.{part}"] = raw[f"{layer}output.LayerNorm.{part}"]
    return frozen, train


def fresh_heads(seed: int) -> dict[str, Tensor]:
    """Parameters that the encoder lacks. The marks start at zero, so that training starts from the encoder itself."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator) * 0.02

    return {
        "marks": torch.zeros(5, WIDTH),
        "span.weight": normal(2, WIDTH),
        "span.bias": torch.zeros(2),
        "pool.weight": normal(WIDTH, WIDTH),
        "pool.bias": torch.zeros(WIDTH),
        "verdict.weight": normal(2, WIDTH),
        "verdict.bias": torch.zeros(2),
    }


class SpanNet(nn.Module):
    """Start and end logits for every token, and two verdicts for the pair: "it is here", and "yes".

    Position 0 ([CLS]) is "not here" among the spans: a passage without the answer has start = end = 0.
    """

    def __init__(self, frozen: Weights, train: Weights) -> None:
        super().__init__()
        for name, tensor in frozen.items():
            self.register_buffer(name, tensor.clone(), persistent=False)
        self.w = nn.ParameterDict({k.replace(".", "_"): nn.Parameter(v.clone()) for k, v in train.items()})

    def trained(self) -> dict[str, Tensor]:
        """The parameters by their dotted names: what training changes and the weights file describes."""
        return {_dotted(k): v.detach() for k, v in self.w.items()}

    def forward(self, ids: Tensor, segments: Tensor, real: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, length) of ids, of 0 question / 1 passage, of 1 token / 0 padding → logits (batch, length, 2),
        verdicts (batch, 2), both float32."""
        w: Any = self.w
        x = self._embed(ids, segments, real)
        outside = torch.zeros(real.shape, dtype=x.dtype).masked_fill(real == 0, OUTSIDE)[:, None, None, :]
        for i in range(LAYERS):
            x = self._layer(x, outside, i)
        logits = F.linear(x, w["span_weight"], w["span_bias"]).float()
        span_able = ((segments == 1) & (real == 1) & (ids != SEP)).clone()
        span_able[:, 0] = True
        pooled = torch.tanh(F.linear(x[:, 0], w["pool_weight"], w["pool_bias"]))
        verdicts = F.linear(pooled, w["verdict_weight"], w["verdict_bias"]).float()
        return logits.masked_fill(~span_able[..., None], OUTSIDE), verdicts

    def _embed(self, ids: Tensor, segments: Tensor, real: Tensor) -> Tensor:
        w: Any = self.w
        words: Any = self.words
        positions: Any = self.positions
        marks = w["marks"][_marks(ids, segments, real)]
        x = words[ids] + positions[: ids.shape[1]] + w["segments"][segments] + marks
        return F.layer_norm(x, (WIDTH,), w["norm_weight"], w["norm_bias"], 1e-12)

    def _layer(self, x: Tensor, outside: Tensor, i: int) -> Tensor:
        w: Any = self.w
        batch, length, _ = x.shape
        qkv = F.linear(x, w[f"{i}_qkv_weight"], w[f"{i}_qkv_bias"]).view(batch, length, 3, HEADS, WIDTH // HEADS)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        if torch.is_grad_enabled():
            scores = (q * (WIDTH // HEADS) ** -0.5) @ k.transpose(-1, -2)
            mixed = torch.softmax(scores + outside, -1) @ v
        else:
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=outside)
        mixed = mixed.transpose(1, 2).reshape(batch, length, WIDTH)
        x = x + F.linear(mixed, w[f"{i}_out_weight"], w[f"{i}_out_bias"])
        x = F.layer_norm(x, (WIDTH,), w[f"{i}_norm1_weight"], w[f"{i}_norm1_bias"], 1e-12)
        up = F.gelu(F.linear(x, w[f"{i}_up_weight"], w[f"{i}_up_bias"]))
        x = x + F.linear(up, w[f"{i}_down_weight"], w[f"{i}_down_bias"])
        return F.layer_norm(x, (WIDTH,), w[f"{i}_norm2_weight"], w[f"{i}_norm2_bias"], 1e-12)


def _dotted(name: str) -> str:
    """'0_qkv_weight' → '0.qkv.weight': ParameterDict takes no dots."""
    return name.replace("_", ".")


def _marks(ids: Tensor, segments: Tensor, real: Tensor) -> Tensor:
    """0 for [CLS], [SEP] and padding; 1 + segment * 2 for a token, + 1 if its id stands on the other side too."""
    token = (real == 1) & (ids != CLS) & (ids != SEP)
    same = (ids[:, :, None] == ids[:, None, :]) & (segments[:, :, None] != segments[:, None, :])
    shared = (same & token[:, None, :]).any(-1)
    return torch.where(token, 1 + 2 * segments + shared.long(), 0)
