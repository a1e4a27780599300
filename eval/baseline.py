"""`python -m eval baseline RUN --out FILE`: keep a run's figures as the floor that later runs are gated against.

The floor rises by itself and falls only with `--allow-regression`, which leaves a line in the file. The trap that
lives here is the edited file: a checksum over the figures tells one that was changed by hand.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rag.errors import BadInput

REFUSED = 3


@dataclass(frozen=True, slots=True)
class Baseline:
    """Metric → value, and which questions they are of. `lower` names the metrics where lower is better."""

    name: str
    questions_sha256: str
    n: int
    figures: Mapping[str, float]
    lower: tuple[str, ...] = ()
    regressions: tuple[str, ...] = ()


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="the --out folder of a complete run")
    parser.add_argument("--out", type=Path, metavar="FILE", required=True, help="e.g. eval/baselines/sentences.json")
    parser.add_argument("--allow-regression", action="store_true", help="lower the floor where the run is worse")


def main(args: argparse.Namespace) -> int:
    new = from_run(args.run)
    old = read_baseline(args.out) if args.out.exists() else None
    worse = fallen(old, new) if old else {}
    for name, (before, now) in worse.items():
        print(f"{name}: {before:.4f} -> {now:.4f}", file=sys.stderr)
    if worse and not args.allow_regression:
        print(f"error: {len(worse)} figures are worse than in {args.out}. Mend them, or say --allow-regression.",
              file=sys.stderr)  # fmt: skip
        return REFUSED
    day = time.strftime("%Y-%m-%d", time.gmtime())
    noted = [f"{day}: {name} {before:.4f} -> {now:.4f}" for name, (before, now) in worse.items()]
    write_baseline(new, args.out, [*(old.regressions if old else ()), *noted])
    print(f"{args.out}: {len(new.figures)} figures of {new.n} questions")
    return 0


def from_run(folder: Path) -> Baseline:
    """The figures of a run. BadInput when it is not complete, or has an alarm: no floor is made of a broken run."""
    from eval.folder import questions_sha256
    from eval.gate import read_run

    run = read_run(folder)
    if not run.rows or run.wanted != len(run.rows):
        raise BadInput(f"{folder} is not complete: {len(run.rows)} of {run.wanted} questions have a result.")
    if run.alarms:
        raise BadInput(f"{folder} has an alarm ({run.alarms[0]}): no floor is made of a broken run.")
    held = {f.key: round(f.value, 6) for f in run.figures.values() if f.value == f.value}
    lower = tuple(f.key for f in run.figures.values() if f.lower)
    ids = questions_sha256(row["id"] for row in run.rows if not row["repeat"])
    return Baseline(str(folder), ids, len(run.rows), held, lower)


def fallen(old: Baseline, new: Baseline) -> dict[str, tuple[float, float]]:
    """Metric → (before, now) where the new figure is worse, or gone (NaN then)."""
    if old.questions_sha256 != new.questions_sha256:
        raise BadInput(f"{old.name} is of other questions. Name another file, or remove it: its floor ends with it.")
    worse = {}
    for name, before in old.figures.items():
        now = new.figures.get(name, float("nan"))
        better = now <= before if name in old.lower else now >= before
        if not better:
            worse[name] = (before, now)
    return worse


def read_baseline(path: Path) -> Baseline:
    """A baseline file, or the folder of a run. BadInput when it is neither, or was edited by hand."""
    if path.is_dir():
        return from_run(path)
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        body = {key: value for key, value in held.items() if key != "sha256"}
        figures = {str(name): float(value) for name, value in body["figures"].items()}
        made = Baseline(str(path), body["questions_sha256"], int(body["n"]), figures, tuple(body["lower"]),
                        tuple(body["regressions"]))  # fmt: skip
    except OSError as fault:
        raise BadInput(f"{path} can not be read ({fault.strerror}). `eval baseline RUN --out` makes one.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise BadInput(f"{path} is no baseline ({type(fault).__name__}: {fault}).") from None
    if held.get("sha256") != _checksum(body):
        raise BadInput(f"{path} was edited by hand. Write it with `python -m eval baseline RUN --out {path}`.")
    return made


def write_baseline(made: Baseline, path: Path, regressions: list[str]) -> None:
    body = asdict(made) | {"regressions": regressions, "lower": list(made.lower)}
    del body["name"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body | {"sha256": _checksum(body)}, indent=1) + "\n", encoding="utf-8")


def _checksum(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
