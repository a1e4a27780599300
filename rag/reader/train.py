"""Trains the reader: `python -m rag.reader.train --data FOLDER --minutes 50`, then exports the weights.

One command, two cores, no GPU. Weights are kept in float32 and used in bfloat16 where the processor has AVX-512 BF16
or AMX, which multiplies four times as fast (where it has neither, bfloat16 is emulated, ten times slower than float32).
The traps: glibc hands every large tensor back to the kernel and takes it anew, which costs a third of the time (so the
command starts itself again with other settings); each new batch shape compiles a kernel (so lengths are padded to
multiples of 16); and a run cut short must still have lowered its learning rate, so the schedule follows whichever is
further along, the examples or the clock.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from rag.embed import count_tokens, model_folder
from rag.reader import data, net
from rag.reader.encode import Encoded, batch, encode, tokens_of
from rag.reader.examples import Example
from rag.reader.model import fastest

PEAK, WARM_UP, BATCH, EMA = 1.3e-4, 0.04, 16, 0.998
SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": "4294967296",
    "MALLOC_TRIM_THRESHOLD_": "4294967296",
    "OMP_WAIT_POLICY": "PASSIVE",  # a thread that waits for its share of the processor should not spin
}
NOTHING = -100
"""The label that a loss skips."""


@dataclass(frozen=True, slots=True)
class Row:
    """One encoded example: token indices of the answer (0, 0 for "not here"; NOTHING if no span is taught)."""

    encoded: Encoded
    start: int
    end: int
    here: float
    yes: float


def rows_of(examples: Sequence[Example]) -> list[Row]:
    """Encoded examples; those whose answer was cut off by the length are left out."""
    rows: list[Row] = []
    for at in range(0, len(examples), 4096):
        part = examples[at : at + 4096]
        for example, encoded in zip(part, encode([(e.question, e.passage) for e in part]), strict=True):
            if example.span is not None:
                tokens = tokens_of(example.span, encoded)
                if tokens is None:
                    continue
                start, end = tokens
            else:
                start = end = NOTHING if example.here else 0
            yes = float(NOTHING) if example.yes is None else float(example.yes)
            rows.append(Row(encoded, start, end, float(example.here), yes))
    return rows


def batches(rows: Sequence[Row], seed: int) -> Iterator[list[Row]]:
    """Batches of about one length: shuffled rows are sorted within pools of 64 batches, whose batches are shuffled."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(rows))
    for at in range(0, len(order), 64 * BATCH):
        pool = sorted(order[at : at + 64 * BATCH], key=lambda i: len(rows[i].encoded.ids))
        groups = [pool[i : i + BATCH] for i in range(0, len(pool), BATCH)]
        for group in rng.permutation(len(groups)):
            yield [rows[i] for i in groups[group]]


def loss_of(model: net.SpanNet, rows: Sequence[Row]) -> Tensor:
    """Cross-entropy of start and end ([CLS] among the choices) + 1.5 × that of "here" + half that of "yes",
    where they are taught."""
    ids, segments, real = (torch.from_numpy(a) for a in batch([r.encoded for r in rows], multiple=16))
    logits, verdicts = model(ids, segments, real)
    start, end = torch.tensor([r.start for r in rows]), torch.tensor([r.end for r in rows])
    loss = F.cross_entropy(logits[..., 0], start, ignore_index=NOTHING)
    loss = loss + F.cross_entropy(logits[..., 1], end, ignore_index=NOTHING)
    here, yes = torch.tensor([r.here for r in rows]), torch.tensor([r.yes for r in rows])
    loss = loss + 1.5 * F.binary_cross_entropy_with_logits(verdicts[:, 0], here)
    taught = yes >= 0
    if taught.any():
        loss = loss + 0.5 * F.binary_cross_entropy_with_logits(verdicts[taught, 1], yes[taught])
    return loss


def rate(progress: float, peak: float = PEAK) -> float:
    """Learning rate at `progress` in [0, 1]: a short warm-up, then a straight line to nought."""
    return peak * min(progress / WARM_UP, (1 - progress) / (1 - WARM_UP))


