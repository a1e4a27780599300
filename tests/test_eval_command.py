"""`python -m eval run` from end to end on a small article: the real index and chain, and every exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval.__main__ import main
from rag.errors import ModelMissing
from rag.types import Answer, Question
from tests.eval_fakes import ARTICLE, ARTICLES, CrashesEveryThird, Perfect, examples


@pytest.fixture
def set_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The nine questions as a native set that brings its article; index and corpus are empty folders."""
    monkeypatch.setenv("RAG_INDEX", str(tmp_path / "index"))
    monkeypatch.setenv("RAG_CORPUS", str(tmp_path / "corpus"))
    path = tmp_path / "set.jsonl"
    lines = []
    for e in examples():
        row = {"id": e.id, "question": e.question, "answers": e.answers, "answerable": e.answerable}
        gold = [{"text": x.text} for x in e.evidence]
        lines.append(json.dumps(row | {"article": "harbour", "article_text": ARTICLE.text, "evidence": gold}))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


Use = Callable[[Any], None]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Put a fake chain where the command gets its chain from; index, files and figures stay real."""
    return lambda chain: monkeypatch.setattr("rag.chain.load_chain", lambda config: chain)


def results(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


def test_the_real_chain_answers_a_set_that_brings_its_article(
    set_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main(["run", str(set_path), "--out", str(out)]) == 0
    rows = results(out)
    assert [row["id"] for row in rows] == [f"q{i}" for i in range(9)]
    assert rows[3]["answer"]["citations"], "“Who drew the new pier?” is answered and cited"
    for row in rows:
        for c in row["answer"]["citations"]:
            assert ARTICLE.text[c["start"] : c["end"]] == c["quote"]
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["done"], manifest["identity"]["n"]) == (9, 9)
    assert list(manifest["identity"]["articles_sha256"]) == ["harbour"]
    assert json.loads((out / "summary.json").read_text())["n"] == 9
    printed = capsys.readouterr()
    assert "hit@1" in printed.out and "all questions" in printed.out
    assert "asked 9/9" in printed.err
    # the set's article is in an index of its own, not in the user's
    assert not (tmp_path / "index" / "CURRENT").exists()
    assert len(list((tmp_path / "index" / "eval").glob("*/CURRENT"))) == 1


class StopsAt(Perfect):
    """Ctrl-C arrives while the nth question is being answered."""

    def __init__(self, nth: int) -> None:
        super().__init__()
        self._nth = nth

    def invoke(self, input: Question) -> Answer:
        if len(self.asked) + 1 == self._nth:
            raise KeyboardInterrupt
        return super().invoke(input)


def test_ctrl_c_keeps_what_is_done_and_resume_asks_only_the_rest(
    set_path: Path, tmp_path: Path, use: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    use(StopsAt(4))
    assert main(["run", str(set_path), "--out", str(out)]) == 4
    assert f"incomplete: 6 of 9 questions are missing. Add --resume to go on in {out}." in capsys.readouterr().err
    assert [row["id"] for row in results(out)] == ["q0", "q1", "q2"]
    rest = Perfect()
    use(rest)
    assert main(["run", str(set_path), "--out", str(out), "--resume"]) == 0
    assert rest.asked == [e.question for e in examples()[3:]]
    assert [row["id"] for row in results(out)] == [f"q{i}" for i in range(9)]
    assert json.loads((out / "summary.json").read_text())["outcomes"] == {"right": 9}


def test_ctrl_c_before_the_first_answer(set_path: Path, use: Use, capsys: pytest.CaptureFixture[str]) -> None:
    use(StopsAt(1))
    assert main(["run", str(set_path)]) == 4
    assert "stopped before the first question was answered" in capsys.readouterr().err


def test_a_question_that_raised_is_no_green_run(set_path: Path, use: Use, capsys: pytest.CaptureFixture[str]) -> None:
    use(CrashesEveryThird())
    assert main(["run", str(set_path)]) == 1
    printed = capsys.readouterr()
    assert "3 of 9 questions raised, the first: RuntimeError: out of steam" in printed.err
    assert "error 3 0.333" in " ".join(printed.out.split())


def test_only_the_first_n_are_asked(set_path: Path, use: Use) -> None:
    chain = Perfect()
    use(chain)
    assert main(["run", str(set_path), "--filter", "answerable=false", "-n", "2"]) == 0
    assert chain.asked == ["Who drew the old pier?", "What does the ferry cost?"]


def test_an_error_of_the_chains_making_has_its_own_exit_code(
    set_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(config: Any) -> None:
        raise ModelMissing("The weights are not there. Run `make setup`.")

    monkeypatch.setattr("rag.chain.load_chain", fails)
    assert main(["run", str(set_path)]) == 1
    assert capsys.readouterr().err.endswith("error: The weights are not there. Run `make setup`.\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "nowhere.jsonl"], "There is no file nowhere.jsonl"),
        (["run", "SET", "--resume"], "--resume needs --out DIR"),
        (["run", "SET", "--filter", "tag"], "--filter tag is not understood"),
        (["run", "SET", "--split", "report"], "No question of 9 is left after tag=report. Tags: date, factoid"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    set_path: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(set_path) if a == "SET" else a for a in arguments]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"error: {said}") and err.count("\n") == 1


def test_a_folder_with_a_run_is_not_written_over(
    set_path: Path, tmp_path: Path, use: Use, capsys: pytest.CaptureFixture[str]
) -> None:
    use(Perfect())
    arguments = ["run", str(set_path), "--out", str(tmp_path / "run")]
    assert main(arguments) == 0
    before = (tmp_path / "run" / "results.jsonl").read_bytes()
    assert main(arguments) == 2
    assert "holds a run already" in capsys.readouterr().err
    assert (tmp_path / "run" / "results.jsonl").read_bytes() == before


def test_an_unknown_slug_is_named_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "harbour.md").write_text("# The harbour\n\n" + ARTICLES["harbour"].text + "\n", encoding="utf-8")
    monkeypatch.setenv("RAG_CORPUS", str(corpus))
    monkeypatch.setenv("RAG_INDEX", str(tmp_path / "index"))
    path = tmp_path / "set.jsonl"
    path.write_text('{"id": "q", "question": "Who?", "answers": ["Anna"], "article": "ferry"}\n', encoding="utf-8")
    assert main(["run", str(path)]) == 2
    assert f"{path}:1: no article 'ferry' in the index. It holds: harbour." in capsys.readouterr().err
    assert not (tmp_path / "index").exists(), "a fault of the set is found before anything is indexed"


def test_a_missing_reader_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "eval.reader", None)
    assert main(["reader"]) == 1
    assert "eval/reader.py is missing" in capsys.readouterr().err
