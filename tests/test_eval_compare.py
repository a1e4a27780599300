"""Two runs of the same questions: the figures of the difference, and what is never averaged in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eval.__main__ import main
from eval.compare import compare, flipped, pair
from eval.folder import RunFolder
from eval.run import ask_all
from tests.eval_fakes import ARTICLES, AlwaysAnswers, AlwaysRefuses, CrashesEveryThird, Perfect, examples

Rows = list[dict[str, Any]]


def rows(chain: Perfect) -> Rows:
    return list(ask_all(examples(), chain, ARTICLES))


def test_a_run_does_not_differ_from_itself() -> None:
    pairs, remarks = pair(rows(Perfect()), rows(Perfect()))
    assert (len(pairs), remarks, flipped(pairs)) == (9, [], [])
    assert {(d.holm, d.permutation, d.wins, d.losses, d.b - d.a) for d in compare(pairs)} == {(1.0, 1.0, 0, 0, 0.0)}


def test_what_refusing_everything_costs() -> None:
    pairs, _ = pair(rows(Perfect()), rows(AlwaysRefuses()))
    found = {d.metric: d for d in compare(pairs)}
    right = found["right"]
    assert (right.a, right.b, right.wins, right.ties, right.losses) == (1.0, 3 / 9, 0, 3, 6)
    assert right.low < -6 / 9 < right.high < 0
    # exact McNemar of 0 to 6 is 2 / 2**6 = 0.03125; looking at twelve metrics, Holm makes that 0.375
    assert (right.mcnemar, right.permutation) == (0.03125, pytest.approx(0.03125, abs=0.005))
    assert (len(found), right.holm) == (12, 0.375)
    assert (found["hit_at_1"].b, found["hit_at_1"].losses) == (1 / 6, 5)  # it shows q5's sentence for all
    assert (found["yes_no"].wins, found["yes_no"].ties, found["yes_no"].losses) == (0, 0, 1)


def test_abstention_is_judged_both_ways() -> None:
    pairs, _ = pair(rows(AlwaysAnswers()), rows(AlwaysRefuses()))
    [abstention] = [d for d in compare(pairs) if d.metric == "abstention"]
    assert (abstention.a, abstention.b, abstention.wins, abstention.losses) == (6 / 9, 3 / 9, 3, 6)


def test_newly_wrong_questions_come_first() -> None:
    pairs, _ = pair(rows(AlwaysAnswers()), rows(CrashesEveryThird()))
    changed = [(x["id"], x["metrics"]["outcome"], y["metrics"]["outcome"]) for x, y in flipped(pairs)]
    assert changed == [
        ("q2", "right", "error"),
        ("q5", "right", "error"),
        ("q6", "answered the unanswerable", "right"),
        ("q7", "answered the unanswerable", "right"),
        ("q8", "answered the unanswerable", "error"),
    ]


def test_questions_without_a_partner_or_with_another_gold_are_named_and_left_out() -> None:
    a, b = rows(Perfect()), rows(AlwaysRefuses())
    b[0] = b[0] | {"answers": ["1991"]}
    pairs, remarks = pair(a, b[:7])
    assert [x["id"] for x, _ in pairs] == ["q1", "q2", "q3", "q4", "q5", "q6"]
    assert remarks == [
        "2 questions only in A, 0 only in B: left out.",
        "1 questions changed between the runs: left out (q0).",
    ]


def kept(folder: Path, held: Rows) -> Path:
    run = RunFolder(folder)
    run.begin({}, resume=False)
    for row in held:
        run.add(row)
    return folder


def test_the_command_prints_flips_then_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = kept(tmp_path / "a", rows(AlwaysAnswers()))
    b = kept(tmp_path / "b", rows(CrashesEveryThird()))
    assert main(["compare", str(a), str(b), "--show", "1"]) == 0
    out = capsys.readouterr().out
    assert "9 questions in both, 5 with another outcome." in out
    assert "q2  right -> error\n  Q What did the new pier cost?\n  gold 9 crowns\n" in out
    assert "B raised RuntimeError: out of steam at What did the new pier cost?" in out
    assert "and 4 more; --show 5 prints them all." in out
    assert out.index("q2  right") < out.index("wins/ties/losses")
    assert "right 0.667 0.667 +0.000 -0.444 to +0.444 1 1 1 2/5/2" in " ".join(out.split())


def test_what_can_not_be_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = kept(tmp_path / "a", rows(Perfect()))
    assert main(["compare", str(a), str(tmp_path / "nowhere")]) == 2
    assert "nowhere/results.jsonl can not be read" in capsys.readouterr().err
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "results.jsonl").write_text(json.dumps({"id": "q1"}) + "\n")
    assert main(["compare", str(a), str(tmp_path / "b")]) == 2
    assert "results.jsonl:1: not a line of results (KeyError: 'metrics')" in capsys.readouterr().err
    other = kept(tmp_path / "c", [row | {"id": "other " + row["id"]} for row in rows(Perfect())])
    assert main(["compare", str(a), str(other)]) == 2
    assert "share no question" in capsys.readouterr().err
