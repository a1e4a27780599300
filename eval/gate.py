"""`python -m eval gate RUN`: a run passes or fails, for CI.

Exit codes: 0 passed; 2 bad input; 3 a floor, a drop or an alarm failed it; 4 incomplete, or nothing was evaluated:
what is missing is never green.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.alarms import Alarm, alarms
from eval.baseline import Baseline, read_baseline
from eval.choose import count, pairs
from eval.figures import Figure, figures
from eval.folder import light, questions_sha256, read_manifest, stream_results
from rag.errors import BadInput

FAILED, INCOMPLETE = 3, 4


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path, metavar="RUN", help="the --out folder of a run")
    floor = parser.add_argument_group("what fails a run; any alarm (eval/alarms.py) does too")
    floor.add_argument("--fail-under", action="append", default=[], metavar="METRIC=X", help="e.g. f1=0.7")
    floor.add_argument("--fail-over", action="append", default=[], metavar="METRIC=X", help="e.g. over_abstention=0.1")
    floor.add_argument("--baseline", type=Path, metavar="BASE", help="a file of `eval baseline`, or a RUN")
    floor.add_argument("--max-drop", action="append", default=[], metavar="METRIC=X", help="e.g. f1=0.02; needs BASE")
    floor.add_argument("--min-n", type=count, default=1, metavar="N", help="fewer questions are no measurement")


@dataclass(frozen=True, slots=True)
class Check:
    """One condition, how it came out, and the code to exit with when it failed."""

    passed: bool
    text: str
    code: int = FAILED


@dataclass(frozen=True, slots=True)
class Run:
    """What the gate needs of a run; `wanted` is None without a manifest."""

    rows: Sequence[Mapping[str, Any]]
    wanted: int | None
    figures: Mapping[str, Figure]
    alarms: Sequence[Alarm]


def read_run(folder: Path) -> Run:
    """BadInput when there is no run; a run without rows has no figures."""
    known = read_manifest(folder).get("identity")
    wanted = known["n"] * known.get("repeat", 1) if known and "n" in known else None
    rows = [light(row) for row in stream_results(folder / "results.jsonl")]
    return Run(rows, wanted, {f.key: f for f in figures(rows)} if rows else {}, alarms(rows, wanted))


def main(args: argparse.Namespace) -> int:
    floors, ceilings, drops = (
        _limits(given, option)
        for given, option in (
            (args.fail_under, "--fail-under"),
            (args.fail_over, "--fail-over"),
            (args.max_drop, "--max-drop"),
        )
    )
    if drops and args.baseline is None:
        raise BadInput("--max-drop needs --baseline BASE to measure the drop from.")
    run = read_run(args.run)
    base = read_baseline(args.baseline) if args.baseline else None
    checks = [
        *_complete(run, args.min_n),
        *(_floor(run, name, x) for name, x in floors.items() if run.rows),
        *(_ceiling(run, name, x) for name, x in ceilings.items() if run.rows),
        *(_drops(run, base, drops) if base and run.rows else ()),
    ]
    for check in checks:
        print(f"{'ok  ' if check.passed else 'FAIL'} {check.text}")
    failed = [check.code for check in checks if not check.passed]
    print(f"gate {'failed' if failed else 'passed'}: {len(failed)} of {len(checks)} checks failed")
    return max(failed, default=0)


def _complete(run: Run, min_n: int) -> Iterator[Check]:
    n = len(run.rows)
    if not n:
        yield Check(False, "nothing was evaluated", INCOMPLETE)
        return
    if run.wanted is None:
        yield Check(False, "manifest.json is missing: nothing says how many questions there should be", INCOMPLETE)
    yield Check(n >= min_n, f"{n} questions, at least {min_n} wanted", INCOMPLETE)
    for alarm in run.alarms:
        yield Check(False, str(alarm), INCOMPLETE if alarm.name == "questions missing" else FAILED)
    if not run.alarms:
        yield Check(True, "no alarm")


def _floor(run: Run, name: str, floor: float) -> Check:
    f = _figure(run, name)
    return Check(f.value >= floor, f"{name} {_value(f)}, at least {floor:g} wanted")


def _ceiling(run: Run, name: str, ceiling: float) -> Check:
    f = _figure(run, name)
    return Check(f.value <= ceiling, f"{name} {_value(f)}, at most {ceiling:g} wanted")


def _drops(run: Run, base: Baseline, drops: Mapping[str, float]) -> Iterator[Check]:
    if base.questions_sha256 != questions_sha256(row["id"] for row in run.rows if not row["repeat"]):
        yield Check(False, f"{base.name} was made with other questions: nothing to compare with", INCOMPLETE)
        return
    for name, limit in drops.items():
        f = _figure(run, name)
        if name not in base.figures:
            raise BadInput(f"--max-drop {name}=…: {base.name} has no {name}. It has: {', '.join(base.figures)}.")
        before = base.figures[name]
        drop = f.value - before if f.lower else before - f.value
        text = f"{name} {_value(f)}, was {before:.3f}: worse by {max(0.0, drop):.3f}, {limit:g} allowed"
        yield Check(drop <= limit + 1e-9, text)


def _figure(run: Run, name: str) -> Figure:
    """A NaN value fails every comparison: a figure that was scored on nothing never passes."""
    if name not in run.figures:
        raise BadInput(f"There is no metric {name!r} in this run. It has: {', '.join(run.figures)}.")
    return run.figures[name]


def _value(f: Figure) -> str:
    return f"{f.value:.3f} ({f.scored}/{f.total})" if f.value == f.value else "has no value"


def _limits(given: Sequence[str], option: str) -> dict[str, float]:
    limits = {}
    for name, text in pairs(given, option).items():
        try:
            limits[name] = float(text)
        except ValueError:
            limits[name] = -1.0
        if not 0 <= limits[name] <= 1:
            raise BadInput(f"{option} {name}={text}: give a number from 0 to 1.")
    return limits
