"""The gate: sound runs pass, each planted fault fails by its own name, what is missing is never green, and the
committed floor does not sink in silence."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval.__main__ import main
from eval.alarms import NAMES
from eval.sets import Example
from tests.eval_mutants import MUTANTS, SET, AlwaysAnswers, AlwaysRefuses, DropsEveryTenth, Oracle, dev

Run = Callable[..., Path]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`eval run` over the dev questions with this chain in the place of the real one; returns the folder."""
    monkeypatch.setenv("RAG_INDEX", str(tmp_path / "index"))
    monkeypatch.setattr("rag.build.build_index", lambda *_, **__: None)  # no chain here needs vectors
    monkeypatch.setattr("rag.build.refresh", lambda *_, **__: None)
    known = {"model": "m", "model_sha256": "", "chunker": "c", "format": 1}

    def ask(kind: Callable[[Sequence[Example]], Oracle], name: str = "run", *more: str) -> Path:
        monkeypatch.setattr("eval.chains.open_chain", lambda config: (kind(dev()), known))
        out = tmp_path / name
        main(["run", str(SET), "--split", "dev", "--out", str(out), *more])
        return out

    return ask


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    capsys.readouterr()
    code = main([str(a) for a in arguments])
    printed = capsys.readouterr()
    return code, printed.out + printed.err