class Trainer:
    """The run's state: float32 masters, their bfloat16 copies that compute, the optimiser, a moving average."""

    def __init__(self, folder: Path, seed: int) -> None:
        frozen, train = net.encoder_weights(model_folder() / "model.safetensors")
        self.checkpoint = folder / "checkpoint.pt"
        self.masters = {k: v.clone().requires_grad_() for k, v in (train | net.fresh_heads(seed)).items()}
        self.average = {k: v.detach().clone() for k, v in self.masters.items()}
        self.model = net.SpanNet(frozen, self.masters).to(fastest())
        self.low = [self.model.w[k.replace(".", "_")] for k in self.masters]
        matrices = [p for p in self.masters.values() if p.ndim == 2]
        others = [p for p in self.masters.values() if p.ndim != 2]
        groups: list[dict[str, Any]] = [
            {"params": matrices, "weight_decay": 0.01},
            {"params": others, "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.98), fused=True)
        self.steps = 0
        self.seconds = 0.0

    def step(self, rows: Sequence[Row], learning_rate: float) -> float:
        """One update; the loss before it."""
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate
        loss = loss_of(self.model, rows)
        loss.backward()  # type: ignore[no-untyped-call]
        for master, low in zip(self.masters.values(), self.low, strict=True):
            master.grad = low.grad.float() if low.grad is not None else None
            low.grad = None
        torch.nn.utils.clip_grad_norm_(self.masters.values(), 1.0)
        self.optimiser.step()
        self.steps += 1
        with torch.no_grad():
            masters = [m.detach() for m in self.masters.values()]
            torch._foreach_copy_(self.low, masters)
            torch._foreach_lerp_(list(self.average.values()), masters, 1 - min(EMA, self.steps / (self.steps + 10)))
        return float(loss.detach())

    def save(self) -> None:
        """The whole state, written beside the old one and then put in its place."""
        fresh = self.checkpoint.with_suffix(".new")
        state = {"masters": self.masters, "average": self.average, "optimiser": self.optimiser.state_dict()}
        torch.save(state | {"steps": self.steps, "seconds": self.seconds}, fresh)
        os.replace(fresh, self.checkpoint)

    def load(self, file: Path | None = None) -> None:
        """A run's whole state; that of another run (`file`), or an average of two, which has weights alone, as the
        start of a new one, its steps and time at nought."""
        state = torch.load(file or self.checkpoint, weights_only=True)
        with torch.no_grad():
            for name, master in self.masters.items():
                master.copy_(state["masters"][name])
                self.average[name].copy_(state["average"][name])
            torch._foreach_copy_(self.low, list(self.masters.values()))
        if "optimiser" in state:
            self.optimiser.load_state_dict(state["optimiser"])
        self.steps, self.seconds = (0, 0.0) if file else (state["steps"], state["seconds"])


def calibration_rows(folder: Path, seed: int, size: int) -> list[Row]:
    """Questions of the calibration articles, whole paragraphs: progress is watched here, nothing is trained."""
    import random

    rng = random.Random(seed)
    asked = data.read_squad(folder / "squad-v2.0-dev-a.json.gz", data.CALIBRATION, rng)
    drawn = rng.sample([row for rows in asked.values() for row in rows], size)
    return rows_of([Example(a.question, a.context, a.answer, a.answer is not None) for a in drawn])


def watch(model: net.SpanNet, rows: Sequence[Row]) -> str:
    """How often answerable rows' span is exact, and AUROC of answerable against unanswerable, by head and by span."""
    from sklearn.metrics import roc_auc_score

    exact, here, head, span = [], [], [], []
    for at in range(0, len(rows), BATCH):
        part = rows[at : at + BATCH]
        with torch.no_grad():
            logits, verdicts = model(*(torch.from_numpy(a) for a in batch([r.encoded for r in part], multiple=16)))
        null = logits[:, 0].sum(-1)
        inside = logits[:, 1:]
        start, end = inside[..., 0].max(-1), inside[..., 1].max(-1)
        head += verdicts[:, 0].tolist()
        span += (start.values + end.values - null).tolist()
        here += [r.here for r in part]
        exact += [
            r.start == s + 1 and r.end == e + 1
            for r, s, e in zip(part, start.indices.tolist(), end.indices.tolist(), strict=True)
            if r.here
        ]
    scores = (np.mean(exact), roc_auc_score(here, head), roc_auc_score(here, span))
    return "dev exact {:.3f}, AUROC head {:.3f}, span {:.3f}".format(*scores)


def prepare(folder: Path, work: Path, seed: int, small: bool, made: bool, share: float = 1.0) -> list[Row]:
    """The pass's rows, from the cache in `work` if they are there; `made` False leaves out made negatives."""
    kind = f"{'-small' if small else ''}{'' if made else '-unmade'}{'' if share == 1 else f'-{share}'}"
    cache = work / f"rows-{seed}{kind}.pt"
    if not cache.exists():
        began = time.time()
        examples = data.build(folder, seed, count_tokens, small, share)
        if not made:
            examples = [e for e in examples if e.source not in data.MADE]
        rows = rows_of(examples)
        counts = {s: sum(e.source == s for e in examples) for s in sorted({e.source for e in examples})}
        print(f"{len(rows)} examples in {time.time() - began:.0f} s: {counts}", flush=True)
        packed = [(r.encoded.ids, r.encoded.first, r.start, r.end, r.here, r.yes) for r in rows]
        torch.save(packed, cache)
    packed = torch.load(cache, weights_only=True)
    return [Row(Encoded(ids, first, []), s, e, h, y) for ids, first, s, e, h, y in packed]


def run(args: argparse.Namespace) -> None:
    """The training loop: resumes, checkpoints every three minutes, prints a line every minute. Every pass makes its
    examples anew, with other negatives and windows."""
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    args.work.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(args.work, args.seed)
    if args.resume and trainer.checkpoint.exists():
        trainer.load()
    elif args.start:
        trainer.load(args.start)
    dev = calibration_rows(args.data, args.seed, 300)

    def of_pass(n: int) -> list[Row]:
        return prepare(args.data, args.work, args.seed + n, args.small, not args.no_made_negatives, args.share)

    per_pass = -(-len(of_pass(0)) // BATCH)
    total = int(per_pass * args.passes)
    budget = args.minutes * 60
    began, said, saved, seen, losses = time.time() - trainer.seconds, time.time(), time.time(), 0, []
    stream = (b for n in range(1000) for b in batches(of_pass(n), args.seed + n))
    for number, group in enumerate(stream):
        if number < trainer.steps:
            continue  # a resumed run skips what it has seen
        trainer.seconds = time.time() - began
        progress = max(trainer.steps / total, trainer.seconds / budget)
        if progress >= 1:
            break
        losses.append(trainer.step(group, rate(progress, args.rate)))
        seen += len(group)
        now = time.time()
        if now - said >= 60:
            left = min((total - trainer.steps) / trainer.steps * trainer.seconds, budget - trainer.seconds)
            line = f"{trainer.steps}/{total} steps, {seen / (now - said):.1f} examples/s, loss {np.mean(losses):.3f}"
            score = f", {watch(trainer.model, dev)}" if now - saved >= 120 else ""
            print(f"{line}, {left / 60:.0f} min left{score}", flush=True)
            said, seen, losses = time.time(), 0, []
        if now - saved >= 180:
            trainer.save()
            saved = time.time()
    trainer.save()
    print(f"{trainer.steps} steps in {trainer.seconds / 60:.0f} min; {watch(trainer.model, dev)}", flush=True)


def parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m rag.reader.train", description="Train the reader, then export it.")
    parser.add_argument("--data", type=Path, required=True, help="folder with squad-v1.1-train.json.gz and the others")
    parser.add_argument("--work", type=Path, default=Path(".train"), help="folder for the cache and the checkpoint")
    parser.add_argument("--minutes", type=float, default=90.0, help="the schedule ends then, at the latest")
    parser.add_argument("--passes", type=float, default=1.0, help="passes over the examples, at most")
    parser.add_argument("--rate", type=float, default=PEAK, help="learning rate at its peak")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --work")
    parser.add_argument("--start", type=Path, metavar="FILE", help="begin with the weights of an earlier checkpoint")
    parser.add_argument("--share", type=float, default=1.0, help="share of SQuAD 1.1's articles in a pass")
    parser.add_argument("--small", action="store_true", help="a hundredth of the examples: does the machinery run?")
    parser.add_argument("--no-made-negatives", action="store_true", help="for the ablation: only written ones")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    argv = list(sys.argv[1:] if argv is None else argv)
    args = parse(argv)
    if sys.platform == "linux" and not all(name in os.environ for name in SETTINGS):
        os.execve(sys.executable, [sys.executable, "-m", "rag.reader.train", *argv], os.environ | SETTINGS)
    run(args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