def test_a_sound_run_passes_its_floors(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    out = run(Oracle)
    code, text = said(capsys, "gate", out, "--fail-under", "f1=0.7", "--fail-over", "over_abstention=0", "--min-n", 86)
    assert (code, text.splitlines()) == (
        0,
        [
            "ok   86 questions, at least 86 wanted",
            "ok   no alarm",
            "ok   f1 1.000 (86/86), at least 0.7 wanted",
            "ok   over_abstention 0.000 (58/58), at most 0 wanted",
            "gate passed: 0 of 4 checks failed",
        ],
    )


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.__name__)
def test_each_planted_fault_is_caught_by_name_in_gate_and_report(
    mutant: Callable[[Sequence[Example]], Oracle], run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    out = run(mutant)
    code, text = said(capsys, "gate", out)
    failed = [line for line in text.splitlines() if line.startswith("FAIL")]
    assert code == 3
    assert [line[5:].partition(":")[0] for line in failed] == [MUTANTS[mutant]], "this alarm and no other"
    assert main(["report", str(out)]) == 0
    page = (out / "report.html").read_text()
    assert f"<strong>{MUTANTS[mutant]}</strong>" in page
    assert [name for name in NAMES if f"<strong>{name}</strong>" in page] == [MUTANTS[mutant]]


def test_lines_that_are_gone_or_doubled_are_caught(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    out = run(Oracle)
    results = out / "results.jsonl"
    lines = results.read_text().splitlines(keepends=True)
    results.write_text("".join(line for i, line in enumerate(lines, start=1) if i % 10))
    code, text = said(capsys, "gate", out, "--fail-under", "right=0.9")
    assert code == 4 and "FAIL questions missing: 8 of 86 have no result" in text
    results.write_text("".join([*lines[:-1], lines[0]]))
    code, text = said(capsys, "gate", out)
    assert code == 3 and "FAIL rows doubled: 1 questions have more than one result" in text


def test_nothing_evaluated_is_never_green(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    out = run(Oracle)
    code, text = said(capsys, "gate", out, "--min-n", 87)
    assert code == 4 and "FAIL 86 questions, at least 87 wanted" in text
    (out / "results.jsonl").write_text("")
    code, text = said(capsys, "gate", out, "--fail-under", "f1=0")
    assert code == 4 and "FAIL nothing was evaluated" in text
    (out / "manifest.json").unlink()
    assert said(capsys, "gate", out)[0] == 4
    assert said(capsys, "gate", out / "nowhere")[0] == 2


def test_a_metric_scored_on_nothing_does_not_pass(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    out = run(AlwaysAnswers)
    code, text = said(capsys, "gate", out, "--fail-under", "abstention_precision=0")
    assert code == 3 and "FAIL abstention_precision has no value, at least 0 wanted" in text


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--fail-under", "f7=0.5"], "There is no metric 'f7' in this run. It has: hit_at_1"),
        (["--fail-under", "f1=70"], "--fail-under f1=70: give a number from 0 to 1."),
        (["--fail-under", "f1=nan"], "--fail-under f1=nan: give a number"),
        (["--fail-under", "f1"], "--fail-under f1 is not understood"),
        (["--max-drop", "f1=0.1"], "--max-drop needs --baseline"),
        (["--baseline", "nowhere.json"], "nowhere.json can not be read"),
    ],
)
def test_bad_options_are_one_line_and_exit_2(
    options: list[str], expected: str, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = said(capsys, "gate", run(Oracle), *options)
    assert code == 2 and text.startswith(f"error: {expected}") and text.count("\n") == 1


def test_a_drop_from_the_baseline_fails(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = tmp_path / "base.json"
    good, bad = run(Oracle), run(AlwaysRefuses, "bad")
    assert said(capsys, "baseline", good, "--out", base)[0] == 0
    assert said(capsys, "gate", good, "--baseline", base, "--max-drop", "f1=0")[0] == 0
    code, text = said(capsys, "gate", bad, "--baseline", base, "--max-drop", "f1=0.02", "--max-drop", "over_abstention=0.5")
    assert code == 3
    assert "FAIL f1 0.326 (86/86), was 1.000: worse by 0.674, 0.02 allowed" in text
    assert "FAIL over_abstention 1.000 (58/58), was 0.000: worse by 1.000, 0.5 allowed" in text
    # a run serves as a baseline too
    assert said(capsys, "gate", bad, "--baseline", good, "--max-drop", "f1=0.02")[0] == 3


def test_a_baseline_of_other_questions_is_no_baseline(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = tmp_path / "base.json"
    said(capsys, "baseline", run(Oracle, "small", "-n", "50"), "--out", base)
    code, text = said(capsys, "gate", run(Oracle), "--baseline", base, "--max-drop", "f1=1")
    assert code == 4 and "was made with other questions" in text


def test_the_floor_sinks_only_when_told_to_and_keeps_a_record(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base = tmp_path / "base.json"

    class Slips(Oracle):
        """Refuses one of the questions it could answer."""

        def invoke(self, input: Any) -> Any:
            right = super().invoke(input)
            return replace(right, citations=(), refused=True) if self.asked == 1 else right

    good, worse = run(Oracle), run(Slips, "worse")
    said(capsys, "baseline", good, "--out", base)
    before = base.read_bytes()
    code, text = said(capsys, "baseline", worse, "--out", base)
    assert code == 3 and "right: 1.0000 -> 0.9884" in text and "say --allow-regression" in text
    assert base.read_bytes() == before
    assert said(capsys, "baseline", worse, "--out", base, "--allow-regression")[0] == 0
    assert any("right 1.0000 -> 0.9884" in line for line in json.loads(base.read_text())["regressions"])
    assert said(capsys, "baseline", good, "--out", base)[0] == 0  # up again, without asking
    held = json.loads(base.read_text())
    assert held["figures"]["right"] == 1.0 and held["regressions"]


def test_a_floor_lowered_by_hand_is_refused(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base, out = tmp_path / "base.json", run(Oracle)
    said(capsys, "baseline", out, "--out", base)
    base.write_text(base.read_text().replace('"right": 1.0', '"right": 0.2'))
    code, text = said(capsys, "gate", out, "--baseline", base, "--max-drop", "right=0")
    assert code == 2 and "was edited by hand" in text


def test_no_floor_is_made_of_a_broken_run(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = said(capsys, "baseline", run(DropsEveryTenth), "--out", tmp_path / "base.json")
    assert code == 2 and "has an alarm (questions dropped: 8 of 86" in text
    assert not (tmp_path / "base.json").exists()


def test_a_floor_of_the_reader_is_not_made_of_its_stand_in(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class NoWeights(Oracle):
        def invoke(self, input: Any) -> Any:
            said = super().invoke(input)
            return replace(said, answerer="sentences", notice="Answered with whole sentences: no weights.")

    code, text = said(capsys, "baseline", run(NoWeights), "--out", tmp_path / "reader.json")
    assert code == 2
    assert "has an alarm (answered by a stand-in: 86 of 86, the first: Answered with whole sentences: no weights.)" in text


def test_the_committed_baselines_are_whole() -> None:
    from eval.baseline import read_baseline

    folder = Path(__file__).parents[1] / "eval" / "baselines"
    held = {path.stem: read_baseline(path) for path in folder.glob("*.json")}
    assert "sentences" in held
    assert {base.n for base in held.values()} == {86}
